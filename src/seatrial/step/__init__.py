"""A training step as a program: captured, cut out, described, replayed."""
