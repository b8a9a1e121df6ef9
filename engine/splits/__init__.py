"""Which subclasses are train, Easy, Hard: the percentile rule, the rules before it, and their history."""
