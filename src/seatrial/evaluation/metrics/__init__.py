"""Metrics of predictions, each with its interval and with what an answer without any model would reach."""
