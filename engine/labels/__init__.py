"""One label or several: multi-label truth, and what it changes in the numbers."""
