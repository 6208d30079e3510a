"""The lecture from end to end: a task goes through every stage, from the sealing of its test data to their opening."""
