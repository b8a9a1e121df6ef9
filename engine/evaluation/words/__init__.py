"""The words that negative labels are made of: where they come from, which are mined, what is left out."""
