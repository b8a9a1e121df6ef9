"""Screens: one a room of the walk that a person works in, each with its style sheet beside it."""
