"""Cross-validation of a task with little data: k-fold and nested, with what must not be read into it."""
