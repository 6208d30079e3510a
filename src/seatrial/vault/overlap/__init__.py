"""Examples that stand on both sides of a split: the same ones, nearly the same ones, those of one group."""
