"""What can go wrong with the catalogue, in sentences a person can act on."""

from pathlib import Path


class StoreError(Exception):
    """Something the catalogue refuses: what is wrong, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CatalogueLocked(StoreError):
    """Another process has the catalogue open."""

    def __init__(self, path: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(
            f"The catalogue {path} is open in {holder}.",
            "Close that sood-tui, or wait until its command ends. Beside open screens `sood-tui` alone and its command "
            "`review` work from a guest seat; `sood-tui jobs` works all the same.",
        )
        self.path = path
        self.pid = pid


class NotACatalogue(StoreError):
    """The file is there, but it is not a catalogue of sood-tui."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is not a catalogue of sood-tui: {reason}", "Check the workspace folder (-w).")


class CatalogueTooNew(StoreError):
    """The catalogue was written by a newer sood-tui."""

    def __init__(self, path: Path, migration: str) -> None:
        super().__init__(
            f"The catalogue {path} was written by a newer sood-tui (it has migration {migration}).",
            "Upgrade sood-tui to open it.",
        )


class CatalogueEdited(StoreError):
    """A migration that this catalogue has applied differs from the one in this sood-tui."""

    def __init__(self, path: Path, migration: str) -> None:
        super().__init__(
            f"The catalogue {path} was made with another text of migration {migration} than this sood-tui has.",
            "Install the sood-tui that made it, or start a new workspace and import its decisions.",
        )


class UnknownWnid(StoreError):
    """No synset has this wnid."""

    def __init__(self, wnid: str) -> None:
        super().__init__(
            f"No synset has the wnid {wnid}.",
            "wnids are WordNet 3.0's: n and eight digits, as in n02084071. `sood-tui wordnet find` searches.",
        )
        self.wnid = wnid
