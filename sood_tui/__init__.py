"""Floor 3: what a person sees. Knows no SQL and no formula."""
