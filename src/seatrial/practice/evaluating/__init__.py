"""From a task and weights, or a file of predictions, to an evaluation and its files."""
