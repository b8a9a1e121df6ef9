"""The job that asks a vision-language model about candidates: sheets of pictures, or pictures one by one."""

import json
import math
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from engine.filters.answers import ACCEPT_FROM, LEAST_MASS, YesNo, outcome_of, outcome_of_the_paper
from engine.filters.intervals import wilson
from engine.filters.sheets import TILE, cells_per_side, compose, tile_of
from engine.filters.verdicts import UNREADABLE, VERDICT_SCHEMA
from engine.gpu.pictures import UnreadablePicture, allow_large_pictures, check_roots
from engine.gpu.upright import read_upright
from engine.gpu.vlm import load_vlm
from engine.gpu.vlm_batches import Asker, Refused
from engine.jobs.shards import ShardRun

SIDE = 512
"""Pixels along a side of a single picture that is tried; ImageNet's have about as many."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A candidate with what the model is shown of it.

    Attributes:
        row: of the work list.
        pictures: one sheet, or single pictures.
        image_ids: that are on the sheet, or one for each picture.
        problems: pictures that could not be read, with the kind and the reason.
    """

    row: Row
    pictures: tuple[Image.Image, ...]
    image_ids: tuple[int, ...]
    problems: tuple[Row, ...]


def run(run: ShardRun) -> Mapping[str, Any]:
    """Judge the candidates of the work list; see ``engine.jobs`` for the contract of a kind.

    Settings: model, mode (sheet or picture), samples, per_picture, compatible, least_images, batch_size, roots.
    Work list: superclass, wnid, question, wanted, image_ids, paths; more pictures than wanted, as stand-ins.
    """
    allow_large_pictures()
    check_roots(run.settings.get("roots", ()))
    vlm = load_vlm(str(run.settings["model"]), run.device or "auto", in_words=bool(run.settings["compatible"]))
    batch_size = int(run.settings["batch_size"])
    asker = Asker(vlm, batch_size, run.warn, run.spend)
    _try_batch(run, asker)
    one_by_one = run.settings["mode"] == "picture"
    see, at_once = (_see_pictures, 1) if one_by_one else (_see_sheet, batch_size)
    unreadable = 0
    with ThreadPoolExecutor(run.cores, thread_name_prefix="sheets") as pool:
        for shard in run.shards():
            rows: list[Row] = []
            problems: dict[int, Row] = {}
            # The sheets of the next batch are made while the model looks at this one.
            seen = _ahead(pool, see, shard.table.to_pylist(), 2 * at_once)
            while batch := _next(run, seen, at_once):
                problems |= _problems(run, batch)
                rows += _judge_pictures(run, asker, batch[0]) if one_by_one else _judge_sheets(run, asker, batch)
                run.advance(len(batch), batch=asker.batch_size, memory=asker.memory)
            told = {"revision": vlm.revision, UNREADABLE: json.dumps([problems[key] for key in sorted(problems)])}
            shard.commit(pa.Table.from_pylist(rows, VERDICT_SCHEMA), told)
            unreadable += len(problems)
    if unreadable:
        run.warn(f"{unreadable:,} pictures could not be read; `sood-tui images issues` lists them.")
    result = {"revision": vlm.revision, "device": str(vlm.device)}
    return {**result, "refused": asker.refused, "unreadable": unreadable}


def _try_batch(run: ShardRun, asker: Asker) -> None:
    """See whether a batch fits before the first candidate is judged."""
    if single := run.settings["per_picture"]:
        asker.try_batch(SIDE, run.left * int(single), run.cores)
    else:
        side = TILE * cells_per_side(int(run.settings["samples"]))
        asker.try_batch(side, run.left, run.cores, in_words=bool(run.settings["compatible"]))
    run.forget_times()


def _ahead(pool: Executor, see: Callable[[Row], _Seen], rows: Sequence[Row], ahead: int) -> Iterator[_Seen]:
    """What each row is seen as, in their order; so many are prepared at once."""
    waiting: deque[Future[_Seen]] = deque()
    try:
        for row in rows:
            waiting.append(pool.submit(see, row))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _next(run: ShardRun, seen: Iterator[_Seen], count: int) -> list[_Seen]:
    with run.timed("decode"):
        return [one for _, one in zip(range(count), seen, strict=False)]


def _see_sheet(row: Row) -> _Seen:
    seen = _see(row, tile_of)
    return replace(seen, pictures=(compose(seen.pictures),))


def _see_pictures(row: Row) -> _Seen:
    return _see(row, lambda picture: picture)


def _see(row: Row, shaped: Callable[[Image.Image], Image.Image]) -> _Seen:
    found: list[tuple[int, Image.Image]] = []
    problems: list[Row] = []
    for image_id, path in zip(row["image_ids"], row["paths"], strict=True):
        if len(found) == row["wanted"]:
            break
        try:
            found.append((image_id, shaped(read_upright(os.fsdecode(path)))))
        except UnreadablePicture as problem:
            problems.append({"image_id": image_id, "status": problem.kind, "reason": problem.reason})
    pictures = tuple(picture for _, picture in found)
    return _Seen(row, pictures, tuple(image_id for image_id, _ in found), tuple(problems))


def _problems(run: ShardRun, batch: Sequence[_Seen]) -> dict[int, Row]:
    """The pictures of a batch that could not be read, by their ids.

    Raises: EngineError where a whole folder is gone: its pictures are not to blame.
    """
    found = {problem["image_id"]: problem for seen in batch for problem in seen.problems}
    if any(problem["status"] == "missing_file" for problem in found.values()):
        check_roots(run.settings.get("roots", ()))
    return found


def _judge_sheets(run: ShardRun, asker: Asker, batch: Sequence[_Seen]) -> list[Row]:
    least = int(run.settings["least_images"])
    asked = [i for i, seen in enumerate(batch) if len(seen.image_ids) >= least]
    pictures = [batch[i].pictures[0] for i in asked]
    questions = [batch[i].row["question"].replace("{n}", str(len(batch[i].image_ids))) for i in asked]
    judge = _compatible if run.settings["compatible"] else _measured
    found = dict(zip(asked, judge(asker, pictures, questions), strict=True))
    return [
        {**_key(seen), **(found.get(i) or _insufficient(run, len(seen.image_ids), least))}
        for i, seen in enumerate(batch)
    ]


def _key(seen: _Seen) -> Row:
    return {
        "superclass": seen.row["superclass"], "wnid": seen.row["wnid"], "image_ids": list(seen.image_ids),
    }  # fmt: skip


def _measured(asker: Asker, pictures: Sequence[Image.Image], questions: Sequence[str]) -> list[Row]:
    return [
        _error(answer.reason, question) if isinstance(answer, Refused) else _verdict(answer, question)
        for answer, question in zip(asker.measure(pictures, questions), questions, strict=True)
    ]


def _verdict(said: YesNo, question: str) -> Row:
    if not (math.isfinite(said.margin) and math.isfinite(said.mass)):
        return _error("the model's answer is not a number", question)
    outcome = outcome_of(said.p_yes, said.mass)
    reason = f"P(yes) {said.p_yes:.3f}, mass {said.mass:.3f}"
    if outcome == "unparsed":
        reason = f"yes and no together have only {said.mass:.3f} of the probability: the model did not answer"
    return {
        "outcome": outcome, "p_yes": said.p_yes, "margin": said.margin, "mass": said.mass, "answer": said.answer,
        "question": question, "reason": reason,
    }  # fmt: skip


def _error(reason: str, question: str) -> Row:
    return {"outcome": "error", "question": question, "reason": reason}


def _compatible(asker: Asker, pictures: Sequence[Image.Image], questions: Sequence[str]) -> list[Row]:
    return [
        _error(text.reason, question)
        if isinstance(text, Refused)
        else {
            "outcome": outcome_of_the_paper(text), "answer": text, "question": question, "reason": f"answered {text!r}",
        }
        for text, question in zip(asker.read(pictures, questions), questions, strict=True)
    ]  # fmt: skip


def _insufficient(run: ShardRun, readable_pictures: int, least: int) -> Row:
    check_roots(run.settings.get("roots", ()))
    noun = "picture" if readable_pictures == 1 else "pictures"
    return {"outcome": "insufficient", "reason": f"{readable_pictures} readable {noun}, needs {least}"}


def _judge_pictures(run: ShardRun, asker: Asker, seen: _Seen) -> list[Row]:
    """Ask about single pictures and average: dearer than a sheet, and sharper."""
    least, question = int(run.settings["least_images"]), seen.row["question"]
    if len(seen.pictures) < least:
        return [{**_key(seen), **_insufficient(run, len(seen.pictures), least)}]
    answers = asker.measure(seen.pictures, [question] * len(seen.pictures))
    given = [one for one in answers if not isinstance(one, Refused)]
    if not given:
        reason = next(one.reason for one in answers if isinstance(one, Refused))
        return [{**_key(seen), **_error(reason, question)}]
    return [{**_key(seen), **_averaged(given, question)}]


def _averaged(answers: Sequence[YesNo], question: str) -> Row:
    margin, p_yes, mass = (
        np.asarray([getattr(answer, name) for answer in answers], dtype=np.float64)
        for name in ("margin", "p_yes", "mass")
    )
    answered = mass >= LEAST_MASS
    texts = Counter(answer.answer.strip() for answer in answers)
    told = ", ".join(f"{text} {count}" for text, count in texts.most_common())
    if not answered.any():
        return _verdict(YesNo(float(margin.mean()), float(p_yes.mean()), float(mass.mean()), told), question)
    count = int(answered.sum())
    mean = float(p_yes[answered].mean())
    low, high = wilson(mean * count, count)
    reason = f"mean P(yes) {mean:.3f} over {count} pictures ({low:.3f} to {high:.3f})"
    return {
        "outcome": "accept" if mean >= ACCEPT_FROM else "reject", "p_yes": mean, "p_yes_low": low, "p_yes_high": high,
        "margin": float(margin[answered].mean()), "mass": float(mass.mean()), "answer": told, "question": question,
        "reason": reason,
    }  # fmt: skip
