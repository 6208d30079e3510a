"""What predictions are worth: metrics, intervals, calibration, comparisons. Pure functions of arrays; nothing here knows torch."""
