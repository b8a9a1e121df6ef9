"""Commands of the room filters."""
