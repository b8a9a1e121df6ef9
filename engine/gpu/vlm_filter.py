"""The job that asks a vision-language model about candidates: sheets of pictures, or pictures one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from engine.filters.answers import LEAST_MASS, YesNo, outcome_of, outcome_of_the_paper
from engine.filters.intervals import wilson
from engine.filters.sheets import compose, readable
from engine.filters.verdicts import VERDICT_SCHEMA
from engine.gpu.vlm import Vlm, answer_texts, ask_within_memory, load_vlm
from engine.jobs.shards import ShardRun


@dataclass(slots=True)
class _Asking:
    """The model, and the batch size that has fitted so far."""

    vlm: Vlm
    batch_size: int
    run: ShardRun

    def ask(self, pictures: Sequence[Image.Image], questions: Sequence[str]) -> YesNo:
        before = self.batch_size
        with self.run.timed("encode"):
            answers, self.batch_size = ask_within_memory(self.vlm, pictures, questions, before)
        if self.batch_size < before:
            self.run.warn(f"The device's memory ran out; batches are {self.batch_size} from now on.")
        return answers


def run(run: ShardRun) -> Mapping[str, Any]:
    """Judge the candidates of the work list; see ``engine.jobs`` for the contract of a kind.

    Settings: model, mode (sheet or picture), compatible, least_images, batch_size.
    Work list: superclass, wnid, question, wanted, image_ids, paths; more pictures than wanted, as stand-ins.
    """
    asking = _Asking(load_vlm(str(run.settings["model"]), run.device or "auto"), int(run.settings["batch_size"]), run)
    judge = _judge_pictures if run.settings["mode"] == "picture" else _judge_sheets
    for shard in run.shards():
        rows: list[dict[str, Any]] = []
        for batch in shard.batches(int(run.settings["batch_size"])):
            rows += judge(asking, batch.to_pylist())
            run.advance(batch.num_rows, batch=asking.batch_size)
        shard.commit(pa.Table.from_pylist(rows, VERDICT_SCHEMA), {"revision": asking.vlm.revision})
    return {"revision": asking.vlm.revision, "device": str(asking.vlm.device)}


def _judge_sheets(asking: _Asking, work: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with asking.run.timed("decode"):
        sheets = [compose(row["paths"], row["wanted"]) for row in work]
    least = int(asking.run.settings["least_images"])
    asked = [i for i, sheet in enumerate(sheets) if len(sheet.used) >= least]
    pictures = [sheets[i].picture for i in asked]
    questions = [work[i]["question"].replace("{n}", str(len(sheets[i].used))) for i in asked]
    verdicts = (
        _compatible(asking, pictures, questions)
        if asking.run.settings["compatible"]
        else _measured(asking, pictures, questions)
    )
    found = dict(zip(asked, verdicts, strict=True))
    rows = []
    for i, row in enumerate(work):
        verdict = found.get(i) or _insufficient(len(sheets[i].used), least)
        seen = [row["image_ids"][position] for position in sheets[i].used]
        rows.append({"superclass": row["superclass"], "wnid": row["wnid"], "image_ids": seen, **verdict})
    return rows


def _measured(asking: _Asking, pictures: Sequence[Image.Image], questions: Sequence[str]) -> list[dict[str, Any]]:
    if not pictures:
        return []
    answers = asking.ask(pictures, questions)
    return [
        _verdict(float(margin), float(p_yes), float(mass), question)
        for margin, p_yes, mass, question in zip(answers.margin, answers.p_yes, answers.mass, questions, strict=True)
    ]


def _verdict(margin: float, p_yes: float, mass: float, question: str) -> dict[str, Any]:
    outcome = outcome_of(p_yes, mass)
    reason = f"P(yes) {p_yes:.3f}, mass {mass:.3f}"
    if outcome == "unparsed":
        reason = f"yes and no together have only {mass:.3f} of the probability: the model did not answer"
    return {
        "outcome": outcome, "p_yes": p_yes, "margin": margin, "mass": mass, "question": question, "reason": reason,
    }  # fmt: skip


def _compatible(asking: _Asking, pictures: Sequence[Image.Image], questions: Sequence[str]) -> list[dict[str, Any]]:
    texts: list[str] = []
    for start in range(0, len(pictures), asking.batch_size):
        end = start + asking.batch_size
        with asking.run.timed("encode"):
            texts += answer_texts(asking.vlm, pictures[start:end], questions[start:end])
    return [
        {"outcome": outcome_of_the_paper(text), "answer": text, "question": question, "reason": f"answered {text!r}"}
        for text, question in zip(texts, questions, strict=True)
    ]


def _insufficient(readable_pictures: int, least: int) -> dict[str, Any]:
    return {"outcome": "insufficient", "reason": f"{readable_pictures} readable pictures, needs {least}"}


def _judge_pictures(asking: _Asking, work: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask about single pictures and average: dearer than a sheet, and sharper."""
    rows = []
    for row in work:
        seen: list[int] = []
        pictures: list[Image.Image] = []
        for image_id, path in zip(row["image_ids"], row["paths"], strict=True):
            if len(pictures) == row["wanted"]:
                break
            if (picture := readable(path)) is not None:
                seen.append(image_id)
                pictures.append(picture)
        key = {"superclass": row["superclass"], "wnid": row["wnid"], "image_ids": seen}
        least = int(asking.run.settings["least_images"])
        if len(pictures) < least:
            rows.append({**key, **_insufficient(len(pictures), least)})
            continue
        answers = asking.ask(pictures, [row["question"]] * len(pictures))
        rows.append({**key, **_averaged(answers, row["question"])})
        asking.run.check()
    return rows


def _averaged(answers: YesNo, question: str) -> dict[str, Any]:
    answered = np.asarray(answers.mass) >= LEAST_MASS
    if not answered.any():
        mass = float(np.mean(answers.mass))
        return _verdict(float(np.mean(answers.margin)), float(np.mean(answers.p_yes)), mass, question)
    p_yes = float(np.mean(np.asarray(answers.p_yes, dtype=np.float64)[answered]))
    low, high = wilson(p_yes * int(answered.sum()), int(answered.sum()))
    verdict = _verdict(float(np.mean(answers.margin[answered])), p_yes, float(np.mean(answers.mass)), question)
    outcome = "accept" if p_yes >= 0.5 else "reject"
    reason = f"mean P(yes) {p_yes:.3f} over {int(answered.sum())} pictures ({low:.3f} to {high:.3f})"
    return {**verdict, "outcome": outcome, "p_yes_low": low, "p_yes_high": high, "reason": reason}
