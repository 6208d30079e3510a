"""Intervals for what was measured on a sample of examples: shares, means, and metrics of any kind by the bootstrap."""
