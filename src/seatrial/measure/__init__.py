"""Pure functions from tensors to numbers. They judge nothing and leave no trace in what they measure."""
