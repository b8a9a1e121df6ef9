"""Floor 2: what is computed. Knows no terminal."""
