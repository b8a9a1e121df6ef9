"""The command demo: the whole walk on made-up pictures, by the ordinary commands, each shown before it runs."""

import io
import json
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from engine.demo.place import STEPS, DemoPlace
from engine.workspace import Workspace
from sood_tui.cli.output import messages, say
from sood_tui.workspace import is_workspace, opened, require_workspace
from store.status import Funnel, fetch_funnel

app = typer.Typer(rich_markup_mode=None, add_completion=False)

REVIEWER = "demo"
NOTE = "decided by the demo from the score, not by looking"
SHOWN_SUPERCLASS = "dog"
TEMPLATE = "a photo of a {}"  # the words that the demo's CLIP is trained with


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the demo goes.")] = Path("sood-demo"),
    no_tui: Annotated[bool, typer.Option("--no-tui", help="Do not open the screens at the end.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of the pictures and of the training; 0 by default.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of the training; fewer are quicker and teach it less.")] = STEPS,
) -> None:
    """Walk from WordNet to an evaluation on splits of one's own in about two minutes, without a download.

    Draws pictures for 12 superclasses with 12 subclasses each, trains a small CLIP on the spot, and then runs the
    ordinary commands of every room, showing each of them. Run it again to go on with a demo that was broken off.

    Example: sood-tui demo /tmp/sood-demo --seed 1
    """
    started = time.monotonic()
    place = DemoPlace(folder)
    tour = Tour(place, place.claim(seed), steps)
    for number, step in enumerate(WALK, start=1):
        head = Text(f"\n[{number}/{len(WALK)}] {step.sentence}", style="bold")
        messages.print(head)
        if step.done(tour):
            say("  (done before)")
        else:
            step.take(tour)
    tour.run("status")
    say(f"\nThe demo is in {folder}; it took {time.monotonic() - started:.0f} s. What to try next:")
    for command, reason in TO_TRY:
        say(f"  {tour.shown(command)}\n      {reason}")
    if not no_tui and sys.stdin.isatty() and sys.stdout.isatty():
        from sood_tui.session import run_app

        raise typer.Exit(run_app(require_workspace(folder), None))


class Tour:
    """One run of the demo: where it is, and how its commands are run."""

    def __init__(self, place: DemoPlace, seed: int, steps: int) -> None:
        self.place = place
        self.seed = seed
        self.steps = steps

    def workspace(self) -> Workspace:
        """The demo's workspace, closed."""
        return require_workspace(self.place.root)

    def funnel(self) -> Funnel:
        """What the catalogue holds by now."""
        with opened(self.workspace()) as workspace, workspace.opened().reading() as cursor:
            return fetch_funnel(cursor)

    def shown(self, arguments: list[str]) -> str:
        """A command as a person would type it."""
        return shlex.join(["sood-tui", "-w", str(self.place.root), *arguments])

    def run(self, *arguments: str, silently: bool = False) -> None:
        """Show a command and run it; silently leaves out what it says.

        Raises: typer.Exit with the command's exit code if it fails.
        """
        self._announce(self.shown(list(arguments)))
        messages.quiet = silently
        try:
            self._obey(["-w", str(self.place.root), *arguments])
        finally:
            messages.quiet = False

    def run_init(self) -> None:
        """The one command that names its folder by itself."""
        arguments = ["init", str(self.place.root)]
        self._announce(shlex.join(["sood-tui", *arguments]))
        self._obey(arguments)

    def read_json(self, *arguments: str) -> object:
        """Show a command, run it, and read what it writes."""
        self._announce(self.shown(list(arguments)))
        with redirect_stdout(io.StringIO()) as written:
            self._obey(["-w", str(self.place.root), *arguments])
        return json.loads(written.getvalue())

    @staticmethod
    def _announce(command: str) -> None:
        messages.print(Text(f"  $ {command}", style="cyan"))

    @staticmethod
    def _obey(arguments: list[str]) -> None:
        from sood_tui.cli import run

        if code := run(arguments):
            say("The demo stops here. When the reason is gone, the same command goes on.")
            raise typer.Exit(code)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the demo: what it teaches, whether it was taken already, and how it is taken."""

    sentence: str
    done: Callable[[Tour], bool]
    take: Callable[[Tour], None]


def make_workspace(tour: Tour) -> None:
    """Init, and the settings that make the demo's model the workspace's own."""
    tour.run_init()
    file = tour.workspace().settings_file
    text = file.read_text(encoding="utf-8")
    text = text.replace('# model = "ViT-B-32"', f'model = "local-dir:{tour.place.checkpoint.absolute()}"')
    text = text.replace('# template = "{}"', f'template = "{TEMPLATE}"')
    text = text.replace("# seed = 0", f"seed = {tour.seed}")
    file.write_text(text, encoding="utf-8")


def draw_pictures(tour: Tour) -> None:
    """Draw the folders of pictures."""
    from engine.demo.classes import choose_classes
    from engine.demo.folders import write_folders

    with opened(tour.workspace()) as workspace, workspace.opened().reading() as cursor:
        classes = choose_classes(cursor)
    columns = (TextColumn("drawing"), BarColumn(), MofNCompleteColumn(), TextColumn("folders"))
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task("", total=len(classes))
        count = write_folders(classes, tour.place.pictures, tour.seed, lambda done, _: bar.update(task, completed=done))
    say(f"  {count:,} pictures in {len(classes)} folders: {tour.place.pictures}")


def train_clip(tour: Tour) -> None:
    """Train the model in a job, and follow it."""
    from engine.demo.classes import choose_classes
    from sood_tui.cli.following import follow

    with opened(tour.workspace()) as workspace, workspace.opened().reading() as cursor:
        classes = choose_classes(cursor)
    job = tour.place.submit_training(classes, tour.seed, tour.steps)
    if code := follow(tour.place.root, job.id):
        raise typer.Exit(code)


def add_candidates(tour: Tour) -> None:
    """Superclasses from a list."""
    tour.place.write_seeds()
    tour.run("candidates", "seed", str(tour.place.seeds))


def score(tour: Tour) -> None:
    """Score everything, and show one superclass."""
    model = f"local-dir:{tour.place.checkpoint.absolute()}"
    tour.run("scoring", "run", "--model", model, "--template", TEMPLATE)
    tour.run("scoring", "list", SHOWN_SUPERCLASS)


def judge(tour: Tour) -> None:
    """Let the embeddings judge the candidates, and show one superclass."""
    tour.run("filters", "run", "--kind", "clip")
    tour.run("filters", "list", SHOWN_SUPERCLASS)


def decide(tour: Tour) -> None:
    """Take decisions from the scores, as the reviewer demo."""
    from engine.demo.decisions import SubclassScore, decide_by_score

    listing = tour.read_json("scoring", "list", "--json")
    assert isinstance(listing, dict)
    scores = [SubclassScore(row["superclass"], row["wnid"], row["score_mean"]) for row in listing["subclasses"]]
    signed = ("--by", REVIEWER, "--note", NOTE)
    taken = decide_by_score(scores)
    for decided in taken:
        for verb, wnids in (("accept", decided.accepted), ("reject", decided.rejected)):
            if wnids:
                tour.run("review", verb, decided.superclass, *wnids, *signed, silently=True)
    accepted, rejected = sum(len(d.accepted) for d in taken), sum(len(d.rejected) for d in taken)
    say(f"  {accepted} accepted, {rejected} rejected, {sum(len(d.pending) for d in taken)} left for you")


def split(tour: Tour) -> None:
    """Set the thresholds and show what follows from them."""
    tour.run("splits", "set", "--easy", "40", "--hard", "20")
    tour.run("splits", "show")


def export(tour: Tour) -> None:
    """Write the lists and manifests."""
    tour.run("export", "run", str(tour.place.export))


def verify(tour: Tour) -> None:
    """Check the export."""
    tour.run("export", "verify", str(tour.place.export), "--full")


def evaluate(tour: Tour) -> None:
    """Have detectors tell Easy and Hard from train; the words of one file of WordNet's, since all take longer."""
    bands = ("--id", "split:train", "--ood", "easy=split:easy", "--ood", "hard=split:hard")
    tour.run("evaluation", "run", "neglabel", "mcm", *bands, "--prompt", TEMPLATE, "--corpus", "noun.artifact")


WALK = (
    Step(
        "A workspace is one folder. WordNet 3.0 goes into its catalogue, and from then on nothing else is asked.",
        lambda tour: is_workspace(tour.place.root) and tour.funnel().noun_synsets > 0,
        make_workspace,
    ),
    Step(
        "Instead of ImageNet: 144 folders of drawings, one a wnid. Some show odd things, three files are damaged.",
        lambda tour: tour.place.pictures.is_dir(),
        draw_pictures,
    ),
    Step(
        "Instead of a CLIP from the net: a small one, trained here. Training is a job, a process of its own.",
        lambda tour: tour.place.checkpoint.is_dir(),
        train_clip,
    ),
    Step(
        "The pictures stay where they are; the catalogue learns which synset has how many.",
        lambda tour: tour.funnel().images > 0,
        lambda tour: tour.run("images", "add", str(tour.place.pictures), "--name", "demo"),
    ),
    Step(
        "A superclass is a synset; its candidates are the synsets below it that have pictures.",
        lambda tour: tour.funnel().superclasses > 0,
        add_candidates,
    ),
    Step(
        "Each picture is encoded once and compared with the name of its superclass: high similarity is typical.",
        lambda tour: tour.funnel().score_runs > 0,
        score,
    ),
    Step(
        "A filter says how often a candidate's pictures prefer its superclass to the others. It decides nothing.",
        lambda tour: tour.funnel().filter_runs > 0,
        judge,
    ),
    Step(
        "A person would look and decide, with one key each. The demo rejects the worst scored and accepts the rest.",
        lambda tour: tour.funnel().accepted > 0 and tour.funnel().pending <= tour.funnel().superclasses,
        decide,
    ),
    Step(
        "Per superclass, the least typical 20 % of the pictures are Hard, up to 40 % Easy; subclasses stay whole.",
        lambda tour: tour.funnel().splits > 0,
        split,
    ),
    Step(
        "An export holds lists, manifests and a hash of every file; the same catalogue gives the same bytes.",
        lambda tour: tour.place.export.is_dir(),
        export,
    ),
    Step(
        "Anybody can verify an export later; a changed line is found.",
        lambda _: False,
        verify,
    ),
    Step(
        "Detectors are measured on the splits: Easy is nearer to train than Hard, so harder to tell from it.",
        lambda tour: tour.funnel().evaluations > 0,
        evaluate,
    ),
)

TO_TRY: tuple[tuple[list[str], str], ...] = (
    ([], "the screens: decide on what is left in Review (F4)"),
    (["review", "list", "--pending"], "what is left to decide"),
    (["filters", "agreement"], "how far the filter and the decisions agree"),
    (["images", "issues"], "the damaged pictures"),
    (["wordnet", "tree", "dog.n.01", "--with-images"], "one superclass in the hierarchy"),
    (["splits", "set", "--superclass", "dog", "--easy", "50"], "another threshold for one superclass"),
    (["sql", "SELECT superclass, count(*) FROM similarity GROUP BY ALL"], "the catalogue by itself"),
)
