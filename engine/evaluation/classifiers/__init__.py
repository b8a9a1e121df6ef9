"""Classifiers on the bands of a split."""
