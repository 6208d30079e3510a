"""Whether probabilities mean what they say, how far off they are, and what mends them."""
