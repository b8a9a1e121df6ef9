"""init, and the commands of the room wordnet, as a person or a script runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.wordnet.sources import WordNetNotFound, find_wordnet
from sood_tui.cli import run
from sood_tui.workspace import create_workspace, opened
from store.wordnet.importing import count_synsets
from tests.fixtures_wordnet import load_tiny_wordnet


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A workspace on disk with the tiny WordNet, and seven pictures of a Chihuahua counted."""
    with opened(create_workspace(tmp_path / "work")) as workspace:
        load_tiny_wordnet(workspace.opened())
        with workspace.opened().writing() as cursor:
            cursor.execute(
                """
                INSERT INTO image_count (wnid, images, subtree_images, subtree_synsets)
                VALUES ('n02085620', 7, 7, 1), ('n02085374', 0, 7, 1), ('n02084071', 0, 7, 1)
                """
            )
        return str(workspace.root)


@pytest.fixture(scope="module")
def installed() -> Path:
    """The WordNet of this machine."""
    try:
        return find_wordnet().path
    except WordNetNotFound as error:
        pytest.skip(f"{error.message} {error.hint}")


def test_find_lists_synsets_with_counts(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", root, "wordnet", "find", "toy", "dog", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found[0]["wnid"] == "n02085374"
    assert found[0]["lemmas"] == ["toy_dog", "toy"]
    assert (found[0]["descendants"], found[0]["images"], found[0]["subtree_images"]) == (4, 0, 7)


def test_find_without_a_hit_is_an_empty_list(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", root, "wordnet", "find", "quark", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(["-w", root, "wordnet", "find", "quark"]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "No noun" in output.err


def test_show_tells_all_of_a_synset(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", root, "wordnet", "show", "dog", "--json"]) == 0
    dog = json.loads(capsys.readouterr().out)
    assert dog["wnid"] == "n02084071"
    assert [step["name"] for step in dog["path"]][-2:] == ["domestic_animal.n.01", "dog.n.01"]
    assert [step["wnid"] for step in dog["hypernyms"]] == ["n01317541", "n02083346"]
    assert (dog["depth"], dog["children"], dog["descendants"], dog["subtree_images"]) == (8, 4, 10, 7)
    assert run(["-w", root, "wordnet", "show", "n02085620"]) == 0
    text = capsys.readouterr().out
    assert "named by     imagenet_1k, imagenet_21k_p_fall11" in text
    assert "pictures     7 of its own" in text


def test_show_takes_an_adjective(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", root, "wordnet", "show", "a00961908", "--json"]) == 0
    doglike = json.loads(capsys.readouterr().out)
    assert (doglike["name"], doglike["depth"], doglike["descendants"]) == ("doglike.s.01", None, 0)


def test_tree_is_indented_text_or_rows(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", root, "wordnet", "tree", "toy_dog.n.01"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "toy_dog.n.01  n02085374  4 below  7 pictures",
        "  chihuahua.n.03  n02085620  7 pictures",
        "  pekinese.n.01  n02086079",
        "  toy_spaniel.n.01  n02086346  1 below",
        "    papillon.n.01  n02086910",
    ]
    assert run(["-w", root, "wordnet", "tree", "dog", "--with-images", "--depth", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["depth"], row["hypernym_wnid"]) for row in rows] == [
        ("dog.n.01", 0, None),
        ("toy_dog.n.01", 1, "n02084071"),
        ("chihuahua.n.03", 2, "n02085374"),
    ]


def test_an_ambiguous_word_ends_with_2_and_lists_its_senses(root: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-w", root, "wordnet", "tree", "cat"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "big_cat.n.01  1 descendants" in output.err


def test_init_makes_a_workspace_that_a_second_init_leaves_alone(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new work"
    assert run(["init", str(folder), "--wordnet", str(installed)]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "100,271 synsets of WordNet 3.0" in output.err
    assert f"-w '{folder}' images add" in output.err
    assert "# model =" in (folder / "sood.toml").read_text()
    (folder / "sood.toml").write_text("seed = 3\n")
    assert run(["init", str(folder)]) == 0
    assert "Nothing was changed" in capsys.readouterr().err
    assert (folder / "sood.toml").read_text() == "seed = 3\n"
    assert run(["-w", str(folder), "wordnet", "show", "papillon.n.01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["wnid"] == "n02086910"


def test_init_goes_on_where_one_was_broken_off(
    installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(create_workspace(tmp_path / "half")):
        pass  # the folder, its settings and an empty catalogue
    assert run(["init", str(tmp_path / "half"), "--wordnet", str(installed)]) == 0
    assert "WordNet was missing" in capsys.readouterr().err
    with opened(create_workspace(tmp_path / "half")) as workspace, workspace.opened().reading() as cursor:
        assert count_synsets(cursor) == 100_271


def test_init_refuses_a_folder_with_other_things_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "n02084071").mkdir()
    assert run(["init", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "is not empty: n02084071" in error
    assert f"sood-tui init {tmp_path}/sood" in error
    assert [entry.name for entry in tmp_path.iterdir()] == ["n02084071"]


def test_init_refuses_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(["init", str(tmp_path / "file")]) == 2
    assert "is a file" in capsys.readouterr().err


def test_init_without_wordnet_names_both_commands_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", str(tmp_path / "new"), "--wordnet", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "python -m nltk.downloader wordnet" in error
    assert "apt-get install wordnet-base" in error
    assert not (tmp_path / "new").exists()


def test_the_commands_load_no_model_library(root: str) -> None:
    program = (
        "import sys; from sood_tui.cli import run; "
        f"code = run(['-w', {root!r}, 'wordnet', 'find', 'dog', '--json']); "
        "bad = {'torch', 'torchvision', 'open_clip', 'transformers', 'nltk', 'timm'} & set(sys.modules); "
        "sys.exit(code or len(bad))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=os.environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)[0]["name"] == "dog.n.01"
