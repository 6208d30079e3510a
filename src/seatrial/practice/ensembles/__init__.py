"""Several models of a task made one: where members come from, which are taken, and the ensemble that can be loaded and frozen."""
