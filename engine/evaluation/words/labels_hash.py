"""The hash that tells whether negative labels were mined against the same ID labels."""

import hashlib
from collections.abc import Sequence


def labels_sha256(names: Sequence[str]) -> str:
    """SHA-256 of the names in their order."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
