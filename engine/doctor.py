"""What works on this machine and in this workspace, what does not, and why."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from engine.errors import EngineError
from engine.jobs.runner import list_jobs
from engine.wordnet.cache import find_cached
from engine.wordnet.sources import INSTALL_HINT, find_wordnet
from engine.workspace import Workspace
from store.connection import open_store
from store.errors import CatalogueLocked, StoreError

PACKAGES = (
    "textual",
    "duckdb",
    "pyarrow",
    "numpy",
    "pillow",
    "torch",
    "open_clip_torch",
    "transformers",
    "nltk",
    "timm",
)
DEVICE_SECONDS = 120
SCARCE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: python, devices, wordnet, models, workspace, catalogue, jobs, disk, terminal.
        state: fine; note: it works, but there is something to know; missing: something does not work without it.
        found: what is so.
        hint: what to do about it; empty when there is nothing to do.
    """

    area: str
    state: Literal["fine", "note", "missing"]
    found: str
    hint: str = ""


def examine_machine() -> Iterator[Finding]:
    """Findings that need no workspace."""
    yield examine_packages()
    yield from examine_devices()
    yield examine_wordnet()
    yield from examine_model_caches()


def examine_workspace(workspace: Workspace) -> Iterator[Finding]:
    """Findings on a workspace, whose catalogue may be open elsewhere."""
    yield Finding("workspace", "fine", str(workspace.root))
    yield examine_catalogue(workspace)
    yield examine_jobs(workspace)
    yield examine_disk(workspace.root)


def examine_packages() -> Finding:
    """The versions of what the program stands on."""
    versions = []
    missing = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    python = f"Python {sys.version.split()[0]}"
    if missing:
        return Finding("python", "missing", f"{python}, without {', '.join(missing)}", "Install sood-tui again.")
    return Finding("python", "fine", f"{python}, {', '.join(versions)}")


def examine_devices() -> Iterator[Finding]:
    """What torch sees, asked in a process of its own, because torch takes seconds and memory to load."""
    command = [sys.executable, "-P", "-m", "engine.gpu.devices"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=DEVICE_SECONDS, check=True)
        answer = json.loads(asked.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        printed = str(getattr(error, "stderr", "") or error).strip()
        reason = printed.splitlines()[-1] if printed else type(error).__name__
        yield Finding("devices", "missing", f"torch does not load: {reason}", "Install torch again.")
        return
    yield Finding("devices", "fine", f"cpu: {answer['cpus']} cores, torch {answer['torch']}")
    for device in answer["devices"]:
        precision = "bfloat16" if device["bfloat16"] else "float16"
        memory = f"{device['free'] / 2**30:.0f} of {device['total'] / 2**30:.0f} GiB free"
        yield Finding("devices", "fine", f"{device['name']}: {device['model']}, {memory}, {precision}")
    if not answer["devices"]:
        built = answer["built_for_cuda"]
        hint = "Jobs run on the CPU. " + ("Look with nvidia-smi." if built else "This torch was built without CUDA.")
        yield Finding("devices", "note", "no CUDA device", hint)


def examine_wordnet() -> Finding:
    """Where `init` would take WordNet from."""
    try:
        source = find_wordnet()
        source.check()
    except EngineError as error:
        cached = find_cached()
        if cached is not None:
            return Finding("wordnet", "note", f"only the copy in your cache, {cached.folder}", INSTALL_HINT)
        return Finding("wordnet", "missing", error.message, error.hint)
    return Finding("wordnet", "fine", f"WordNet 3.0 in {source.path}")


def examine_model_caches() -> Iterator[Finding]:
    """Models that were fetched before, and whether fetching is forbidden."""
    hub = Path(os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME") or "~/.cache/huggingface") / "hub")
    hub = hub.expanduser()
    models = sorted(folder.name[8:].replace("--", "/") for folder in hub.glob("models--*"))
    if models:
        yield Finding("models", "fine", f"{hub}: {', '.join(models)}")
    else:
        hint = "A model is fetched when a job names it; local-dir:FOLDER needs no network."
        yield Finding("models", "note", f"no model in {hub}", hint)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        yield Finding("models", "note", "HF_HUB_OFFLINE is set: nothing is fetched")


def examine_catalogue(workspace: Workspace) -> Finding:
    """Whether the catalogue opens, and who has it open."""
    if not workspace.catalogue.exists():
        return Finding("catalogue", "missing", "there is none yet", f"sood-tui init {workspace.root}")
    try:
        open_store(workspace.catalogue).close()
    except CatalogueLocked as locked:
        program = program_of(locked.pid) if locked.pid else ""
        holder = f"process {locked.pid}{f' ({program})' if program else ''}" if locked.pid else "another process"
        return Finding("catalogue", "note", f"open in {holder}", "Only that process works with it until it ends.")
    except StoreError as error:
        return Finding("catalogue", "missing", error.message, error.hint)
    size = workspace.catalogue.stat().st_size
    return Finding("catalogue", "fine", f"{size / 2**20:.0f} MiB, opens, nobody else has it open")


def program_of(pid: int) -> str:
    """The command line of a process, shortened; empty where it cannot be told."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return " ".join(os.fsdecode(word) for word in words if word)[:60]


def examine_jobs(workspace: Workspace) -> Finding:
    """How many jobs are in which state."""
    states = Counter(job.state() for job in list_jobs(workspace.root))
    found = ", ".join(f"{number:,} {state}" for state, number in sorted(states.items())) or "none"
    stopped = states["died"] + states["failed"]
    hint = "`sood-tui jobs list` says why; `sood-tui jobs resume JOB` goes on." if stopped else ""
    return Finding("jobs", "note" if stopped else "fine", found, hint)


def examine_disk(folder: Path) -> Finding:
    """How much space is left where the workspace is."""
    usage = shutil.disk_usage(folder)
    scarce = usage.free < SCARCE_BYTES
    hint = "Embeddings take 1 KiB a picture and model; thumbnails and exports come on top." if scarce else ""
    found = f"{usage.free / 1e9:,.1f} GB free of {usage.total / 1e9:,.1f} GB"
    return Finding("disk", "note" if scarce else "fine", found, hint)
