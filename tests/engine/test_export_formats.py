"""Formats for other tools, each read back by the tool that it is made for."""

import hashlib
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from engine.errors import EngineError
from engine.export.formats import openood, webdataset
from engine.export.listed import ListedPicture, PicturesGone, UniqueNames
from engine.export.manifest import read_manifest
from engine.export.ood import read_ood_sets
from engine.export.options import Options
from engine.export.run import run
from engine.export.trees import index_name, read_index
from engine.export.verify import verify
from engine.splits.prepare import prepare
from engine.workspace import Workspace
from tests.catalogues import scored_workspace, wnid_of

SCORES = {
    "dog": {f"dog{number}": [0.1 + number / 50 + k / 1000 for k in range(3)] for number in range(5)},
    "cat": {"tabby": [0.31, 0.32, 0.33], "lynx": [0.41, 0.42], "lion": [0.5, 0.52, 0.51, 0.505]},
}
TREES = ("imagefolder", "huggingface", "fiftyone")
EVERY = ("sood", "parquet", "assignments", "csv", "jsonl", *TREES, "openood", "webdataset", "croissant", "card")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """24 real JPEGs of two superclasses, each of another colour."""
    made = scored_workspace(tmp_path / "work", SCORES)
    root = tmp_path / "imagenet21k_train"
    with made.opened().writing() as cursor:
        cursor.execute("UPDATE image_root SET path = ?", [str(root)])
        paths = [row[0] for row in cursor.execute("SELECT path FROM image ORDER BY image_id").fetchall()]
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20 + number, 16), (number * 10, 255 - number * 10, 77)).save(root / path)
    return made


def lists_of(folder: Path) -> dict[str, list[list[str]]]:
    """The lists of SOOD, a row a picture: path, class id, superclass, subclass."""
    names = {"train": "train_iid", "easy": "test_easy_ood", "hard": "test_hard_ood"}
    return {
        split: [line.split(" ") for line in (folder / f"{name}.txt").read_text().splitlines()]
        for split, name in names.items()
    }


def test_assignments_join_with_the_catalogue_to_the_lists(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "out", ["sood", "assignments"])
    with workspace.opened().reading() as cursor:
        rows = cursor.execute(
            """
            SELECT assigned.split, image_root.name || '/' || image.path, assigned.wnid = image.wnid
            FROM read_parquet($file, file_row_number = true) AS assigned
            JOIN image USING (image_id)
            JOIN image_root USING (root_id)
            ORDER BY file_row_number
            """,
            {"file": str(tmp_path / "out" / "assignments.parquet")},
        ).fetchall()
    assert all(is_own for *_, is_own in rows)
    for split, listed in lists_of(tmp_path / "out").items():
        assert [path for of, path, _ in rows if of == split] == [path for path, *_ in listed]


def test_the_order_of_the_formats_changes_no_byte(workspace: Workspace, tmp_path: Path) -> None:
    made = [run(workspace, tmp_path / name, order) for name, order in (("a", EVERY), ("b", EVERY[::-1]))]
    assert made[0].manifest_sha256 == made[1].manifest_sha256


def test_counts_worked_out_by_hand(workspace: Workspace, tmp_path: Path) -> None:
    # dog: means of 5 subclasses with 3 pictures each ascend; P20 of 15 values lies between the 3rd and the 4th, so that
    # dog0 is Hard; P40 lies between the 6th and the 7th: dog1 is Easy, the other 9 pictures train.
    # cat: tabby 3, lynx 2, lion 4; P20 of 9 values is at place 1.6 (tabby), P40 at 3.2 (lynx): no Hard, tabby Easy.
    run(workspace, tmp_path / "out")
    assert {split: len(rows) for split, rows in lists_of(tmp_path / "out").items()} == {
        "train": 15,
        "easy": 6,
        "hard": 3,
    }


@pytest.mark.parametrize("link", ["symlink", "hardlink", "copy"])
def test_imagefolder_is_read_by_torchvision(workspace: Workspace, tmp_path: Path, link: Any) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    report = run(workspace, tmp_path / "out", ["sood", "imagefolder"], options=Options(link=link))
    lists = lists_of(tmp_path / "out")
    train = datasets.ImageFolder(tmp_path / "out" / "imagefolder" / "train_iid")
    assert train.class_to_idx == {"cat": 0, "dog": 1}
    assert len(train) == len(lists["train"])
    expected = sorted((Image.open(tmp_path / row[0]).size, int(row[1])) for row in lists["train"])
    assert sorted((picture.size, label) for picture, label in train) == expected
    # Hard has no cat: ImageFolder refuses rather than calling dog class 0.
    assert report.warnings == ("test_hard_ood has no picture of cat; ImageFolder needs allow_empty=True there.",)
    with pytest.raises(FileNotFoundError, match="cat"):
        datasets.ImageFolder(tmp_path / "out" / "imagefolder" / "test_hard_ood")
    hard = datasets.ImageFolder(tmp_path / "out" / "imagefolder" / "test_hard_ood", allow_empty=True)
    assert {label for _, label in hard.samples} == {1}
    file = Path(train.samples[0][0])
    assert file.is_symlink() == (link == "symlink")
    assert (os.stat(file).st_nlink == 2) == (link == "hardlink")
    assert verify(tmp_path / "out", full=True, roots={"imagenet21k_train": tmp_path / "imagenet21k_train"}).is_intact


def test_huggingface_is_loaded_by_datasets(workspace: Workspace, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    run(workspace, tmp_path / "out", ["sood", "huggingface"])
    lists = lists_of(tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out" / "huggingface"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in loaded.items()} == {
        "train_iid": 15, "test_easy_ood": 6, "test_hard_ood": 3
    }  # fmt: skip
    rows = {row["path"]: row for row in loaded["test_easy_ood"]}
    assert sorted(
        (row["path"], row["class_id"], row["superclass"], row["subclass"]) for row in rows.values()
    ) == sorted((path, int(class_id), superclass, subclass) for path, class_id, superclass, subclass in lists["easy"])
    for path, row in rows.items():
        assert row["image"].size == Image.open(tmp_path / path).size
    card = (tmp_path / "out" / "huggingface" / "README.md").read_text()
    header = yaml.safe_load(card.split("---\n")[1])
    assert [one["split"] for one in header["configs"][0]["data_files"]] == [
        "train_iid",
        "test_easy_ood",
        "test_hard_ood",
    ]
    assert "ImageNet's terms" in card


def test_webdataset_streams_every_sample(workspace: Workspace, tmp_path: Path) -> None:
    library = pytest.importorskip("webdataset")
    run(workspace, tmp_path / "out", ["sood", "webdataset"], options=Options(shard_pictures=6))
    shards = sorted((tmp_path / "out" / "webdataset").iterdir())
    assert [shard.name for shard in shards] == [
        "test_easy_ood-000000.tar", "test_hard_ood-000000.tar", "train_iid-000000.tar", "train_iid-000001.tar",
        "train_iid-000002.tar",
    ]  # fmt: skip
    lists = lists_of(tmp_path / "out")
    urls = [str(shard) for shard in shards if shard.name.startswith("train")]
    samples = list(library.WebDataset(urls, shardshuffle=False).decode("pil"))
    assert [sample["json"]["path"] for sample in samples] == [row[0] for row in lists["train"]]
    for sample in samples:
        assert "." not in sample["__key__"]
        assert sample["jpg"].size == Image.open(tmp_path / sample["json"]["path"]).size
        assert sample["cls"] == sample["json"]["class_id"]
    with tarfile.open(shards[0]) as tar:
        assert {(member.mtime, member.uid, member.uname) for member in tar} == {(0, 0, "")}


def test_fiftyone_imports_labels_and_attributes(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "out", ["sood", "fiftyone"])
    labels = json.loads((tmp_path / "out" / "fiftyone" / "test_easy_ood" / "labels.json").read_text())
    assert labels["classes"] == ["cat", "dog"]
    assert {len(labels["labels"])} == {6}
    importers = pytest.importorskip("fiftyone.utils.data.importers")
    found = importers.FiftyOneImageClassificationDatasetImporter(
        dataset_dir=str(tmp_path / "out" / "fiftyone" / "test_easy_ood")
    )
    with found as opened:
        samples = [(path, label) for path, _, label in opened]
    assert sorted((Image.open(path).size, label.label) for path, label in samples) == sorted(
        (Image.open(tmp_path / row[0]).size, row[2]) for row in lists_of(tmp_path / "out")["easy"]
    )
    assert {label["split"] for _, label in samples} == {"easy"}


def read_by_openood(file: Path, data_dir: Path) -> list[tuple[Path, int]]:
    """What OpenOOD's ImglistDataset makes of a list: split at the first blank, the label a whole number."""
    rows = []
    for line in file.read_text().splitlines():
        name, extra = line.strip("\n").split(" ", 1)
        assert not name.startswith("/")
        rows.append((data_dir / name, int(extra)))
    return rows


def test_openood_lists_and_stanzas(workspace: Workspace, tmp_path: Path) -> None:
    far = tmp_path / "places"
    far.mkdir()
    for name in ("b.jpg", "a.jpg"):
        Image.new("RGB", (8, 8)).save(far / name)
    with workspace.opened().reading() as cursor:
        ood = read_ood_sets(workspace, cursor, [f"places=folder:{far}"])
    assert (ood[0].paths, ood[0].source) == (("places/a.jpg", "places/b.jpg"), "folder:places")
    report = run(workspace, tmp_path / "out", ["sood", "openood"], options=Options(ood=ood))
    top, lists = tmp_path / "out" / "openood", lists_of(tmp_path / "out")
    folder = tmp_path / "out" / openood.LISTS
    for split, name in (("easy", "test_easy"), ("hard", "test_hard"), ("train", "train")):
        rows = read_by_openood(folder / f"{name}_sood.txt", tmp_path)
        assert rows == [(tmp_path / row[0], int(row[1])) for row in lists[split]]
        assert all(path.is_file() for path, _ in rows)
    assert read_by_openood(folder / "ood_places_sood.txt", tmp_path) == [(far / "a.jpg", -1), (far / "b.jpg", -1)]
    parts = {name: read_by_openood(folder / f"{name}_sood.txt", tmp_path) for name in ("fit", "val", "test")}
    together = [row for rows in parts.values() for row in rows]
    assert sorted(together) == sorted(read_by_openood(folder / "train_sood.txt", tmp_path))
    full = yaml.safe_load((top / "configs/datasets/sood/sood_fsood.yml").read_text().replace("@{", "{"))["ood_dataset"]
    assert full["split_names"] == ["farood", "csid"]
    assert full["csid"]["datasets"] == ["test_easy", "test_hard"]
    assert full["num_classes"] == 2
    for group in full["split_names"]:
        for name in full[group]["datasets"]:
            assert (top / full[group][name]["imglist_pth"]).is_file()
    plain = yaml.safe_load((top / "configs/datasets/sood/sood.yml").read_text())["dataset"]
    assert all((top / plain[part]["imglist_pth"]).is_file() for part in plain["split_names"])
    assert str(tmp_path) not in json.dumps(read_manifest(tmp_path / "out"))
    assert report.warnings == ()


def test_the_draw_of_train_follows_the_golden_list_parser(golden: dict[str, Any]) -> None:
    case = golden["openood_imglist_parse"]
    for line, expected in zip(case["inputs"]["lines"], case["expected"]["split_first_space"], strict=True):
        assert line.split(" ", 1) == expected
    drawn = [openood.part_of(f"root/{number}.JPEG", 7) for number in range(20_000)]
    assert {name: round(drawn.count(name) / 20_000, 1) for name in ("fit", "val", "test")} == {
        "fit": 0.8, "val": 0.1, "test": 0.1
    }  # fmt: skip
    assert [openood.part_of(f"root/{number}.JPEG", 7) for number in range(100)] == drawn[:100]


def as_text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_croissant_is_valid_and_gives_the_rows(workspace: Workspace, tmp_path: Path) -> None:
    croissant = pytest.importorskip("mlcroissant")
    report = run(workspace, tmp_path / "out", ["sood", "croissant"])
    assert set(report.formats) == {"sood", "croissant", "parquet"}  # parquet is brought along
    data = croissant.Dataset(tmp_path / "out" / "croissant.json")
    assert not data.metadata.ctx.issues.errors
    assert str(data.metadata.ctx.conforms_to.value).endswith("croissant/1.1")
    rows = list(data.records("pictures"))
    lists = lists_of(tmp_path / "out")
    found = [(as_text(row["pictures/path"]), as_text(row["pictures/split"])) for row in rows]
    assert sorted(found) == sorted((row[0], split) for split, rows in lists.items() for row in rows)
    assert [as_text(row["splits/name"]) for row in data.records("splits")] == ["train", "easy", "hard"]
    described = {one.id: one.sha256 for one in data.metadata.distribution}
    for name, digest in described.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest


def test_the_card_tells_counts_people_terms_and_no_path_of_this_machine(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "out", ["card"])
    card = (tmp_path / "out" / "DATACARD.md").read_text()
    assert "| train_iid | 15 |" in card
    assert "| test_hard_ood | 3 | 1 | 20.0% | 12.5% |" in card
    assert "| anna | 8 | 0 | 0 |" in card
    assert "do not allow to pass pictures on" in card
    assert str(tmp_path) not in card


def test_every_format_at_once_twice_the_same(workspace: Workspace, tmp_path: Path) -> None:
    one = run(workspace, tmp_path / "one", EVERY)
    two = run(workspace, tmp_path / "two", EVERY)
    assert one.manifest_sha256 == two.manifest_sha256
    assert verify(tmp_path / "one").is_intact
    assert verify(tmp_path / "one").unknown == ()
    text = (tmp_path / "one" / "manifest.json").read_text()
    assert str(tmp_path) not in text


def test_no_path_of_this_machine_enters_the_manifest_by_the_model(tmp_path: Path, workspace: Workspace) -> None:
    with workspace.opened().writing() as cursor:
        cursor.execute("UPDATE embedding_set SET model = 'local-dir:/home/anna/models/tiny', pretrained = '/x/y/w.pt'")
    run(workspace, tmp_path / "out", ["sood", "card", "croissant"])
    scoring = read_manifest(tmp_path / "out")["scoring"]
    assert (scoring["model"], scoring["pretrained"], scoring["model_key"]) == ("local-dir:tiny", "w.pt", "tiny")
    for file in (tmp_path / "out").iterdir():
        assert b"/home/anna" not in file.read_bytes()


def test_a_dry_run_tells_files_and_bytes(workspace: Workspace, tmp_path: Path) -> None:
    report = run(workspace, tmp_path / "out", EVERY, dry_run=True, options=Options(link="copy"))
    assert not (tmp_path / "out").exists()
    assert report.sizes["sood"].is_exact
    assert report.sizes["webdataset"].holds_pixels
    real = run(workspace, tmp_path / "out", EVERY, options=Options(link="copy"))
    written = {one.path: one.bytes for one in real.files}
    assert report.sizes["sood"].bytes == sum(
        size for name, size in written.items() if name.endswith(".txt") and "/" not in name
    )
    for name in ("csv", "jsonl", "parquet"):
        assert report.sizes[name].bytes == written[f"pictures.{name}"]
    tars = sum(size for name, size in written.items() if name.endswith(".tar"))
    assert report.sizes["webdataset"].bytes == pytest.approx(tars, rel=0.7)
    copies = sum(file.stat().st_size for file in (tmp_path / "out" / "imagefolder").rglob("*") if file.is_file())
    index = written[index_name("imagefolder")]
    assert report.sizes["imagefolder"].bytes == pytest.approx(copies + index, rel=0.5)
    assert (report.sizes["card"].bytes, report.sizes["openood"].bytes) == (
        written["DATACARD.md"],
        sum(size for name, size in written.items() if name.startswith("openood/")),
    )


def test_a_picture_that_is_gone_is_named_and_a_second_run_goes_on(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "imagenet21k_train"
    victim = root / wnid_of("dog4") / f"{wnid_of('dog4')}_001.JPEG"
    content = victim.read_bytes()
    victim.unlink()
    options = Options(link="copy")
    with pytest.raises(PicturesGone) as refused:
        run(workspace, tmp_path / "out", ["imagefolder"], options=options)
    assert refused.value.paths == [f"imagenet21k_train/{wnid_of('dog4')}/{victim.name}"]
    (partial,) = tmp_path.glob(".out.partial-*")
    kept = {file: file.stat().st_mtime_ns for file in partial.rglob("*.JPEG")}
    inodes = {file.name: file.stat().st_ino for file in kept}
    assert len(kept) == 23
    victim.write_bytes(content)
    run(workspace, tmp_path / "out", ["imagefolder"], options=options)
    assert list(tmp_path.glob(".out.partial-*")) == []
    now = {file.name: file.stat().st_ino for file in (tmp_path / "out").rglob("*.JPEG")}
    assert {name: now[name] for name in inodes} == inodes  # nothing was copied twice
    assert len(now) == 24


def test_shards_that_are_whole_are_kept(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(shard_pictures=6)
    root = tmp_path / "imagenet21k_train"
    victim = root / wnid_of("dog0") / f"{wnid_of('dog0')}_000.JPEG"
    content = victim.read_bytes()
    victim.unlink()
    with pytest.raises(PicturesGone):
        run(workspace, tmp_path / "out", ["webdataset"], options=options)
    (partial,) = tmp_path.glob(".out.partial-*")
    assert {file.name for file in partial.rglob("*.tar")} == {
        "train_iid-000000.tar", "train_iid-000001.tar", "train_iid-000002.tar", "test_easy_ood-000000.tar"
    }  # fmt: skip
    victim.write_bytes(content)
    added: list[str] = []
    real = webdataset._add_sample

    def count(tar: tarfile.TarFile, key: str, picture: ListedPicture) -> None:
        added.append(key)
        real(tar, key, picture)

    monkeypatch.setattr(webdataset, "_add_sample", count)
    run(workspace, tmp_path / "out", ["webdataset"], options=options)
    assert len(added) == 3
    clean = run(workspace, tmp_path / "again", ["webdataset"], options=options)
    assert read_manifest(tmp_path / "out")["manifest_sha256"] == clean.manifest_sha256


def test_trees_are_replaced_only_where_they_are_ours(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(workspace, out, ["imagefolder", "sood"])
    (out / "imagefolder" / "notes.md").write_text("mine")
    assert verify(out).unknown == ("imagefolder/notes.md",)
    with pytest.raises(EngineError, match="no export wrote"):
        run(workspace, out, ["imagefolder", "sood"], force=True)
    assert (out / "imagefolder" / "notes.md").read_text() == "mine"
    run(workspace, tmp_path / "other", ["imagefolder", "fiftyone"])
    run(workspace, tmp_path / "other", ["sood"], force=True)
    assert sorted(entry.name for entry in (tmp_path / "other").iterdir()) == [
        "classes.json", "lines.crc32", "manifest.json", "test_easy_ood.txt", "test_hard_ood.txt", "train_iid.txt"
    ]  # fmt: skip
    assert len(list((tmp_path / "imagenet21k_train").rglob("*.JPEG"))) == 24  # links went, pictures stayed


def test_verify_finds_a_broken_link_and_another_copy(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path / "links", ["imagefolder"])
    entries = list(read_index(tmp_path / "links", "imagefolder"))
    (tmp_path / "links" / entries[2].file).unlink()
    (one,) = verify(tmp_path / "links").differences
    assert (one.file, one.kind, one.text) == (entries[2].file, "missing_file", "imagefolder.jsonl:3")
    run(workspace, tmp_path / "copies", ["imagefolder"], options=Options(link="copy"))
    file = tmp_path / "copies" / entries[4].file
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    roots = {"imagenet21k_train": tmp_path / "imagenet21k_train"}
    run(workspace, tmp_path / "lists", ["sood"])
    assert verify(tmp_path / "copies").is_intact  # fast: the size is the same
    with_lists = tmp_path / "full"
    run(workspace, with_lists, ["sood", "imagefolder"], options=Options(link="copy"))
    (with_lists / entries[4].file).write_bytes(content)
    assert [(d.file, d.kind) for d in verify(with_lists, full=True, roots=roots).differences] == [
        (entries[4].file, "altered_file")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="file systems elsewhere may not keep such names")
def test_names_that_meet_in_a_folder_are_told_apart(tmp_path: Path) -> None:
    names = UniqueNames()
    assert [names.claim("a", name) for name in ("x.jpg", "X.JPG", "x.jpg", "x~2.jpg")] == [
        "x.jpg", "X~2.JPG", "x~3.jpg", "x~2~2.jpg"
    ]  # fmt: skip
    assert names.claim("b", "x.jpg") == "x.jpg"


def test_a_superclass_that_is_no_folder_name_is_refused(tmp_path: Path) -> None:
    workspace = scored_workspace(tmp_path / "work", {"a/b": {"x": [0.1, 0.2], "y": [0.3, 0.4]}})
    for name in ("imagefolder", "huggingface"):
        with pytest.raises(EngineError, match="cannot be the name of a folder"):
            run(workspace, tmp_path / "out", [name], dry_run=True)
    assert prepare(workspace).superclasses == ("a/b",)
