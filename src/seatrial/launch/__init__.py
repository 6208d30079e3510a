"""Makes a script believe that Python runs it, and sees to it that what was heard is recorded and reported."""
