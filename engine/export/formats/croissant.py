"""Croissant 1.1: JSON-LD that describes the rows of pictures.parquet, the lists, and their hashes.

It is written after the other formats, of which it describes the files; Parquet is always among them.
"""

from pathlib import Path
from typing import Any

from engine.export.card import LICENCE, TERMS, model_name
from engine.export.manifest import canonical, fingerprint
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, list_name
from engine.splits.show import total_cut
from store.connection import Cursor

NAME = "croissant"
SENTENCE = "croissant.json: Croissant 1.1 (JSON-LD with RAI) of pictures.parquet and the lists; brings parquet along."
NEEDS = ("parquet",)
IS_LAST = True
ROWS = "pictures.parquet"

_KINDS = {
    ".parquet": "application/x-parquet",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".json": "application/json",
}
_FIELDS = {
    "path": ("sc:Text", "Path of the picture: the name of its root, then the path below it."),
    "root": ("sc:Text", "The folder that the path begins with."),
    "wnid": ("sc:Text", "WordNet 3.0 id of the subclass."),
    "superclass": ("sc:Text", "The class to be recognised."),
    "class_id": ("sc:Integer", "Number of the superclass, from 0; empty where the picture is in no list."),
    "subclass": ("sc:Text", "Name of the subclass, unique in the export."),
    "split": ("sc:Text", "The list that the picture stands in; empty where it is in none."),
    "reason": ("sc:Text", "Why the picture is in no list."),
    "similarity": ("sc:Float", "Cosine of picture and prompt, in [-1, 1]."),
    "score": ("sc:Float", "Similarity, min-max normalised within the superclass."),
    "subclass_mean": ("sc:Float", "Mean score of the subclass, by which it was placed."),
    "is_outlier": ("sc:Boolean", "Outside the fences of its subclass."),
}
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "arrayShape": "cr:arrayShape",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def files(plan: Plan) -> list[str]:
    """The files that the format writes."""
    return ["croissant.json"]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held."""


def size(cursor: Cursor, plan: Plan) -> Size:
    """About what it comes to: the hashes of the files it names are known only after they are written."""
    return Size(1, len(canonical(_document(plan, []))) + 400 * (len(plan.splits) + 1), False, False)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Describe the files that are there."""
    lists = [name for split in plan.splits if (folder / (name := f"{list_name(split)}.txt")).is_file()]
    objects = [_file_object(folder, name) for name in (ROWS, *lists)]
    (folder / files(plan)[0]).write_bytes(canonical(_document(plan, objects)))


def _file_object(folder: Path, name: str) -> dict[str, Any]:
    found, _ = fingerprint(folder, name)
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{found.bytes} B",
        "encodingFormat": _KINDS[Path(name).suffix],
        "sha256": found.sha256,
    }


def _document(plan: Plan, objects: list[dict[str, Any]]) -> dict[str, Any]:
    whole = total_cut(plan.prepared, plan.tuned)
    names = plan.prepared.superclasses
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": f"sood-{plan.prepared.split}",
        "description": f"Lists of {whole.pictures} pictures of ImageNet under {len(names)} superclasses, cut into "
        f"{', '.join(list_name(split) for split in plan.splits)} by how typical their subclass is of its superclass.",
        "version": "1.0.0",
        "license": "https://image-net.org/download",
        "url": "https://image-net.org",
        "citeAs": "Bacchin, Allegro, Ghidoni, Menegatti: SOOD-ImageNet, arXiv 2409.01109 (the procedure).",
        "isLiveDataset": False,
        "distribution": objects,
        "recordSet": [_splits(plan), _pictures()],
        **_responsible(plan),
    }


def _splits(plan: Plan) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [{"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}],
        "data": [{"splits/name": split} for split in plan.splits],
    }


def _pictures() -> dict[str, Any]:
    fields = []
    for name, (kind, sentence) in _FIELDS.items():
        field: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"pictures/{name}",
            "name": name,
            "description": sentence,
            "dataType": kind,
            "source": {"fileObject": {"@id": ROWS}, "extract": {"column": name}},
        }
        if name == "split":
            field["references"] = {"field": {"@id": "splits/name"}}
        fields.append(field)
    return {
        "@type": "cr:RecordSet",
        "@id": "pictures",
        "name": "pictures",
        "description": "One row a picture of every accepted subclass, those that were left out among them.",
        "key": {"@id": "pictures/path"},
        "field": fields,
    }


def _responsible(plan: Plan) -> dict[str, Any]:
    run = plan.prepared.run
    people = plan.record.get("review", {}).get("reviewers", {})
    percentiles = ", ".join(f"{value:g}" for value in plan.prepared.settings.percentiles)
    return {
        "rai:dataCollection": "Pictures are ImageNet-21K's; candidates come from WordNet's hierarchy and were decided "
        f"on by {len(people)} reviewer(s).",
        "rai:dataCollectionType": ["Secondary Data Analysis", "Manual Human Curator"],
        "rai:dataPreprocessingProtocol": [
            f"Similarity of every picture to the prompt of its superclass by {model_name(run.model)} "
            f"(weights {run.weights_sha256}), template {run.template!r}; outliers of a subclass left out; subclasses "
            f"placed whole by the percentiles {percentiles}."
        ],
        "rai:dataLimitations": [TERMS, LICENCE, "Lists may differ in size, colour and clutter besides meaning."],
        "rai:dataBiases": ["What is typical is what one vision-language model says of one prompt."],
        "rai:dataUseCases": ["Testing the generalisation of classifiers under semantic shift; OOD detection."],
        "rai:personalSensitiveInformation": ["ImageNet has pictures of people who did not agree to be in them."],
    }
