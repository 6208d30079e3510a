"""Annealing: schedules of the learning rate by name, which of them suits a task, and how they look before training."""
