"""Several models' predictions made one: votes, how independent the members' errors are, and which members to take."""
