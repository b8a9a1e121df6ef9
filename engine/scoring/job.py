"""What a scoring job is told, and what it tells: shared by the process that submits it and the one that does it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from engine.jobs.files import write_whole

KIND = "scoring"
PROMPTS_FILE = "prompts.parquet"
DECODERS = ("auto", "cpu", "device")


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """The settings of a scoring job.

    Attributes:
        model: open_clip's name, with an absolute path where it names a folder.
        pretrained: tag or absolute path; None where the model brings its own weights.
        template: prompt template with {}.
        keep_underscores: leave the underscores of a name in its prompt.
        batch_size: pictures in a batch, until memory runs out.
        catalogue_id: whose image ids the work list uses.
        superclasses: name -> wnids of the subclasses to score.
        roots: folders of the pictures, as text (see store/paths.py); one that is gone ends the job.
        compiled: compile the model first.
        decoder: one of DECODERS.
    """

    model: str
    pretrained: str | None
    template: str
    keep_underscores: bool
    batch_size: int
    catalogue_id: str
    superclasses: Mapping[str, list[str]]
    roots: list[str]
    compiled: bool = False
    decoder: str = "cpu"

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its embedding, float32 [dimensions], L2-normalised."""

    superclass: str
    prompt: str
    text_embedding: NDArray[np.float32]


def write_prompts(folder: Path, prompts: list[Prompt]) -> None:
    """Keep the prompts of a job and their embeddings in its folder."""
    table = pa.table(
        {
            "superclass": pa.array([prompt.superclass for prompt in prompts], pa.string()),
            "prompt": pa.array([prompt.prompt for prompt in prompts], pa.string()),
            "text_embedding": pa.array([prompt.text_embedding for prompt in prompts], pa.list_(pa.float32())),
        }
    )
    write_whole(folder / PROMPTS_FILE, lambda stream: parquet.write_table(table, stream))


def read_prompts(folder: Path) -> list[Prompt]:
    """The prompts of a job, in the order in which they were written."""
    return [
        Prompt(row["superclass"], row["prompt"], np.asarray(row["text_embedding"], dtype=np.float32))
        for row in parquet.read_table(folder / PROMPTS_FILE).to_pylist()
    ]
