"""What a model says of each candidate, and what falls away by rule."""
