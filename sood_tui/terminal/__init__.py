"""The terminal: what it can draw, and what it answers."""
