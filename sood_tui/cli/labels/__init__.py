"""Commands for several valid labels of a picture."""
