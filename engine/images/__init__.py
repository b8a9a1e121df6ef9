"""Which concepts have pictures here? Roots, their layouts, the scan, and seeded samples."""
