"""What did a person decide? Events that are only appended, and what follows from them."""
