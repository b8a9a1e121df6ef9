"""What evaluation sets stand for: pictures of splits, synsets, folders and files."""
