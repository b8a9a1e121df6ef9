"""Commands of the room splits."""
