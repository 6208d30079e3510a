"""Optimizers: the usual ones by name, and a fair comparison of them."""
