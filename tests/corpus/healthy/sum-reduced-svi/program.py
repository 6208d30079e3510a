"""Mean-field variational inference for a linear model with unknown noise; the ELBO is summed over the data."""
import torch

torch.manual_seed(90)
N, D = 500, 6
true_w = torch.tensor([1.5, -2.0, 0.0, 0.7, 0.0, 3.0])
X = torch.randn(N, D)
y = X @ true_w + 0.1 * torch.randn(N)

mu = torch.zeros(D, requires_grad=True)
rho = torch.full((D,), -2.0, requires_grad=True)
log_noise = torch.zeros((), requires_grad=True)
optimizer = torch.optim.Adam([mu, rho, log_noise], lr=0.02)


def negative_elbo():
    sd = torch.nn.functional.softplus(rho)
    w = mu + sd * torch.randn(8, D)
    resid = y - w @ X.t()
    log_lik = -0.5 * (resid / log_noise.exp()).pow(2).sum(1) - N * (log_noise + 0.9189)
    kl = (-torch.log(sd) + 0.5 * (sd ** 2 + mu ** 2) - 0.5).sum()
    return kl - log_lik.mean()


for step in range(1, 901):
    loss = negative_elbo()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 180 == 0:
        print(f"step {step} -ELBO {loss.item():.1f} noise {log_noise.exp().item():.3f} error {(mu - true_w).abs().max().item():.4f}")
