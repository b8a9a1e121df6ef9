"""What leaves the house: lists and manifests, written whole or not at all, and their verification."""
