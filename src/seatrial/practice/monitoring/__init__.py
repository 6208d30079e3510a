"""The parts of a `Monitor`: its figures as they stand, drawn, and written for TensorBoard."""
