"""The vault: test data that is sealed before the work begins and brought out only at its end."""
