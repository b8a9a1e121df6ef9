"""What the catalogue remembers of the room wordnet."""
