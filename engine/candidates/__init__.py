"""Which synsets may stand under each superclass? From WordNet's hierarchy, or by the words that describe them."""
