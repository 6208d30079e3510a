"""Parts of the data on which a model does worse than chance would have it."""
