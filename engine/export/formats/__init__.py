"""One module a format. A module in this folder is a format: it is found by its name, nothing else names it."""
