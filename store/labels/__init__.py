"""What the catalogue remembers of several valid labels of a picture."""
