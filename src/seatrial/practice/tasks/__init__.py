"""Tasks that come with seatrial."""
