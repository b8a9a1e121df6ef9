"""What the catalogue remembers of pictures that are alike."""
