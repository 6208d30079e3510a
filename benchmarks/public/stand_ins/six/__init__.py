"""A stand-in for six: the one name that the public programs of benchmarks/public.py take from it."""
