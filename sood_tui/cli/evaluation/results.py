"""Commands that look into evaluations: compare, mistakes, hurt, export."""

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import EngineError
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.output import emit, emit_json, emit_table, say

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Run = Annotated[int, typer.Argument(help="Number of the evaluation.")]
MethodOf = Annotated[str | None, typer.Option("--method", help="Which method; without it, the run's first.")]
Ood = Annotated[str | None, typer.Option("--ood", help="Which OOD set; without it, the first.")]


@app.command("compare")
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="RUN[:METHOD]", help="An evaluation, and one of its methods.")],
    second: Annotated[str, typer.Argument(metavar="RUN[:METHOD]", help="The other.")],
    pictures: Annotated[int, typer.Option(min=0, help="So many changed pictures of each set.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Compare two evaluations with a paired bootstrap, and list the pictures that changed sides.

    Example: sood-tui evaluation compare 3:neglabel 3:mcm
    """
    from engine.evaluation.reports.comparing import compare as compare_runs

    with open_workspace(context) as workspace:
        found = compare_runs(workspace, _run_method(first), _run_method(second), shown=pictures)
    if as_json:
        emit_json(found)
        return
    rows = [
        {
            "part": one.part,
            "metric": row.metric,
            "first": f"{100 * row.first:.2f}",
            "second": f"{100 * row.second:.2f}",
            "difference": f"{100 * row.difference:+.2f} ({100 * row.low:+.2f} to {100 * row.high:+.2f})",
            "p_value": f"{row.p_value:.3f}",
        }
        for one in found
        for row in one.differences
    ]
    columns = {"part": "set", "metric": "number", "first": first, "second": second, "difference": "difference"}
    emit_table(rows, {**columns, "p_value": "p"})
    say("Numbers in percent; second less first, 95 % interval and two-sided p of a paired bootstrap.")
    for one in found:
        changed = f"{one.changed_id:,} of {one.n_id:,} ID and {one.changed_ood:,} of {one.n_ood:,} OOD pictures"
        say(f"{one.part}: {changed} changed sides.")
        for picture in one.changed:
            say(
                f"  {picture.part}  {picture.path}  {picture.first:.4f} {picture.second:.4f}  kept by {picture.kept_by}"
            )


@app.command("mistakes")
def mistakes(
    context: typer.Context,
    run: Run,
    method: MethodOf = None,
    ood: Ood = None,
    count: Annotated[int, typer.Option(min=1, help="So many, the worst first.")] = 16,
    of: Annotated[str, typer.Option(help="ood: OOD that looks like ID; id: ID that looks like OOD.")] = "ood",
    as_json: AsJson = False,
) -> None:
    """Show the pictures that a method is most wrong about, with the labels and negative labels that won.

    Example: sood-tui evaluation mistakes 3 --method neglabel --ood birds
    """
    from engine.evaluation.reports.mistakes import worst_mistakes

    if of not in ("ood", "id"):
        raise EngineError(f"--of {of} is not ood or id.")
    with open_workspace(context) as workspace:
        found = worst_mistakes(workspace, run, _method(workspace, run, method), ood, count, of)
    if as_json:
        emit_json(found)
        return
    rows = [
        {
            "id_score": one.id_score,
            "path": one.path,
            "label": one.label,
            "labels": ", ".join(f"{named.word} {named.similarity:.3f}" for named in one.labels[:3]),
            "negatives": ", ".join(f"{named.word} {named.share:.0%}" for named in one.negatives[:3]),
        }
        for one in found
    ]
    headings = {"id_score": "id_score", "path": "picture", "label": "true label", "labels": "nearest ID labels"}
    emit_table(rows, {**headings, "negatives": "negative labels, share of their mass"})


@app.command("hurt")
def hurt(
    context: typer.Context,
    run: Run,
    method: MethodOf = None,
    ood: Ood = None,
    below: Annotated[float, typer.Option(help="ID recall below which a class counts.")] = 0.8,
    as_json: AsJson = False,
) -> None:
    """List the ID classes that lose too many pictures, with the negative labels that take their mass.

    `evaluation negatives drop` takes such a word out, with a reason; a new run does without it.

    Example: sood-tui evaluation hurt 3 --method neglabel
    """
    from engine.evaluation.reports.mistakes import hurt_classes

    with open_workspace(context) as workspace:
        found = hurt_classes(workspace, run, _method(workspace, run, method, negatives=True), ood, below)
    rows = [
        {
            "label": one.label,
            "pictures": one.pictures,
            "id_recall": one.id_recall,
            "negatives": ", ".join(f"{named.word} {named.share:.1%}" for named in one.negatives),
        }
        for one in found
    ]
    if as_json:
        emit_json(found)
        return
    headings = {"label": "ID class", "pictures": "pictures", "id_recall": "recall"}
    emit(rows, {**headings, "negatives": "negative labels, mean share of all mass"}, as_json=False,
         empty=f"Every class keeps at least {below:.0%} of its pictures.")  # fmt: skip


@app.command("export")
def export(
    context: typer.Context,
    run: Run,
    folder: Annotated[Path, typer.Argument(help="Made here.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    pytorch_ood: Annotated[
        bool, typer.Option("--pytorch-ood", help="Also scores with pytorch-ood's orientation (higher = OOD).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write tables (CSV, Markdown, LaTeX), scores in OpenOOD's layout, plots and the record.

    Example: sood-tui evaluation export 3 results/run3
    """
    from engine.evaluation.reports.exporting import export as write

    with open_workspace(context) as workspace:
        found = write(workspace, run, folder, force, pytorch_ood)
    say(f"Wrote {len(found.files)} files to {found.folder}.")
    if as_json:
        emit_json(found)


def _run_method(text: str) -> tuple[int, str | None]:
    number, _, method = text.partition(":")
    if not number.isdigit():
        raise EngineError(f"{text!r} is not RUN or RUN:METHOD.", "`sood-tui evaluation list` shows the numbers.")
    return int(number), method or None


def _method(workspace: Any, run_id: int, method: str | None, negatives: bool = False) -> str:
    from engine.evaluation.methods import find_method
    from store.evaluation.runs import fetch_evaluation

    if method is not None:
        return find_method(method).name
    with workspace.opened().reading() as cursor:
        run = fetch_evaluation(cursor, run_id)
    names = [name for name in run.methods if not negatives or find_method(name).negatives]
    if not names:
        raise EngineError(f"Evaluation {run_id} has no such method.", "Run it with neglabel.")
    return names[0]
