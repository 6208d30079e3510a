"""Rules of the group `distributed.*`, one file a finding. Most compare the runs of all processes (`Run.ranks`)."""
