"""WordNet: finding it, reading it once through NLTK, and knowing what a person means by a word."""
