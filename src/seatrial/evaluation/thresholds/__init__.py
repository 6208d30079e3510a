"""Where to draw the line between classes for a metric that accuracy does not stand for, and what that is worth on other data."""
