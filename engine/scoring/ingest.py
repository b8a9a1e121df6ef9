"""Taking in what a scoring job made: embeddings part by part, then the similarities of the whole run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.errors import EngineError
from engine.events import now
from engine.jobs.ingest import Intake
from engine.scoring.job import Prompt, ScoringSettings, read_prompts
from engine.scoring.parts import PartFacts, parts_of, read_facts, read_part
from engine.scoring.similarities import EmbeddingParts
from engine.workspace import Workspace
from store.connection import Cursor
from store.scoring import runs as store
from store.scoring.embeddings import (
    EmbeddingSet,
    append_embeddings,
    append_read_issues,
    delete_read_issues,
    fetch_embedded,
    fetch_part_id,
    fetch_parts,
    fetch_set,
    insert_part,
    insert_set,
)


def ingest(intake: Intake) -> None:
    """Take in a part of a scoring job, or at its end the similarities; see ``engine.jobs``."""
    if intake.part is not None:
        texts = intake.part.metadata
        if texts.get("embeddings"):
            _register(intake.workspace, intake.cursor, Path(texts["model_key"]) / texts["embeddings"])
    elif intake.outcome is not None and intake.outcome.state == "finished":
        _Scores.of(intake).store()


@dataclass(frozen=True, slots=True)
class _Scores:
    """What is needed to score the superclasses of a finished job."""

    intake: Intake
    settings: ScoringSettings
    known: EmbeddingSet
    parts: EmbeddingParts

    @classmethod
    def of(cls, intake: Intake) -> "_Scores":
        settings = ScoringSettings(**intake.spec.settings)
        assert intake.outcome is not None
        model_key = str(intake.outcome.result["model_key"])
        folder = intake.workspace.embeddings / model_key
        # The job also relied on what other jobs had left in the folder, taken in or not.
        for path, _ in parts_of(folder, settings.catalogue_id):
            _register(intake.workspace, intake.cursor, Path(model_key) / path.name)
        known = fetch_set(intake.cursor, model_key)
        if known is None:
            raise EngineError(
                f"{intake.job.id} could not read a single picture.", "`sood-tui images issues` says why for each."
            )
        paths = {part.part_id: intake.workspace.root / part.path for part in fetch_parts(intake.cursor, known.set_id)}
        return cls(intake, settings, known, EmbeddingParts(paths, known.dimensions))

    def store(self) -> None:
        """Store the run. A run that is there already stays as it is."""
        cursor, job = self.intake.cursor, self.intake.job
        if store.fetch_run_of_job(cursor, job.id) is not None:
            return
        run_id = store.insert_run(
            cursor,
            self.known.set_id,
            self.settings.template,
            self.settings.keep_underscores,
            job.id,
            self.intake.spec.created_at,
        )
        for prompt in sorted(read_prompts(job.path), key=lambda prompt: prompt.superclass):
            vector = prompt.text_embedding.tolist()
            store.insert_run_superclass(cursor, run_id, prompt.superclass, prompt.prompt, vector)
            store.append_similarities(cursor, run_id, prompt.superclass, self._similarities(prompt))

    def _similarities(self, prompt: Prompt) -> pa.Table:
        wnids = self.settings.superclasses[prompt.superclass]
        where = fetch_embedded(self.intake.cursor, self.known.set_id, wnids)
        values = self.parts.similarities(
            where["part_id"].to_numpy().astype(np.int32),
            where["row"].to_numpy().astype(np.int32),
            prompt.text_embedding,
        )
        return pa.table({"wnid": where["wnid"], "image_id": where["image_id"], "similarity": values})


def _register(workspace: Workspace, cursor: Cursor, place: Path) -> None:
    parquet_file = workspace.embeddings / place
    array = parquet_file.with_suffix(".npy").relative_to(workspace.root).as_posix()
    if fetch_part_id(cursor, array) is not None:
        return
    facts = read_facts(parquet_file)
    if facts is None:
        raise EngineError(f"{parquet_file} is no part of embeddings.", "Bring the file back, or score again.")
    known = _set_of(cursor, facts)
    part_id = insert_part(cursor, known.set_id, array, facts.rows, facts.sha256)
    table = read_part(parquet_file)
    append_embeddings(cursor, known.set_id, part_id, table)
    delete_read_issues(cursor, table)
    append_read_issues(cursor, table, now())


def _set_of(cursor: Cursor, facts: PartFacts) -> EmbeddingSet:
    known = fetch_set(cursor, facts.model_key)
    if known is None:
        insert_set(
            cursor, facts.model_key, facts.model, facts.pretrained, facts.weights_sha256, facts.dimensions, now()
        )
        known = fetch_set(cursor, facts.model_key)
    assert known is not None
    return known
