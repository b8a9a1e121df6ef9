"""Exports: byte-exact lists, the same bytes again, nothing overwritten, any changed line found."""

import csv
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.export.arrow_text import text_of
from engine.export.diff import diff
from engine.export.formats.sood import UnlistableNames
from engine.export.manifest import MANIFEST, canonical, line_checks, read_manifest
from engine.export.plan import ROW_SCHEMA, subclass_names
from engine.export.run import available_formats, run
from engine.export.verify import changed_lines, verify
from engine.review.decisions import assign, decide, undo
from engine.splits.change import change_settings, undo_setting
from engine.splits.prepare import prepare
from engine.splits.settings import Change
from engine.workspace import Workspace
from store.export import fetch_exports
from tests.catalogues import WHEN, add_pictures, add_superclasses, add_synsets, add_table, scored_workspace, wnid_of

ALL = ("sood", "parquet", "csv", "jsonl")
SCORES = {
    "dog": {f"dog{number}": [0.1 + number / 50 + k / 1000 for k in range(5)] for number in range(10)},
    "cat": {"tabby": [0.31, 0.32, 0.33], "lynx": [0.41, 0.42], "lion": [0.5, 0.52, 0.51, 0.505, 0.9]},
}
LISTS = ("train_iid.txt", "test_easy_ood.txt", "test_hard_ood.txt")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return scored_workspace(tmp_path / "work", SCORES)


def hashes(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "pictures.parquet").to_pylist()
    return rows


def loaded(file: Path) -> list[tuple[str, int, str, str]]:
    """What the reference's loader makes of a list: it reads lines and splits each at blanks into four fields."""
    parsed = []
    for line in file.read_text().splitlines():
        path, label, class_name, subclass_name = line.split()
        parsed.append((path, int(label), class_name, subclass_name))
    return parsed


def test_golden_line(tmp_path: Path, golden: dict[str, Any]) -> None:
    case = golden["sood_list_lines"]
    record = case["inputs"]["record"]
    file = record["path"].split("/")[-1]
    filler = {name: {f"{name}1": [0.5]} for name in ("ant", "ape", "bat")}  # so that bear is class 3
    own = {f"{record['superclass']}": {"panda": [0.5]}}
    workspace = scored_workspace(
        tmp_path, {**filler, **own}, lemmas={"panda": record["subclass"]}, paths={"panda": [file]}
    )
    with workspace.opened().writing() as cursor:
        cursor.execute("UPDATE image SET path = ? WHERE wnid = ?", [f"n02510455/{file}", wnid_of("panda")])
    run(workspace, tmp_path / "out", ["sood"])
    assert case["expected"]["classification"] in (tmp_path / "out" / "train_iid.txt").read_text().splitlines()


def test_the_lists_hold_the_split_byte_for_byte(workspace: Workspace, tmp_path: Path) -> None:
    report = run(workspace, tmp_path / "out")
    prepared = prepare(workspace)
    tuned = prepared.retune()
    expected: dict[str, list[str]] = {name: [] for name in tuned.bands}
    order = sorted(
        range(len(prepared.subclasses)), key=lambda i: (prepared.subclasses[i].superclass, prepared.subclasses[i].wnid)
    )
    outliers = {row["path"] for row in rows_of(tmp_path / "out") if row["is_outlier"]}
    for index in order:
        sub = prepared.subclasses[index]
        for number in range(sub.pictures):
            path = f"imagenet21k_train/{sub.wnid}/{sub.wnid}_{number:03d}.JPEG"
            if path not in outliers:
                class_id = prepared.superclasses.index(sub.superclass)
                expected[tuned.bands[tuned.band[index]]].append(f"{path} {class_id} {sub.superclass} {sub.lemma}\n")
    for split, name in zip(("train", "easy", "hard"), LISTS, strict=True):
        assert (tmp_path / "out" / name).read_bytes() == "".join(expected[split]).encode()
    assert report.listed == {split: len(lines) for split, lines in expected.items()}
    assert report.left_out == {"outlier": 1}  # lion's 0.9
    assert all(
        len(loaded(tmp_path / "out" / name)) == report.listed[s]
        for s, name in zip(("train", "easy", "hard"), LISTS, strict=True)
    )


def test_no_picture_and_no_subclass_is_in_two_lists_and_none_is_lost(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "out", ALL)
    lists = {name: loaded(tmp_path / "out" / name) for name in LISTS}
    paths = [row[0] for rows in lists.values() for row in rows]
    assert len(paths) == len(set(paths))
    subclasses = [sub for rows in lists.values() for sub in {row[3] for row in rows}]
    assert len(subclasses) == len(set(subclasses))
    rows = rows_of(tmp_path / "out")
    assert {row["path"] for row in rows if row["split"]} == set(paths)
    assert all((row["split"] is None) == (row["reason"] is not None) for row in rows)
    assert len(rows) == 60  # 10 x 5 dogs, 3 + 2 + 5 cats
    ids = {(row["superclass"], row["class_id"]) for row in rows if row["split"]}
    assert ids == {("cat", 0), ("dog", 1)}


def test_parquet_csv_and_jsonl_hold_the_same_rows(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "out", ALL)
    rows = rows_of(tmp_path / "out")
    assert pq.read_schema(tmp_path / "out" / "pictures.parquet").remove_metadata() == ROW_SCHEMA
    with (tmp_path / "out" / "pictures.jsonl").open() as file:
        from_json = [json.loads(line) for line in file]
    assert [row["path"] for row in from_json] == [row["path"] for row in rows]
    others = [name for name in ROW_SCHEMA.names if name != "similarity"]
    assert [[row[name] for name in others] for row in from_json] == [[row[name] for name in others] for row in rows]
    assert [row["similarity"] for row in from_json] == pytest.approx([row["similarity"] for row in rows], abs=1e-7)
    with (tmp_path / "out" / "pictures.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    assert [row["path"] for row in from_csv] == [row["path"] for row in rows]
    assert [row["split"] or None for row in from_csv] == [row["split"] for row in rows]
    assert [float(row["score"]) for row in from_csv] == [row["score"] for row in rows]


def test_the_same_catalogue_gives_the_same_bytes(workspace: Workspace, tmp_path: Path) -> None:
    first = run(workspace, tmp_path / "one", ALL)
    with workspace.opened().writing() as cursor:
        for table in ("image", "similarity"):
            cursor.execute(f"CREATE TABLE shuffled AS SELECT * FROM {table} ORDER BY hash(image_id)")
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"INSERT INTO {table} SELECT * FROM shuffled")
            cursor.execute("DROP TABLE shuffled")
    second = run(workspace, tmp_path / "two", ALL)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    assert first.manifest_sha256 == second.manifest_sha256
    other = scored_workspace(tmp_path / "elsewhere", SCORES)
    run(other, tmp_path / "three", ALL)
    assert hashes(tmp_path / "three") == hashes(tmp_path / "one")


def test_the_manifest_holds_what_decides_the_bytes(workspace: Workspace, tmp_path: Path) -> None:
    change_settings(workspace, [Change("percentiles", (25, 45), "dog")], "anna", note="too few")
    report = run(workspace, tmp_path / "out")
    raw = (tmp_path / "out" / MANIFEST).read_bytes()
    manifest = json.loads(raw)
    assert raw == canonical(manifest)
    assert manifest["manifest_sha256"] == report.manifest_sha256
    assert manifest["scoring"]["prompts"] == {"cat": "a photo of a cat", "dog": "a photo of a dog"}
    assert manifest["scoring"]["weights_sha256"] == "ab" * 32
    assert manifest["settings"]["seed"] == 7
    dog = manifest["superclasses"][1]
    assert (dog["class_id"], dog["percentiles"], dog["is_override"]) == (1, [25, 45], True)
    assert [band["wanted_share"] for band in dog["bands"]] == pytest.approx([0.25, 0.2, 0.55])
    for entry in manifest["files"]:
        content = (tmp_path / "out" / entry["path"]).read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert str(tmp_path) not in raw.decode()
    with workspace.opened().reading() as cursor:
        (record,) = fetch_exports(cursor)
    assert (record.manifest_sha256, record.images) == (report.manifest_sha256, sum(report.listed.values()))
    classes = json.loads((tmp_path / "out" / "classes.json").read_text())["classes"]
    assert [one["superclass"] for one in classes] == ["cat", "dog"]


def test_undoing_a_setting_gives_the_old_bytes_back(workspace: Workspace, tmp_path: Path) -> None:
    change_settings(workspace, [Change("percentiles", (20, 40))], "anna")
    run(workspace, tmp_path / "one")
    change_settings(workspace, [Change("percentiles", (10, 60)), Change("minimum_subclasses", 5)], "anna")
    run(workspace, tmp_path / "two")
    assert hashes(tmp_path / "one") != hashes(tmp_path / "two")
    undo_setting(workspace, "anna")
    decide(workspace, "dog", [wnid_of("dog3")], "reject", "anna")
    undo(workspace, "anna")
    run(workspace, tmp_path / "three")
    assert hashes(tmp_path / "one") == hashes(tmp_path / "three")


def test_what_is_left_out_keeps_its_reason(workspace: Workspace, tmp_path: Path) -> None:
    store = workspace.opened()
    issue = {"root_id": 1, "wnid": "x", "path": "x", "detail": "d", "found_at": WHEN}
    add_table(store, "image_issue", [issue | {"image_id": 1000, "kind": "undecodable"}])
    add_pictures(store, [("dog1", f"{wnid_of('dog1')}/new.JPEG")], "val", 2)
    change_settings(workspace, [Change("minimum_subclasses", 5)], "anna")
    report = run(workspace, tmp_path / "out", ALL)
    assert report.left_out == {"minimum_subclasses": 10, "not_scored": 1, "undecodable": 1}
    reasons = {row["path"]: row["reason"] for row in rows_of(tmp_path / "out")}
    assert reasons[f"val/{wnid_of('dog1')}/new.JPEG"] == "not_scored"
    assert reasons[f"imagenet21k_train/{wnid_of('dog0')}/{wnid_of('dog0')}_000.JPEG"] == "undecodable"
    assert {row["class_id"] for row in rows_of(tmp_path / "out") if row["superclass"] == "cat"} == {None}
    assert json.loads((tmp_path / "out" / MANIFEST).read_text())["counts"]["left_out"] == report.left_out


def test_an_unsettled_replica_blocks_until_it_is_settled(tmp_path: Path) -> None:
    scores = {"cat": {"lion": [0.3, 0.4], "lynx": [0.5, 0.6]}, "wildcat": {"lynx": [0.2, 0.3], "cougar": [0.5, 0.7]}}
    workspace = scored_workspace(tmp_path, scores)
    with pytest.raises(EngineError, match="more than one superclass") as refused:
        run(workspace, tmp_path / "out")
    assert "lynx: cat, wildcat" in str(refused.value)
    assert not (tmp_path / "out").exists()
    assign(workspace, wnid_of("lynx"), "cat", "anna")
    run(workspace, tmp_path / "out")
    listed = [row for name in LISTS for row in loaded(tmp_path / "out" / name)]
    assert {row[3] for row in listed if row[2] == "wildcat"} == {"cougar"}


@pytest.mark.parametrize(
    "name",
    ["a b.JPEG", "a\tb.JPEG", "a\nb.JPEG", "a\u2003b.JPEG", "a\x1cb.JPEG", "a\x85b.JPEG", "a\u00a0b", "caf\\xe9.JPEG"],
)
def test_names_that_a_line_cannot_hold_are_refused_and_named(tmp_path: Path, name: str) -> None:
    workspace = scored_workspace(
        tmp_path / "work", {"dog": {"a": [0.1, 0.2], "b": [0.3, 0.4]}}, paths={"a": ["good.JPEG", name]}
    )
    for dry_run in (True, False):
        with pytest.raises(UnlistableNames) as refused:
            run(workspace, tmp_path / "out", ["sood"], dry_run=dry_run)
        assert refused.value.names == [f"imagenet21k_train/{wnid_of('a')}/{name}"]
    assert list(tmp_path.glob("out*")) == []
    assert list(tmp_path.glob(".out*")) == []
    run(workspace, tmp_path / "out", ["parquet", "csv", "jsonl"])
    assert name in {row["path"].split("/", 2)[2] for row in rows_of(tmp_path / "out")}
    with (tmp_path / "out" / "pictures.csv").open(newline="") as file:
        assert name in {row["path"].split("/", 2)[2] for row in csv.DictReader(file)}
    with (tmp_path / "out" / "pictures.jsonl").open(newline="\n") as file:
        assert name in {json.loads(line)["path"].split("/", 2)[2] for line in file}
    assert verify(tmp_path / "out").is_intact


def test_blanks_in_names_of_classes_and_roots_are_refused(tmp_path: Path) -> None:
    workspace = scored_workspace(tmp_path / "work", {"hot dog": {"a": [0.1, 0.2]}}, lemmas={"a": "New York"})
    with workspace.opened().writing() as cursor:
        cursor.execute("UPDATE image_root SET name = 'my root'")
    with pytest.raises(UnlistableNames) as refused:
        run(workspace, tmp_path / "out", ["sood"])
    assert refused.value.names[:2] == ["hot dog", "New York"]
    assert refused.value.names[2].startswith("my root/")


def test_backslashes_quotes_and_letters_beyond_ascii_are_written_as_they_are(tmp_path: Path) -> None:
    names = ["back\\\\slash.JPEG", "quote\"'.JPEG", "Ünïcödé-日本.JPEG"]
    workspace = scored_workspace(tmp_path / "work", {"dog": {"a": [0.1, 0.2, 0.3]}}, paths={"a": names})
    run(workspace, tmp_path / "out", ["sood"])
    files = {row[0].split("/", 2)[2] for row in loaded(tmp_path / "out" / "train_iid.txt")}
    assert files == {"back\\slash.JPEG", "quote\"'.JPEG", "Ünïcödé-日本.JPEG"}


def test_subclasses_that_share_a_lemma_take_their_wnid_along(tmp_path: Path) -> None:
    assert subclass_names({"n1": "crane", "n2": "crane", "n3": "heron"}) == {
        "n1": "crane_n1", "n2": "crane_n2", "n3": "heron",
    }  # fmt: skip
    scores = {"bird": {"crane_bird": [0.1, 0.2]}, "machine": {"crane_machine": [0.3, 0.4]}}
    workspace = scored_workspace(tmp_path / "work", scores, lemmas={"crane_bird": "crane", "crane_machine": "crane"})
    run(workspace, tmp_path / "out", ["sood"])
    names = {row[3] for row in loaded(tmp_path / "out" / "train_iid.txt")}
    assert names == {f"crane_{wnid_of('crane_bird')}", f"crane_{wnid_of('crane_machine')}"}


def test_pictures_of_several_roots_are_sorted_by_root_and_path(tmp_path: Path) -> None:
    workspace = scored_workspace(tmp_path / "work", {"dog": {"a": [0.1, 0.2]}}, paths={"a": ["z.JPEG", "b.JPEG"]})
    add_pictures(workspace.opened(), [("a", f"{wnid_of('a')}/c.JPEG")], "a_first", 2)
    with workspace.opened().writing() as cursor:
        cursor.execute("INSERT INTO similarity VALUES (1, 'dog', ?, 2000, 0.3)", [wnid_of("a")])
    run(workspace, tmp_path / "out", ["sood"])
    paths = [row[0].split("/") for row in loaded(tmp_path / "out" / "train_iid.txt")]
    assert [(path[0], path[-1]) for path in paths] == [
        ("a_first", "c.JPEG"), ("imagenet21k_train", "b.JPEG"), ("imagenet21k_train", "z.JPEG"),
    ]  # fmt: skip


def test_bands_give_a_list_each(workspace: Workspace, tmp_path: Path) -> None:
    change_settings(workspace, [Change("percentiles", (10, 20, 40))], "anna")
    run(workspace, tmp_path / "out", ["sood"])
    names = {file.name for file in (tmp_path / "out").glob("*.txt")}
    assert names == {"train_iid.txt", "test_band_1_ood.txt", "test_band_2_ood.txt", "test_band_3_ood.txt"}


def test_nothing_is_overwritten_without_force_and_foreign_files_never(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    run(workspace, out, ALL)  # an empty folder is free
    before = hashes(out)
    with pytest.raises(EngineError, match="not empty") as refused:
        run(workspace, out)
    assert "--force" in refused.value.hint
    (out / "notes.md").write_text("mine")
    change_settings(workspace, [Change("percentiles", (10, 60))], "anna")
    run(workspace, out, ["sood"], force=True)
    assert (out / "notes.md").read_text() == "mine"
    assert not (out / "pictures.csv").exists()  # was of the old export, is not of the new one
    assert hashes(out)[MANIFEST] != before[MANIFEST]
    report = verify(out)
    assert report.is_intact
    assert report.unknown == ("notes.md",)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "train_iid.txt").write_text("by hand")
    with pytest.raises(EngineError, match="no export wrote"):
        run(workspace, foreign, force=True)
    assert {file.name for file in foreign.iterdir()} == {"train_iid.txt"}
    (foreign / "train_iid.txt").rename(foreign / "other.txt")
    run(workspace, foreign, force=True)
    assert (foreign / "other.txt").read_text() == "by hand"
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="is a file"):
        run(workspace, tmp_path / "file", force=True)


def test_a_manifest_that_names_files_outside_deletes_nothing_there(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(workspace, out)
    manifest = read_manifest(out)
    (tmp_path / "precious").write_text("keep")
    manifest["files"].append({"path": "../precious", "bytes": 4, "sha256": "", "lines": None})
    (out / MANIFEST).write_bytes(canonical(manifest))
    run(workspace, out, force=True)
    assert (tmp_path / "precious").read_text() == "keep"


def test_what_fails_half_way_leaves_nothing(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".out.partial-999999999").mkdir()  # of a process that was killed
    (tmp_path / ".out.partial-999999999" / "x").write_text("")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.export.run.build_manifest", full_disk)
    with pytest.raises(OSError, match="No space"):
        run(workspace, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".out*")) == []


def test_a_dry_run_writes_nothing_and_counts_everything(workspace: Workspace, tmp_path: Path) -> None:
    report = run(workspace, tmp_path / "out", ALL, dry_run=True)
    assert not (tmp_path / "out").exists()
    real = run(workspace, tmp_path / "out", ALL)
    assert report.listed == real.listed
    assert set(report.planned_files) == {file.name for file in (tmp_path / "out").iterdir()}


def test_formats_are_found_by_their_files() -> None:
    assert set(ALL) <= set(available_formats())


def test_an_unknown_format_or_an_empty_split_is_an_error(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no format coco") as refused:
        run(workspace, tmp_path / "out", ["sood", "coco"])
    assert "parquet" in refused.value.hint
    with pytest.raises(EngineError, match="No format"):
        run(workspace, tmp_path / "out", [])
    change_settings(workspace, [Change("minimum_subclasses", 99)], "anna")
    with pytest.raises(EngineError, match="nothing to export"):
        run(workspace, tmp_path / "out")


def edit(function: Callable[[list[str]], None]) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        lines = file.read_text().splitlines(keepends=True)
        function(lines)
        file.write_text("".join(lines))

    return change


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (edit(lambda lines: lines.__setitem__(4, lines[4].replace("JPEG", "jpeg"))), [("changed", 5, 5)]),
        (edit(lambda lines: lines.pop(2)), [("removed", 3, 3)]),
        (edit(lambda lines: lines.insert(3, "a 0 b c\n")), [("added", 4, 4)]),
        (edit(lambda lines: lines.append("a 0 b c\n")), [("added", 37, 37)]),
        (edit(lambda lines: lines.pop()), [("removed", 36, 36)]),
        (edit(lambda lines: lines.clear()), [("removed", 1, 36)]),
        (edit(lambda lines: (lines.pop(1), lines.insert(9, "x 0 y z\n"))), [("removed", 2, 2), ("added", 10, 10)]),  # type: ignore[arg-type,return-value]
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), [("altered_file", 36, None)]),
        (lambda file: file.unlink(), [("missing_file", None, None)]),
    ],
)
def test_verify_names_the_line(
    workspace: Workspace,
    tmp_path: Path,
    change: Callable[[Path], object],
    found: list[tuple[str, int | None, int | None]],
) -> None:
    out = tmp_path / "out"
    run(workspace, out)
    assert len(loaded(out / "train_iid.txt")) == 36
    assert verify(out).is_intact
    change(out / "train_iid.txt")
    report = verify(out)
    assert [(one.kind, one.line, one.last_line) for one in report.differences] == found
    assert {one.file for one in report.differences} == {"train_iid.txt"}


def test_verify_finds_changes_of_binary_files_of_the_checks_and_of_the_manifest(
    workspace: Workspace, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run(workspace, out, ALL)
    for name in ("pictures.parquet", "lines.crc32", "classes.json"):
        content = (out / name).read_bytes()
        (out / name).write_bytes(content[:10] + bytes([content[10] ^ 1]) + content[11:])
        assert [(one.file, one.kind) for one in verify(out).differences] == [(name, "altered_file")]
        (out / name).write_bytes(content)
    manifest = read_manifest(out)
    manifest["settings"]["seed"] = 8
    (out / MANIFEST).write_bytes(canonical(manifest))
    assert [(one.file, one.kind) for one in verify(out).differences] == [(MANIFEST, "altered_file")]
    (out / MANIFEST).write_text("{}")
    with pytest.raises(EngineError, match="not the manifest"):
        verify(out)
    (out / MANIFEST).unlink()
    with pytest.raises(EngineError, match="holds no export"):
        verify(out)


def test_verify_full_looks_for_every_listed_picture(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "out", ["sood"])
    run(workspace, tmp_path / "rows", ["parquet"])
    root = tmp_path / "pictures"
    for name in LISTS:
        for path, *_ in loaded(tmp_path / "out" / name):
            file = root / path.split("/", 1)[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    roots = {"imagenet21k_train": root}
    assert verify(tmp_path / "out", full=True, roots=roots).pictures == 59
    assert verify(tmp_path / "rows", full=True, roots=roots).is_intact
    gone, *_ = loaded(tmp_path / "out" / "test_hard_ood.txt")[2]
    os.unlink(root / gone.split("/", 1)[1])
    (one,) = verify(tmp_path / "out", full=True, roots=roots).differences
    assert (one.file, one.kind, one.line, one.text) == ("test_hard_ood.txt", "missing_picture", 3, gone)
    assert [one.text for one in verify(tmp_path / "rows", full=True, roots=roots).differences] == [gone]
    with pytest.raises(EngineError, match="Where do the pictures of imagenet21k_train lie"):
        verify(tmp_path / "out", full=True)


@given(st.lists(st.integers(0, 5), max_size=30), st.lists(st.integers(0, 5), max_size=30))
@settings(max_examples=300, deadline=None)
def test_lines_are_reported_exactly_where_sequences_differ(old: list[int], new: list[int]) -> None:
    found = list(changed_lines("f", np.array(old, np.uint32), np.array(new, np.uint32)))
    assert (found == []) == (old == new)
    touched = sum((one.last_line or 0) - (one.line or 0) + 1 for one in found)
    assert touched <= len(old) + len(new)


def test_line_checks_are_the_same_in_pieces_and_at_once() -> None:
    text = b"one\ntwo\r\n\nfour"
    assert line_checks(text).tolist() == [*line_checks(b"one\ntwo\r\n"), *line_checks(b"\nfour")]
    assert len(line_checks(b"")) == 0


def test_text_of_a_slice_of_an_array() -> None:
    lines = pa.array(["ab", "c", "def"]).slice(1, 2)
    assert bytes(text_of(lines)) == b"cdef"
    assert bytes(text_of(lines.cast(pa.large_string()))) == b"cdef"


def test_diff_tells_what_moved_and_why(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "one", ALL)
    change_settings(workspace, [Change("percentiles", (35, 40))], "anna")
    decide(workspace, "dog", [wnid_of("dog9")], "reject", "anna")
    decide(workspace, "cat", [wnid_of("tabby")], "reject", "anna")
    run(workspace, tmp_path / "two", ALL)
    report = diff(tmp_path / "one", tmp_path / "two")
    moves = {(move.subclass, move.before, move.after): move for move in report.moves}
    assert moves["dog9", "train", None].pictures == 5
    assert moves["dog9", "train", None].reason == "not among the accepted pictures now"
    assert "thresholds" in moves["dog2", "easy", "hard"].reason
    assert report.total("removed") == 8
    assert report.same + report.total("moved") == 51
    for formats in (["sood"], ["csv"], ["jsonl"]):
        change_settings(workspace, [Change("percentiles", (20, 40))], "anna")
        run(workspace, tmp_path / f"a{formats[0]}", formats)
        change_settings(workspace, [Change("percentiles", (35, 40))], "anna")
        run(workspace, tmp_path / f"b{formats[0]}", formats)
        again = diff(tmp_path / f"a{formats[0]}", tmp_path / f"b{formats[0]}")
        assert again.total("moved") > 0
        assert again.total("added") == again.total("removed") == 0
    assert diff(tmp_path / "one", tmp_path / "one").moves == ()


def test_an_accepted_subclass_without_scores_is_no_part_of_the_lists(workspace: Workspace, tmp_path: Path) -> None:
    add_synsets(workspace.opened(), ["wolf"])
    add_table(
        workspace.opened(), "candidate",
        [{"superclass": "dog", "wnid": wnid_of("wolf"), "route": "match", "depth": None, "similarity": 0.5,
          "added_at": WHEN}],
    )  # fmt: skip
    add_pictures(workspace.opened(), [("wolf", f"{wnid_of('wolf')}/1.JPEG")], "val", 2)
    decide(workspace, "dog", [wnid_of("wolf")], "accept", "anna")
    report = run(workspace, tmp_path / "out")
    assert report.left_out["not_scored"] == 1
    add_superclasses(workspace.opened(), {"fish": ["tuna"]})
    assert run(workspace, tmp_path / "again").listed == report.listed
