"""Where WordNet 3.0 lies on this machine."""

import hashlib
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import platformdirs

from engine.errors import EngineError

DEBIAN_FOLDER = Path("/usr/share/wordnet")
NOUN_SYNSETS = 82_115
DOG_WNID = "n02084071"
INSTALL_HINT = (
    "Either of these brings it: `python -m nltk.downloader wordnet`, or as root `apt-get install wordnet-base`. "
    "A copy that lies elsewhere is named with --wordnet DIR."
)

# What NLTK opens for nouns and adjectives. It has the indexes and exceptions of verbs and adverbs read as well.
PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
REQUIRED_FILES = (
    "data.noun",
    "data.adj",
    *(f"index.{part}" for part in PARTS_OF_SPEECH),
    *(f"{part}.exc" for part in PARTS_OF_SPEECH),
    "cntlist.rev",
)

_VERSION = re.compile(rb"Word[Nn]et (\d+(?:\.\d+)?\+?) Copyright")


class WordNetNotFound(EngineError):
    """There is no WordNet where one was looked for."""

    def __init__(self, looked_in: list[Path]) -> None:
        places = ", ".join(str(place) for place in looked_in)
        super().__init__(f"WordNet was not found. Looked in: {places}.", INSTALL_HINT)


class WrongWordNet(EngineError):
    """This WordNet is not version 3.0, or it is damaged."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(
            f"The WordNet in {place} cannot be used: {reason}.",
            "sood-tui needs WordNet 3.0, because ImageNet's wnids are positions in its files. " + INSTALL_HINT,
        )


@dataclass(frozen=True)
class WordNetSource:
    """WordNet's own files, in a folder or inside a zip archive as NLTK's downloader leaves it.

    Attributes:
        path: the folder, or the archive.
        inside: where the files are within the archive, ending in a slash; empty for a folder.
    """

    path: Path
    inside: str = ""

    @property
    def is_zip(self) -> bool:
        """Whether the files are inside an archive."""
        return self.path.is_file()

    def read(self, name: str) -> bytes:
        """The content of one of WordNet's files.

        Raises: WrongWordNet if it cannot be read.
        """
        try:
            if self.is_zip:
                with zipfile.ZipFile(self.path) as archive:
                    return archive.read(self.inside + name)
            return (self.path / name).read_bytes()
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise WrongWordNet(str(self.path), f"its file {name} cannot be read ({error})") from error

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the files that are read, in hexadecimal."""
        digest = hashlib.sha256()
        for name in REQUIRED_FILES:
            content = self.read(name)
            digest.update(f"{name} {len(content)}\n".encode())
            digest.update(content)
        return digest.hexdigest()

    def check(self) -> None:
        """Make sure that these are the files of WordNet 3.0, before anything long is done with them.

        Raises: WrongWordNet, with the version that was found.
        """
        nouns = self.read("data.noun")
        found = _VERSION.search(nouns[:4096])
        version = found[1].decode() if found else "without a version"
        synsets = sum(1 for line in nouns.splitlines() if line[:1].isdigit())
        offset = int(DOG_WNID[1:])
        is_dog = nouns[offset : offset + 19] == b"02084071 05 n 03 do"
        if version != "3.0" or synsets != NOUN_SYNSETS or not is_dog:
            reason = f"it is version {version} and has {synsets:,} noun synsets instead of {NOUN_SYNSETS:,}"
            if version == "3.0" and synsets == NOUN_SYNSETS:
                reason = f"dog.n.01 is not at {DOG_WNID}"
            raise WrongWordNet(str(self.path), reason)


def unpacked_folder() -> Path:
    """Where `make wordnet` unpacks Debian's package for a user who may not install it."""
    return Path(platformdirs.user_cache_dir("sood-tui")) / "wordnet-base"


def find_wordnet(explicit: Path | None = None) -> WordNetSource:
    """WordNet's files: where the user said, else in NLTK's data path, where Debian puts them, in the user's cache.

    Args:
        explicit: a folder with data.noun in it, or one that holds it as NLTK's data or Princeton's archive do, or
            NLTK's wordnet.zip. When it is given nothing else is looked at.

    Raises: WordNetNotFound. The version is checked later, by ``WordNetSource.check``.
    """
    places = [explicit.expanduser()] if explicit else [*_nltk_data_path(), DEBIAN_FOLDER, unpacked_folder()]
    for place in places:
        for source in _sources_at(place):
            return source
    raise WordNetNotFound(places)


def download_wordnet() -> None:
    """Fetch WordNet 3.0 with NLTK's downloader into NLTK's data path. Call it only when the user asked for it.

    Raises: EngineError if it could not be fetched.
    """
    from nltk.downloader import Downloader

    downloader = Downloader()
    try:
        downloader.download("wordnet", quiet=True, raise_on_error=True)
    except Exception as error:
        # NLTK raises ValueError, OSError, URLError and XML errors of its own, each with its reason in the text.
        raise EngineError(f"WordNet could not be fetched: {error}", INSTALL_HINT) from error


def _sources_at(place: Path) -> Iterator[WordNetSource]:
    for folder in (place, place / "corpora" / "wordnet", place / "wordnet", place / "dict"):
        if (folder / "data.noun").is_file():
            yield WordNetSource(folder)
    for archive in (place, place / "corpora" / "wordnet.zip", place / "wordnet.zip"):
        if archive.is_file() and zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                inside = [name for name in opened.namelist() if name.rpartition("/")[2] == "data.noun"]
            if inside:
                yield WordNetSource(archive, inside[0].removesuffix("data.noun"))


def _nltk_data_path() -> list[Path]:
    import nltk.data

    return [Path(os.fsdecode(entry)) for entry in nltk.data.path if entry]
