"""A linear autoencoder finds the subspace of PCA."""
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import nn

torch.manual_seed(97)
x = load_digits().data.astype("float32")
x = (x - x[:1400].mean(0)) / x[:1400].std()
train, test = torch.from_numpy(x[:1400]), torch.from_numpy(x[1400:])
K = 10

encoder, decoder = nn.Linear(64, K, bias=False), nn.Linear(K, 64, bias=False)
opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=5e-3)
for epoch in range(25):
    total = 0.0
    for idx in torch.randperm(len(train)).split(50):
        batch = train[idx]
        loss = (decoder(encoder(batch)) - batch).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    if epoch % 5 == 4:
        with torch.no_grad():
            print(f"epoch {epoch + 1} train {total / 28:.4f} held out {(decoder(encoder(test)) - test).square().mean().item():.4f}")
pca = PCA(K).fit(train.numpy())
print(f"PCA held out {np.square(pca.inverse_transform(pca.transform(test.numpy())) - test.numpy()).mean():.4f}")
