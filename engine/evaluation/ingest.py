"""Taking a finished evaluation into the catalogue."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from engine.errors import EngineError
from engine.evaluation import outputs
from engine.evaluation.plan import Plan, negatives_file, read_table
from engine.evaluation.sweeps.job import SWEEP_FILE
from engine.evaluation.words.labels_hash import labels_sha256
from engine.events import now
from engine.jobs.ingest import Intake
from store.evaluation import negatives as negatives_store
from store.evaluation import runs as store


def ingest(intake: Intake) -> None:
    """Take in a finished run, whole; a job that failed leaves nothing. See ``engine.jobs``."""
    if intake.part is not None or intake.outcome is None or intake.outcome.state != "finished":
        return
    if store.fetch_run_of_job(intake.cursor, intake.job.id) is not None:
        return
    relative = str(intake.spec.settings["folder"])
    folder = intake.workspace.root / relative
    if not (folder / outputs.RECORD_FILE).exists():
        raise EngineError(f"{intake.job.id} left no record in {folder}.", "Run the evaluation again.")
    plan = Plan.read(folder)
    text = (folder / outputs.RECORD_FILE).read_text(encoding="utf-8")
    record = json.loads(text)
    run_id = store.insert_evaluation(
        intake.cursor,
        {
            "job_id": intake.job.id,
            "folder": relative,
            "kind": "sweep" if plan.sweep else "run",
            "title": plan.title,
            "methods": list(plan.methods),
            "model": plan.model or "",
            "model_key": record["model"]["model_key"],
            "record": text,
            "reviewer": intake.spec.reviewer,
            "seconds": float(intake.outcome.result.get("seconds", intake.outcome.seconds)),
            "created_at": intake.spec.created_at,
        },
    )
    store.insert_parts(intake.cursor, _parts(run_id, record))
    if plan.sweep:
        store.append_sweep(intake.cursor, _with_run(run_id, read_table(folder, SWEEP_FILE)))
        return
    store.append_metrics(intake.cursor, _with_run(run_id, read_table(folder, outputs.METRICS_FILE)))
    store.append_pictures(intake.cursor, _with_run(run_id, read_table(folder, outputs.PICTURES_FILE)))
    store.append_scores(intake.cursor, _with_run(run_id, read_table(folder, outputs.SCORES_FILE)))
    for recipe, source in plan.negatives.items():
        if source.given is None:
            _keep_negatives(intake, plan, folder, recipe, record)


def _with_run(run_id: int, table: pa.Table) -> pa.Table:
    return table.append_column("run_id", pa.array(np.full(table.num_rows, run_id), pa.int32()))


def _parts(run_id: int, record: dict[str, Any]) -> pa.Table:
    keys = ("name", "role", "near_or_far", "source", "sha256", "images", "unreadable", "relatives", "note")
    rows = [
        {"run_id": run_id, "position": position, **{key: part[key] for key in keys}}
        for position, part in enumerate(record["sets"])
    ]
    counts = dict.fromkeys(("images", "unreadable", "relatives"), pa.int64())
    types = {"run_id": pa.int32(), "position": pa.int32(), **counts}
    names = ("run_id", "position", *keys)
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name, pa.string())) for name in names})


def _keep_negatives(intake: Intake, plan: Plan, folder: Path, recipe: str, record: dict[str, Any]) -> None:
    """What was mined becomes an artefact of its own, named after the run unless the plan names it."""
    source = plan.negatives[recipe]
    known = {found.name for found in negatives_store.fetch_negative_sets(intake.cursor)}
    wanted = f"{source.name or intake.job.id}-{recipe}" if len(plan.negatives) > 1 else source.name or intake.job.id
    name = wanted if wanted not in known else f"{wanted}-{intake.job.id}"
    settings = {**record["negatives"][recipe], "prompts": plan.recipes[recipe], "seed": plan.seed}
    negatives_id = negatives_store.insert_negative_set(
        intake.cursor,
        name,
        recipe,
        plan.model or "",
        record["model"]["model_key"],
        json.dumps(settings, ensure_ascii=False, sort_keys=True),
        labels_sha256(plan.label_names),
        now(),
    )
    words = read_table(folder, negatives_file(recipe))
    rows = words.append_column("negatives_id", pa.array(np.full(words.num_rows, negatives_id), pa.int32()))
    negatives_store.append_negative_labels(intake.cursor, rows)
