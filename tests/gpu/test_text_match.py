"""The text match from end to end: a real job with a tiny CLIP, its cache of embeddings, and what is made of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.candidates.match import accept_match, fetch_matches, submit_match
from engine.errors import EngineError
from engine.gpu import text as text_module
from engine.gpu.clip import ClipModel, encode_texts, load_model
from engine.gpu.text import TextBank
from engine.jobs.ingest import ingest_ready
from engine.jobs.waiting import wait_for
from engine.workspace import Workspace
from store.candidates.proposed import fetch_candidates
from store.candidates.text_match import Match, fetch_match_texts
from tests.picture_roots import BEAGLE, PAPILLON, TABBY, TOY_DOG, WOLF, put_pictures, tiny_workspace
from tests.tiny_clip import make_tiny_clip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local-dir:{make_tiny_clip(tmp_path_factory.mktemp('models') / 'tiny')}"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("match")
    with tiny_workspace(folder / "workspace") as made:
        put_pictures(made.opened(), folder, {BEAGLE: 3, PAPILLON: 4, TOY_DOG: 5, TABBY: 7})
        yield made


@pytest.fixture(scope="module")
def texts(workspace: Workspace) -> dict[str, str]:
    with workspace.opened().reading() as cursor:
        return {row["wnid"]: row["text"] for row in fetch_match_texts(cursor).to_pylist()}


@pytest.fixture(scope="module")
def found(workspace: Workspace, texts: dict[str, str], model: str) -> list[Match]:
    """What the text of the synset tabby matches: one real job for the tests that only look."""
    return match(workspace, f"  {texts[TABBY]} ", model)


def match(workspace: Workspace, text: str, model: str) -> list[Match]:
    wait_for(submit_match(workspace, text, model, None, "cpu"))
    ingest_ready(workspace)
    with workspace.opened().reading() as cursor:
        return fetch_matches(cursor, text)


def test_a_text_that_is_a_synsets_own_matches_it_fully(found: list[Match], texts: dict[str, str], model: str) -> None:
    assert {row.wnid for row in found} == {BEAGLE, PAPILLON, TOY_DOG, TABBY}
    assert found[0].wnid == TABBY
    assert found[0].similarity == pytest.approx(1.0, abs=1e-6)
    query, other = encode_texts(load_model(model, device="cpu"), [texts[TABBY], texts[BEAGLE]])
    beagle = next(row for row in found if row.wnid == BEAGLE)
    assert beagle.similarity == pytest.approx(float(query @ other), abs=1e-5)


def test_what_matches_becomes_a_superclass_of_its_own(
    workspace: Workspace, found: list[Match], texts: dict[str, str]
) -> None:
    report = accept_match(workspace, texts[TABBY], "pet", top=2)
    assert (report.is_new, report.roots, report.added) == (True, (), tuple(row.wnid for row in found[:2]))
    more = accept_match(workspace, texts[TABBY], "pet", above=found[3].similarity)
    assert (more.is_new, more.added, more.candidates) == (False, (found[2].wnid,), 3)  # greater than, not equal
    with workspace.opened().reading() as cursor:
        rows = fetch_candidates(cursor, "pet")
    assert [(row.route, row.similarity) for row in rows] == [("match", row.similarity) for row in found[:3]]


def test_a_choice_without_a_bound_or_a_match_is_refused(
    workspace: Workspace, found: list[Match], texts: dict[str, str]
) -> None:
    assert found
    with pytest.raises(EngineError, match="no choice"):
        accept_match(workspace, texts[TABBY], "few")
    with pytest.raises(EngineError, match="Nothing matches"):
        accept_match(workspace, texts[TABBY], "few", above=1.0)
    with pytest.raises(EngineError, match="was not matched yet"):
        accept_match(workspace, "large pet", "few", top=1)
    with workspace.opened().reading() as cursor:
        assert fetch_candidates(cursor, "few") == []


def test_a_match_of_the_same_text_takes_the_place_of_the_last_one(
    workspace: Workspace, found: list[Match], texts: dict[str, str], model: str, tmp_path: Path
) -> None:
    put_pictures(workspace.opened(), tmp_path, {WOLF: 1}, root_id=2, name="val")
    again = match(workspace, texts[TABBY], model)
    assert len(again) == len(found) + 1
    assert {row.wnid: row.similarity for row in again if row.wnid != WOLF} == {
        row.wnid: row.similarity for row in found
    }


def test_texts_are_encoded_once_and_found_again_by_another_process(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = load_model(model, device="cpu")
    asked: list[str] = []

    def counting(clip: ClipModel, texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return encode_texts(clip, texts)

    monkeypatch.setattr(text_module, "encode_texts", counting)
    bank = TextBank(tmp_path, clip)
    first = bank.embeddings(["a dog", "a cat", "a dog"])
    bank.save()
    again = TextBank(tmp_path, clip)
    second = again.embeddings(["a bird", "a dog"])
    again.save()
    assert asked == ["a dog", "a cat", "a bird"]
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(first[0], second[1])
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)
    assert len(list((tmp_path / clip.model_key / "texts").glob("*.npy"))) == 2
    assert again.embeddings([]).shape == (0, clip.dimensions)


def test_a_match_without_text_or_pictures_says_so(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no text"):
        submit_match(workspace, "  ", "local-dir:/x")
    with tiny_workspace(tmp_path / "empty") as empty, pytest.raises(EngineError, match="No synset has pictures"):
        submit_match(empty, "pet", "local-dir:/x")
