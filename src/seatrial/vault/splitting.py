import numpy as np
def split(n, share, *, seed, stratify, groups, time):
    m = np.zeros(n, bool); m[np.random.default_rng(seed).permutation(n)[: int(n * share) if share < 1 else share]] = True
    return m
