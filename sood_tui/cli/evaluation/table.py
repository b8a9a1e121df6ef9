"""The table of an evaluation in a terminal: fractions as percent, intervals beside them, conventions named."""

from collections.abc import Sequence
from typing import Any

from engine.evaluation.reports.reading import CONVENTIONS, GENERALISATION, Number, RunView
from engine.evaluation.reports.tables import percent
from sood_tui.cli.output import emit_table, say

RUN_COLUMNS = {
    "run_id": "run",
    "kind": "kind",
    "created_at": "submitted",
    "title": "what",
    "model": "model",
    "reviewer": "by",
    "seconds": "seconds",
    "job_id": "job",
}
SWEEP_AXES = ("model", "prompt", "corpus", "percentile")
SWEEP_COLUMNS = {
    "temperature": "temperature",
    "negatives": "negatives",
    "groups": "groups",
    "part": "set",
    "auroc": "AUROC",
    "fpr95_id_positive": "FPR95 ID-positive",
    "fpr95_ood_positive": "FPR95 OOD-positive",
}
MORE = {
    "fpr95_id_positive_nearest": "FPR95 ID-positive, NegLabel's code",
    "fpr95_ood_positive_thinned": "FPR95 OOD-positive, OpenOOD's code",
    "aupr_in_trapezoid": "AUPR-in trapezoid",
    "aupr_out_trapezoid": "AUPR-out trapezoid",
}


def run_rows(view: RunView) -> list[dict[str, Any]]:
    """The rows of the table with numbers as text."""
    found = []
    for row in view.rows:
        mark = " (generalisation)" if row.role == "generalisation" else ""
        found.append(
            {
                "method": row.method,
                "is_adaptive": row.is_adaptive,
                "order": row.stream_order,
                "part": row.part + mark if row.scope == "set" else f"{row.scope} of OOD sets",
                "n_id": row.n_id,
                "n_ood": row.n_ood or "",
                "auroc": percent(row.auroc),
                "fpr95_id_positive": percent(row.fpr95_id_positive),
                "fpr95_ood_positive": percent(row.fpr95_ood_positive),
                "aupr_in": percent(row.aupr_in),
                "aupr_out": percent(row.aupr_out),
                **{name: percent(Number(row.more[name])) if name in row.more else "" for name in MORE},
            }
        )
    return found


def table_columns(every: bool, adaptive: bool) -> dict[str, str]:
    """Keys and headings of the table."""
    order = {"order": "order"} if adaptive else {}
    return {
        "method": "method",
        **order,
        "part": "set",
        "n_id": "n ID",
        "n_ood": "n OOD",
        "auroc": "AUROC",
        "fpr95_id_positive": "FPR95 ID-positive",
        "fpr95_ood_positive": "FPR95 OOD-positive",
        "aupr_in": "AUPR-in",
        "aupr_out": "AUPR-out",
        **(MORE if every else {}),
    }


def say_run(view: RunView) -> None:
    """What was run, on standard error."""
    run = view.run
    model = run.model or "embeddings from files"
    say(f"Evaluation {run.run_id}: {run.title}, {model}, {run.seconds:.1f} s, {run.job_id}")
    are_kept = view.record.get("request", {}).get("relatives") == "report"
    for part in view.parts:
        notes = [f"{part.images:,} pictures", part.source, f"sha256 {part.sha256[:12]}"]
        if part.unreadable:
            notes.append(f"{part.unreadable} unreadable")
        if part.relatives:
            what = "of them of kin of ID synsets" if are_kept else "further ones of kin of ID synsets left out"
            notes.append(f"{part.relatives:,} {what}")
        if part.note:
            notes.append(part.note)
        say(f"  {part.role:<15} {part.name}: {', '.join(notes)}")
    for recipe, name in view.negatives.items():
        count = view.record.get("texts", {}).get(recipe, {}).get("negatives", 0)
        say(f"  negative labels ({recipe}): {name}, {count:,} words")
    for metric in view.accuracy:
        value = percent(Number(metric.value, metric.low, metric.high))
        say(f"  closed-set accuracy on {metric.part}: {value} % of {metric.n_id:,}")
    calibrated = {(row.method, row.stream_order, row.part, row.metric): row for row in view.calibration}
    for method, order, name in dict.fromkeys(key[:3] for key in calibrated):
        found = {
            key: calibrated[method, order, name, key]
            for key in ("threshold", "kept_of_calibration", "id_recall", "accepted")
        }
        aim, kept, accepted = (
            percent(Number(one.value, one.low, one.high)) for key, one in found.items() if key != "threshold"
        )
        threshold = found["threshold"]
        say(
            f"  {method}{f' ({order})' if order else ''}, calibrated on {threshold.n_id:,} ID pictures, of which it "
            f"keeps {aim} %: threshold {threshold.value:.6g} achieves a TPR of {kept} % on the others and accepts "
            f"{accepted} % of {name}"
        )
    for warning in view.warnings:
        say(f"  ! {warning}")


def say_conventions(view: RunView) -> None:
    """How the numbers are to be read."""
    say("Numbers in percent.")
    for sentence in CONVENTIONS:
        say(sentence)
    if any(part.role == "generalisation" for part in view.parts):
        say(GENERALISATION)


def emit_sweep(rows: Sequence[Any]) -> None:
    """The rows of a sweep, the best setting first; an axis with one value has no column."""

    def text(row: Any, name: str) -> str:
        value, low, high = (100 * getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
        return f"{value:.2f} ({low:.1f}-{high:.1f})"

    axes = [axis for axis in SWEEP_AXES if len({getattr(row, axis) for row in rows}) > 1]
    shown = [
        {
            **{key: getattr(row, key) for key in (*axes, "temperature", "negatives", "groups", "part")},
            "chosen": "on the other half" if row.is_chosen else "",
            **{name: text(row, name) for name in ("auroc", "fpr95_id_positive", "fpr95_ood_positive")},
        }
        for row in rows
    ]
    same = [f"{axis} {getattr(rows[0], axis)}" for axis in SWEEP_AXES if axis not in axes and getattr(rows[0], axis)]
    if same:
        say(f"Every setting: {', '.join(same)}.")
    columns = {axis: axis for axis in axes} | SWEEP_COLUMNS
    emit_table(shown, {"chosen": "best"} | columns)
    say("Numbers in percent with 95 % intervals. The best setting was chosen on one half of every set.")
