"""Rules of the group `data.*`, one file a finding."""
