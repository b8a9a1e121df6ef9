"""Many settings of NegLabel at once."""
