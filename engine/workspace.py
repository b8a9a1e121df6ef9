"""A workspace: one folder with the catalogue, the embeddings, the jobs and the exports."""

from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from store.connection import Store

SETTINGS_FILE = "sood.toml"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where everything of one workspace lies, and its catalogue while this process has it open."""

    root: Path
    store: Store | None = None
    seed: int = 0

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

    def opened(self) -> Store:
        """The open catalogue.

        Raises: EngineError if this process has not opened it.
        """
        if self.store is None:
            raise EngineError(f"The catalogue of {self.root} is not open here.")
        return self.store
