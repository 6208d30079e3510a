"""A search for the hyperparameters and the architecture with which a task ends best, by its validation data alone."""
