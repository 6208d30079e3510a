"""Whether one method is better than another: a test for each design of an experiment, intervals, and what many tests at once cost."""
