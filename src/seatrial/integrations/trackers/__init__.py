"""Sending a run that is over to a tracker of experiments: what was found, its figures, its report.

`parcel` is what is sent, as plain data; a tracker is one file, listed in `tracking`; `sending` does it for `seatrial run`, in a
process of its own, after the script has ended.
"""
