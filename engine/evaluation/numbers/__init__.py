"""The numbers of an evaluation, with their intervals and conventions."""
