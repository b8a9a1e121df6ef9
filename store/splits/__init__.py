"""What the catalogue remembers of the room splits."""
