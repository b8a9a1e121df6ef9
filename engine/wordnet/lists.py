"""The published lists of ImageNet's classes, as they lie in timm's package."""

import importlib.util
from pathlib import Path

import pyarrow as pa

from engine.errors import EngineError

# list -> file in timm/data/_info. The miil lists are those of ImageNet-21K-P.
LIST_FILES = {
    "imagenet_21k_p_fall11": "imagenet21k_miil_synsets.txt",
    "imagenet_21k_p_winter21": "imagenet21k_miil_w21_synsets.txt",
    "imagenet_22k": "imagenet22k_synsets.txt",
    "imagenet_12k": "imagenet12k_synsets.txt",
    "imagenet_1k": "imagenet_synsets.txt",
}


def read_lists() -> pa.Table:
    """All lists: columns list_name, position (0-based place in the file), wnid.

    Raises: EngineError if timm, which open_clip brings along, is not there or has other files.
    """
    names: list[str] = []
    positions: list[int] = []
    wnids: list[str] = []
    folder = _timm_folder()
    for list_name, file_name in LIST_FILES.items():
        try:
            members = (folder / file_name).read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError) as error:
            raise EngineError(f"The list of {list_name} cannot be read: {error}", _HINT) from error
        names += [list_name] * len(members)
        positions += range(len(members))
        wnids += members
    return pa.table(
        {
            "list_name": pa.array(names, pa.string()),
            "position": pa.array(positions, pa.int32()),
            "wnid": pa.array(wnids, pa.string()),
        }
    )


_HINT = "Install timm 1.0 or newer: `python -m pip install --upgrade timm`."


def _timm_folder() -> Path:
    # Found, not imported: importing timm loads torch.
    found = importlib.util.find_spec("timm")
    if found is None or not found.submodule_search_locations:
        raise EngineError("The package timm, which holds the lists of ImageNet's classes, is not installed.", _HINT)
    return Path(found.submodule_search_locations[0]) / "data" / "_info"
