"""A task, described in a few lines of Python, and what it goes through. Needs torch; imported when a task is made."""
