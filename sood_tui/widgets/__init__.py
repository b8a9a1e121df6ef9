"""Widgets: each paints one thing and says by messages what a person did to it."""
