"""From a trained model of a task to the table of its predictions."""
