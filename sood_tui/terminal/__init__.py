"""The terminal: what it can draw, how pictures are written to it, and what it answers."""
