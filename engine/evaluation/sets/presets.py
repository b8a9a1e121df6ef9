"""Benchmarks of the field as presets: which folders they need, what is missing, what is known to be wrong with them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PresetSet:
    """One set of a benchmark.

    Attributes:
        name: as tables call it.
        folders: where it may lie below the data folder, the first that is there is taken.
        images: how many pictures it is published with.
        near_or_far: OpenOOD's group; None where there is none.
        note: known contamination.
    """

    name: str
    folders: tuple[str, ...]
    images: int
    near_or_far: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A benchmark: its ID set and its OOD sets."""

    name: str
    title: str
    labels: str
    id_set: PresetSet
    ood_sets: tuple[PresetSet, ...]


@dataclass(frozen=True, slots=True)
class FoundSet:
    """A set of a preset on this machine; folder is None where it is missing."""

    preset: PresetSet
    role: str
    folder: Path | None


_VALIDATION = PresetSet("imagenet-1k", ("imagenet/val", "imagenet_1k/val", "ILSVRC2012_val", "val"), 50_000)
_INATURALIST = PresetSet("iNaturalist", ("iNaturalist", "inaturalist"), 10_000)
_CONTAMINATED = (
    "NegRefine's audit finds an object of an ID class in {} of its pictures: an upper bound for any detector."
)
_SUN = PresetSet("SUN", ("SUN", "sun"), 10_000, None, _CONTAMINATED.format("26.2 %"))
_PLACES = PresetSet("Places", ("Places", "places"), 10_000, None, _CONTAMINATED.format("59.5 %"))
_TEXTURES = PresetSet("Textures", ("dtd/images", "Textures", "textures", "dtd"), 5_640)

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "imagenet-four",
            "ImageNet-1k validation against iNaturalist, SUN, Places and Textures",
            "imagenet-1k",
            _VALIDATION,
            (_INATURALIST, _SUN, _PLACES, _TEXTURES),
        ),
        Preset(
            "openood",
            "OpenOOD v1.5, near and far groups of ImageNet-1k",
            "imagenet-1k",
            PresetSet(
                "imagenet-1k", _VALIDATION.folders, 45_000, None, "OpenOOD keeps 5,000 of 50,000 to validate on."
            ),
            (
                PresetSet("SSB-hard", ("ssb_hard", "SSB-hard"), 49_000, "near"),
                PresetSet("NINCO", ("ninco", "NINCO"), 5_879, "near"),
                PresetSet("iNaturalist", _INATURALIST.folders, 10_000, "far"),
                PresetSet("Textures", ("texture", *_TEXTURES.folders), 5_160, "far"),
                PresetSet("OpenImage-O", ("openimage_o", "OpenImage-O"), 15_869, "far"),
            ),
        ),
        Preset(
            "negrefine",
            "NegRefine's four cleaner sets against ImageNet-1k validation",
            "imagenet-1k",
            _VALIDATION,
            (
                _INATURALIST,
                PresetSet("OpenImage-O", ("openimage_o", "OpenImage-O"), 15_869),
                PresetSet("Clean", ("clean", "Clean"), 0),
                PresetSet("NINCO", ("ninco", "NINCO"), 5_879),
            ),
        ),
    )
}


def find_preset(preset: Preset, data: Path) -> list[FoundSet]:
    """Where the sets of a preset lie below a data folder, the ID set first; what is missing has no folder."""
    wanted = [("id", preset.id_set), *(("ood", one) for one in preset.ood_sets)]
    return [
        FoundSet(one, role, next((data / folder for folder in one.folders if (data / folder).is_dir()), None))
        for role, one in wanted
    ]
