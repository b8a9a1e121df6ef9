"""Evaluations as people read them: rows, tables, plots, two beside each other, mistakes."""
