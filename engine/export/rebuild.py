"""Making an export again from its manifest: the same bytes on the same pictures, or what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.export.manifest import MANIFEST, read_manifest
from engine.export.ood import read_ood_sets
from engine.export.options import OodSet, Options
from engine.export.run import ExportReport, OnProgress, write_split
from engine.splits.prepare import prepare_claims
from engine.splits.settings import SplitSettings
from engine.workspace import Workspace
from store.connection import Cursor
from store.export import bounded_memory
from store.splits.similarities import ScoredRun, fetch_prompts, fetch_runs


@dataclass(frozen=True, slots=True)
class Deviation:
    """One thing that is not as the manifest says; subject is a file, a subclass or a setting."""

    kind: str
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What was written, and where it is not what the manifest tells. Inputs come before what follows from them."""

    export: ExportReport
    manifest: Path
    deviations: tuple[Deviation, ...]

    @property
    def is_same(self) -> bool:
        """Whether every byte is the same."""
        return not self.deviations


def rebuild(
    workspace: Workspace,
    manifest_file: Path,
    folder: Path,
    ood: Sequence[str] = (),
    force: bool = False,
    on_progress: OnProgress | None = None,
) -> RebuildReport:
    """Make an export again. Decisions and splits of the workspace are not asked: everything is in the manifest.

    Args:
        workspace: open; it has the same pictures, scored with the same weights and prompts.
        manifest_file: a manifest, or the folder of an export.
        folder: where to.
        ood: NAME=SOURCE for sets of the manifest whose pictures lie elsewhere on this machine.
        force: replace an export that is there.
        on_progress: as of run.

    Raises: EngineError if the manifest is damaged, or the catalogue has no such scores.
    """
    source = manifest_file.parent if manifest_file.name == MANIFEST else manifest_file
    manifest = read_manifest(source)
    settings = settings_of(manifest)
    claims = [(str(one["superclass"]), str(one["wnid"])) for one in manifest["accepted"]]
    tell = on_progress or (lambda what, done, steps: None)
    with workspace.opened().reading() as cursor, bounded_memory(cursor):
        run_id = _run_like(cursor, manifest["scoring"])
        options = _options(workspace, cursor, manifest["options"], ood)
        prepared, measured = prepare_claims(cursor, str(manifest["split"]), settings, run_id, claims)
        record = {
            "review": manifest["review"],
            "root_wnids": {str(one["superclass"]): one["root_wnids"] for one in manifest["superclasses"]},
        }
        report = write_split(
            cursor, prepared, measured, folder.resolve(), manifest["formats"], options, record, force, False, tell
        )
    found = read_manifest(report.folder)
    return RebuildReport(report, source / MANIFEST, tuple(deviations(manifest, found)))


def settings_of(manifest: Mapping[str, Any]) -> SplitSettings:
    """The settings that a manifest holds.

    Raises: EngineError for a setting that this version does not know.
    """
    given = dict(manifest["settings"])
    known = {one.name for one in fields(SplitSettings)}
    if unknown := sorted(set(given) - known):
        raise EngineError(
            f"The manifest has settings that this version does not know: {', '.join(unknown)}.",
            f"It was made by version {manifest['tool']['version']}.",
        )
    for name in ("percentiles", "excluded_flags"):
        given[name] = tuple(given[name])
    given["superclass_percentiles"] = {name: tuple(own) for name, own in given["superclass_percentiles"].items()}
    return SplitSettings(**given)


def deviations(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Deviation]:
    """What differs between two manifests, causes first: inputs, then the cut, then files."""
    if expected["manifest_sha256"] == found["manifest_sha256"]:
        return []
    told = [*_inputs(expected["inputs"], found["inputs"]), *_settings(expected, found), *_cuts(expected, found)]
    told += [
        Deviation("file", name, one, other)
        for name, one, other in _changed(
            {entry["path"]: entry["sha256"] for entry in expected["files"]},
            {entry["path"]: entry["sha256"] for entry in found["files"]},
        )
    ]
    return told or [Deviation("manifest", MANIFEST, expected["manifest_sha256"], found["manifest_sha256"])]


def _run_like(cursor: Cursor, scoring: Mapping[str, Any]) -> int:
    """The newest run with the same weights, template and prompts."""
    runs = [run for run in fetch_runs(cursor) if _is_like(run, scoring)]
    for run in reversed(runs):
        prompts = {prompt.superclass: prompt.prompt for prompt in fetch_prompts(cursor, run.run_id)}
        if all(prompts.get(name) == prompt for name, prompt in scoring["prompts"].items()):
            return run.run_id
    weights = str(scoring["weights_sha256"])
    raise EngineError(
        f"No scoring run of this workspace has the weights {weights[:12]}... of {scoring['model']}, the template "
        f"{scoring['template']!r} and the prompts of the manifest.",
        f"`sood-tui scoring run --model {scoring['model']} --template {scoring['template']!r}` with the same weights.",
    )


def _is_like(run: ScoredRun, scoring: Mapping[str, Any]) -> bool:
    return (run.weights_sha256, run.template, run.keep_underscores) == (
        scoring["weights_sha256"],
        scoring["template"],
        scoring["keep_underscores"],
    )


def _options(workspace: Workspace, cursor: Cursor, given: Mapping[str, Any], ood: Sequence[str]) -> Options:
    named = {text.partition("=")[0]: text for text in ood}
    sets: list[OodSet] = []
    for one in given["ood"]:
        text = named.get(one["name"], f"{one['name']}={one['source']}")
        kind = str(one["source"]).partition(":")[0]
        if one["name"] not in named and kind in ("folder", "list"):
            raise EngineError(
                f"Where do the pictures of the OOD set {one['name']} lie?",
                f"Name them: --ood {one['name']}={kind}:PATH",
            )
        (found,) = read_ood_sets(workspace, cursor, [text])
        sets.append(OodSet(found.name, one["near_or_far"], one["source"], found.paths, found.sha256))
    return Options(given["link"], given["shard_pictures"], tuple(sets), given["check_leaks"])


def _inputs(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Deviation]:
    told = []
    for superclass in sorted(expected.keys() | found.keys()):
        ones, others = expected.get(superclass, {}), found.get(superclass, {})
        for wnid in sorted(ones.keys() | others.keys()):
            one, other = ones.get(wnid), others.get(wnid)
            if one == other:
                continue
            subject = f"{superclass} {wnid}"
            if one is None or other is None:
                told.append(Deviation("pictures", subject, _pictures(one), _pictures(other)))
            elif one["paths_sha256"] != other["paths_sha256"]:
                told.append(Deviation("pictures", subject, _pictures(one), f"{_pictures(other)}, other paths"))
            else:
                told.append(
                    Deviation("similarities", subject, one["similarities_sha256"], other["similarities_sha256"])
                )
    return told


def _pictures(entry: Mapping[str, Any] | None) -> str:
    return "none" if entry is None else f"{entry['pictures']} pictures"


def _settings(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Deviation]:
    told = []
    for part in ("settings", "options", "scoring", "labels", "leaks", "tool", "roots", "wordnet"):
        one, other = expected.get(part), found.get(part)
        if isinstance(one, dict) and isinstance(other, dict):
            told += [Deviation(part, name, str(a), str(b)) for name, a, b in _changed(one, other)]
        elif one != other:
            told.append(Deviation(part, part, str(one), str(other)))
    return told


def _cuts(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Deviation]:
    places = [
        {
            f"{cut['superclass']} {sub['wnid']}": f"{sub['split']}, mean {sub['mean']:.9g}"
            for cut in manifest["superclasses"]
            for sub in cut["subclass_list"]
        }
        for manifest in (expected, found)
    ]
    return [Deviation("subclass", name, str(one), str(other)) for name, one, other in _changed(*places)]


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    names = sorted(one.keys() | other.keys())
    return [(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)]
