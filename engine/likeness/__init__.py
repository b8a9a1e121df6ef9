"""Which pictures are alike: the same pixels, near hashes, near embeddings. Three rooms ask: review, splits, export."""
