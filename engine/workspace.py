"""A workspace: one folder with the catalogue, the embeddings, the jobs and the exports."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError
from store.connection import Store

if TYPE_CHECKING:
    from engine.review.guest import Guest

SETTINGS_FILE = "sood.toml"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where everything of one workspace lies, and its catalogue while this process has it open.

    guest: the seat from which this process works on a snapshot; None where it has the catalogue itself.
    """

    root: Path
    store: Store | None = None
    seed: int = 0
    guest: "Guest | None" = None

    @property
    def catalogue(self) -> Path:
        """The DuckDB file."""
        return self.root / "catalogue.duckdb"

    @property
    def embeddings(self) -> Path:
        """A folder for each model, with float16 parts."""
        return self.root / "embeddings"

    @property
    def thumbnails(self) -> Path:
        """Small pictures, made when first looked at."""
        return self.root / "thumbnails"

    @property
    def jobs(self) -> Path:
        """A folder for each job."""
        return self.root / "jobs"

    @property
    def exports(self) -> Path:
        """Where exports go when only a name is given."""
        return self.root / "exports"

    @property
    def settings_file(self) -> Path:
        """The settings of this workspace; its presence is what makes a folder a workspace."""
        return self.root / SETTINGS_FILE

    def require_owner(self, what: str) -> None:
        """Refuse to a guest what only the owner can do.

        Args:
            what: as in "A guest cannot ...".

        Raises: EngineError for a guest.
        """
        if self.guest is not None:
            raise EngineError(
                f"A guest seat cannot {what}: it decides, and nothing else.",
                "Do it in the sood-tui that has the workspace open.",
            )

    def opened(self) -> Store:
        """The open catalogue.

        Raises: EngineError if this process has not opened it.
        """
        if self.store is None:
            raise EngineError(f"The catalogue of {self.root} is not open here.")
        return self.store
