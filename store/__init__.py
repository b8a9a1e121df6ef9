"""Floor 1: what is remembered. DuckDB, and no torch."""
