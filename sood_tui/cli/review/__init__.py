"""Commands of the room review."""
