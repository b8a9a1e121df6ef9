"""Commands of the room evaluation."""
