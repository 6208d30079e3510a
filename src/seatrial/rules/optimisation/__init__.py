"""Rules of the group `optimisation.*`, one file a finding."""
