"""How well a detector tells pictures of the ID classes from others: sets, negative labels, methods, numbers."""
