"""Rules of the group `loop.*`, one file a finding."""
