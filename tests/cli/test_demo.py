"""The demo from the command line: the whole walk, for real, with a short training."""

import json
from pathlib import Path

import pytest

from engine.demo.classes import SUBCLASSES, SUPERCLASSES, as_settings, choose_classes, classes_from
from engine.demo.place import DemoPlace
from engine.errors import EngineError
from engine.wordnet.sources import WordNetNotFound, find_wordnet
from sood_tui.cli import run
from sood_tui.workspace import opened, require_workspace


def test_a_demo_claims_only_an_empty_folder(tmp_path: Path) -> None:
    place = DemoPlace(tmp_path / "demo")
    assert place.claim(3) == 3
    assert place.claim(None) == 3
    with pytest.raises(EngineError, match="seed 3"):
        place.claim(4)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(EngineError, match="no demo"):
        DemoPlace(tmp_path / "mine").claim(None)
    assert DemoPlace(tmp_path / "other").claim(None) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        find_wordnet()
    except WordNetNotFound:
        pytest.skip("WordNet is not on this machine; `make wordnet` gets it")
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "d", "--no-tui", "--steps", "20", "--seed", "4"]) == 0
    said = capfd.readouterr().err
    for command in (
        "init d",
        "-w d images add d/pictures",
        "-w d scoring run",
        "-w d filters run --kind clip",
        "-w d splits show",
        "-w d export verify",
        "-w d evaluation run neglabel mcm",
    ):
        assert f"$ sood-tui {command}" in said

    assert run(["-w", "d", "status", "--json"]) == 0
    status = json.loads(capfd.readouterr().out)
    counts = {room["room"]: room["count"] for room in status["rooms"]}
    assert counts["wordnet"] == 82_115
    assert counts["candidates"] == len(SUPERCLASSES) * SUBCLASSES
    pictures = len(list(Path("d/pictures").rglob("*.JPEG")))
    assert counts["images"] == pictures
    assert counts["scoring"] == pictures - 3
    assert counts["review"] == counts["candidates"] - len(SUPERCLASSES)
    assert counts["filters"] == counts["candidates"]
    assert (counts["splits"], counts["export"], counts["evaluation"]) == (1, 1, 1)

    with opened(require_workspace(Path("d"))) as workspace, workspace.opened().reading() as cursor:
        classes = choose_classes(cursor)
    assert len({kind.wnid for kind in classes}) == len({kind.word.lower() for kind in classes}) == 144
    assert classes_from(as_settings(classes)) == classes
    assert {kind.word for kind in classes if kind.superclass == "dog"} >= {"beagle", "papillon", "whippet"}

    assert run(["demo", "d", "--no-tui"]) == 0
    assert capfd.readouterr().err.count("(done before)") == 11
    assert run(["demo", "d", "--no-tui", "--seed", "5"]) == 2
    assert "made with seed 4" in capfd.readouterr().err
