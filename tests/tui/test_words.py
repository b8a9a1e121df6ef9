"""Pieces without a screen: text made fit to paint, numbers in words, the desk, the settings file."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.evaluation.reports.mistakes import Mistake, Named
from engine.jobs.events import MemberProgress
from engine.jobs.summary import JobSummary
from engine.review.decisions import Step
from sood_tui import plain as words
from sood_tui.benches.desk import Desk
from sood_tui.cli.following import progress_text
from sood_tui.lines.evaluation import mistake_lines
from sood_tui.lines.synset import _which, candidate_facts
from sood_tui.plain import ago, count, duration, fitting, plain, size, some
from sood_tui.settings import SETTINGS, load_settings, settings_template
from sood_tui.settings_file import write_setting
from sood_tui.widgets.job_strip import job_name, job_numbers
from store.filters import Verdict
from store.review.log import Event
from store.review.queue import QueueItem

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = plain(text)
    assert all(character >= " " and character not in "\x7f\x80\x9b\u202e" for character in shown)


def test_ordinary_text_stays_as_it_is() -> None:
    assert plain("Rottweiler [no markup] Überzieher 狗") == "Rottweiler [no markup] Überzieher 狗"
    assert plain("two\nlines\tand \x1b[31m") == "two lines and \ufffd[31m"


@pytest.mark.parametrize(
    ("number", "shown"), [(842, "842"), (99_999, "99,999"), (123_456, "123k"), (1_640_000, "1.6M"), (12_400_000, "12M")]
)
def test_counts(number: int, shown: str) -> None:
    assert count(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (9000, "2.5 h"), (260_000, "3.0 d")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_parts_that_find_no_room_are_left_out_whole() -> None:
    parts = ["2 decided", "1 accepted", "1 rejected"]
    assert [fitting(parts, width) for width in (33, 32, 21, 20, 9, 5)] == [
        "2 decided, 1 accepted, 1 rejected",
        "2 decided, 1 accepted",
        "2 decided, 1 accepted",
        "2 decided",
        "2 decided",
        "2 dec",
    ]


def test_sizes_and_nouns() -> None:
    assert [size(number) for number in (12, 1500, 2_500_000, 74e9, 3.2e12)] == [
        "12 B",
        "1.5 kB",
        "2.5 MB",
        "74 GB",
        "3.2 TB",
    ]
    assert (some(1, "synset"), some(1200, "synset"), some(2, "match", "matches")) == (
        "1 synset",
        "1,200 synsets",
        "2 matches",
    )


def test_how_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "now", lambda: AT)
    assert ago(AT - timedelta(seconds=4)) == "just now"
    assert ago(AT - timedelta(minutes=4)) == "4 min ago"


def item(name: str, state: str = "pending", images: int = 1) -> QueueItem:
    return QueueItem(
        "dog",
        f"n{abs(hash(name)) % 10**8:08d}",
        f"{name}.n.01",
        name,
        f"what {name} means",
        "hyponym",
        1,
        None,
        images,
        state,
        None,
        None,
        None,
        None,  # type: ignore[arg-type]
    )


def desk(*names: str) -> Desk:
    made = Desk()
    made.lay_out([item(name) for name in names], "all")
    return made


def test_the_first_undecided_candidate_comes_first() -> None:
    made = Desk()
    made.lay_out([item("a", "accept"), item("b"), item("c")], "all")
    assert made.current is not None
    assert made.current.lemma == "b"
    assert (made.left, made.tally) == (2, {"accept": 1, "reject": 0, "unsure": 0, "pending": 2})


def test_the_next_open_candidate_is_looked_for_around_the_end() -> None:
    made = Desk()
    made.lay_out([item("a"), item("b", "accept"), item("c", "reject")], "all", item("c").wnid)
    assert made.at == 2
    assert made.next_open()
    assert made.at == 0
    made.lay_out([item("a", "accept")], "all")
    assert not made.next_open()


def test_after_a_candidate_that_the_filter_left_out_the_queue_goes_on_where_it_stood() -> None:
    whole = [item("a"), item("b"), item("c", "accept"), item("d", "reject"), item("e"), item("f")]
    made = Desk()
    made.lay_out([whole[0], whole[1], whole[4], whole[5]], "all")
    for after, place in (("c", 2), ("d", 2), ("f", 0), ("a", 1)):
        made.go_on_after(item(after).wnid, whole)
        assert made.at == place
    made.go_on_after("n00000000", whole)
    assert made.at == 1
    # Nothing is open: what is still there keeps the cursor, else the next one has it.
    made.lay_out([whole[2], whole[3]], "all")
    made.go_on_after(whole[3].wnid, whole)
    assert made.at == 1
    made.go_on_after(whole[1].wnid, whole)
    assert made.at == 0


@pytest.mark.parametrize(
    ("width", "rows"),
    [
        (40, ["so far     ✓ 1,400  ✗ 100  ? 2  · 310"]),
        (30, ["so far     ✓ 1,400  ✗ 100  ? 2", "           · 310"]),
        (24, ["so far     ✓ 1,400", "           ✗ 100  ? 2", "           · 310"]),
    ],
)
def test_a_number_stays_beside_its_sign(width: int, rows: list[str]) -> None:
    tally = {"accept": 1400, "reject": 100, "unsure": 2, "pending": 310}
    facts = candidate_facts(item("a"), None, tally, width).plain.splitlines()
    assert facts[facts.index(rows[0]) :] == rows


def test_a_step_changes_its_candidates_only() -> None:
    made = desk("a", "b")
    event = Event(UUID(int=2), UUID(int=1), "dog", item("a").wnid, "accept", None, "anna", AT, "sure")
    made.note_step(Step(UUID(int=1), (event,)))
    assert [(row.state, row.reviewer) for row in made.items] == [("accept", "anna"), ("pending", None)]
    made.note_step(Step(UUID(int=1), (replace(event, superclass="cat", kind="reject"),)))
    assert made.items[0].state == "accept"
    made.note_step(Step(UUID(int=3), (replace(event, kind="clear"),)))
    assert made.items[0].state == "pending"


def test_a_range_goes_both_ways_and_survives_a_new_layout() -> None:
    made = desk("a", "b", "c", "d")
    made.go(2)
    made.anchor = 2
    made.go(1)
    assert list(made.marked) == [1, 2]
    made.lay_out([item("z"), *made.items], "all", item("b").wnid)
    assert list(made.marked) == [2, 3]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1", 0),
        ("4", 3),
        ("5", None),
        ("0", None),
        ("0%", 0),
        ("50%", 2),
        ("100%", 3),
        ("250 %", None),
        ("c", 2),
        ("C.n.01", 2),
        ("toy d", 3),
        ("", None),
        ("zebra", None),
    ],
)
def test_jumps(text: str, place: int | None) -> None:
    assert desk("a", "b", "c", "toy_dog").jump(text) == place


def test_a_setting_is_written_where_the_template_has_it(tmp_path: Path) -> None:
    file = tmp_path / "sood.toml"
    file.write_text(settings_template(), encoding="utf-8")
    before = file.read_text(encoding="utf-8").splitlines()
    write_setting(file, "scoring.template", 'a "photo" of a {}')
    write_setting(file, "seed", 9)
    settings = load_settings(file)
    assert (settings.text("scoring.template"), settings.integer("seed")) == ('a "photo" of a {}', 9)
    after = file.read_text(encoding="utf-8").splitlines()
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 2
    write_setting(file, "seed", None)
    assert load_settings(file).integer("seed") == 0


@pytest.mark.parametrize(
    "text", ["", 'reviewer = "anna"\n', "[splits]\neasy = 45.0\n", 'seed = 1\n\n[scoring]\nmodel = "x"\n']
)
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_any_setting_can_be_written_into_any_file(tmp_path: Path, text: str, setting: object) -> None:
    key, default = setting.key, setting.default  # type: ignore[attr-defined]
    file = tmp_path / "sood.toml"
    file.write_text(text, encoding="utf-8")
    kept = load_settings(file).values
    write_setting(file, key, default)
    write_setting(file, key, default)
    settings = load_settings(file)
    assert settings.sources[key] == str(file)
    assert {**kept, key: default} == settings.values


def test_settings_that_contradict_one_another_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "sood.toml"
    file.write_text("[splits]\neasy = 15.0\n", encoding="utf-8")
    with pytest.raises(EngineError, match=r"splits.hard \(20\) and splits.easy \(15\)"):
        load_settings(file)
    write_setting(file, "splits.hard", 5.0)
    assert load_settings(file).number("splits.easy") == 15.0


def test_what_follows_the_last_unit_has_a_name() -> None:
    job = JobSummary(
        "0006-evaluation", "evaluation", "evaluation", "running", "cpu:2", "", None, "pictures", 40, 40, 0.0, 0.0, 0,
        {"processes": 1}, "", "", {},
    )  # fmt: skip
    assert job.stage == ""
    embedding = MemberProgress("cpu:0", "ended", 40, detail={"stage": "old", "batch": 8})
    comparing = MemberProgress("cpu:0 (the end)", detail={"stage": "words", "words": "128 of 97,279"})
    job = replace(job, members=(embedding, comparing))
    assert job.stage == "words 128 of 97,279"
    assert job_numbers(job) == "100 %  words 128 of 97,279"
    assert progress_text(job) == "40 of 40 pictures (100 %), words 128 of 97,279"
    assert replace(job, done=39).stage == replace(job, state="finished").stage == ""
    assert job_numbers(replace(job, members=(), detail={"stage": "texts"})) == "100 %  texts"


def test_the_strip_cuts_the_title_and_never_the_device() -> None:
    job = JobSummary(
        "0006-scoring", "scoring", "scoring ViT-B-32 openai", "running", "cpu:2", "", None, "pictures", 4, 4, 0.0, 0.0,
        0, {}, "", "", {},
    )  # fmt: skip
    assert job_name(job, 40) == "scoring ViT-B-32 openai cpu:2"
    assert job_name(job, 24) == "scoring ViT-B-32… cpu:2"
    assert job_name(replace(job, device="cuda:0,1,2,3,4,5,6"), 24) == "scoring ViT-B-32 openai"
    assert job_name(replace(job, device=None), 12) == "scoring ViT…"


def test_a_mistake_names_as_many_labels_as_find_room() -> None:
    labels = (Named("chair", 0.3, 0.996), Named("bird", 0.2, 0.003), Named("tree", 0.1, 0.001))
    mistake = Mistake("easy", 0, 1, "n04062428/n04062428_24.JPEG", "n04062428", "chair", 0.99996, labels, labels[1:])
    head = "1.0000 n04062428_24.JPEG: chair 100 %"
    assert mistake_lines(mistake, 80) == (f"{head}, bird 0 %, tree 0 %", "       against bird 0 %, tree 0 %")
    assert mistake_lines(mistake, 47) == (f"{head}, bird 0 %", "       against bird 0 %, tree 0 %")
    assert mistake_lines(mistake, 30) == (head[:30], "       against bird 0 %")
    assert mistake_lines(replace(mistake, negatives=()), 46)[1] == ""


def test_filters_of_one_model_are_told_apart() -> None:
    said = Verdict(1, "vlm", "sheet", "m", "dog", "n1", "accept", 0.9, None, None, 1.0, 0.9, "yes", "?", "", (), 0, "a")
    assert _which(said) == ""
    assert _which(replace(said, mode="picture", seed=4)) == " singly seed 4"
    assert _which(replace(said, mode="compat")) == " as the paper"
