"""Rare classes: how rare, what a plain loss makes of them, and which remedy helps, seen on validation data."""
