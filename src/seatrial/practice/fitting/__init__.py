"""Training a task in earnest: epochs, validation, checkpoints, stopping early, going on after an interruption."""
