"""Rules of the group `model.*`, one file a finding."""
