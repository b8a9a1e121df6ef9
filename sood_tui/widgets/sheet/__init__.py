"""The contact sheet: its pictures, how they lie, and how they are painted."""
