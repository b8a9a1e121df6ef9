"""What the catalogue remembers of the room review."""
