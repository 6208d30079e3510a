"""What an answer of the vault costs: mechanisms that keep many answers valid, and intervals for exact ones.

Pure functions: what a mechanism must remember between two openings is a small state of plain numbers for the ledger.
"""
