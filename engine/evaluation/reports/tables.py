"""The tables of evaluations and sweeps as a paper prints them: Markdown and LaTeX, with every convention named."""

from collections.abc import Sequence

from engine.evaluation.reports.reading import CONVENTIONS, GENERALISATION, Number, RunView
from store.evaluation.runs import SweepRow

COLUMNS = ("auroc", "fpr95_id_positive", "fpr95_ood_positive", "aupr_in", "aupr_out")
HEADINGS = ("AUROC", "FPR95 ID-positive", "FPR95 OOD-positive", "AUPR-in", "AUPR-out")
SWEEP_INTERVALS = "Intervals: 95 %, bootstrap of 200 resamples."


def markdown(view: RunView) -> str:
    """The table in Markdown, static and adaptive methods apart, with the conventions below it."""
    found = []
    for adaptive in (False, True):
        rows = [row for row in view.rows if row.is_adaptive is adaptive]
        if not rows:
            continue
        if adaptive:
            found.append("\nStream-adaptive methods in each order of the stream, not to be ranked with the others:\n")
        found.append(f"| method | set | n ID | n OOD | {' | '.join(HEADINGS)} |")
        found.append(f"|---|---|---|---|{'---|' * len(HEADINGS)}")
        for row in rows:
            part = row.part or f"{row.scope} of OOD sets"
            mark = " (generalisation)" if row.role == "generalisation" else ""
            cells = " | ".join(percent(getattr(row, column)) for column in COLUMNS)
            name = f"{row.method} ({row.stream_order})" if row.is_adaptive else row.method
            found.append(f"| {name} | {_pipe(part)}{mark} | {row.n_id} | {row.n_ood or ''} | {cells} |")
    found += accuracy_markdown(view)
    found += ["", "Numbers in percent.", *CONVENTIONS]
    if any(part.role == "generalisation" for part in view.parts):
        found.append(GENERALISATION)
    found += view.warnings
    return "\n".join(found) + "\n"


ACCURACY_NUMBERS = ("accuracy", "macro_f1", "f1", "drop")


def accuracy_rows(view: RunView) -> list[dict[str, str]]:
    """Closed-set numbers with intervals and n: a row a superclass (all first) and number, a column a set."""
    cells = {(row.class_, row.metric, row.part): row for row in view.accuracy}
    found = []
    for class_ in ("", *sorted({row.class_ for row in view.accuracy if row.class_})):
        for metric in ACCURACY_NUMBERS:
            here = {part.name: cells.get((class_, metric, part.name)) for part in view.parts}
            if any(here.values()):
                values = {
                    name: "" if row is None else f"{percent(Number(row.value, row.low, row.high))} of {row.n_id:,}"
                    for name, row in here.items()
                }
                found.append({"class": class_ or "all", "metric": metric, **values})
    return found


def accuracy_markdown(view: RunView) -> list[str]:
    """The closed-set numbers as lines of Markdown; none where no set has labels."""
    rows = accuracy_rows(view)
    if not rows:
        return []
    names = [name for name in rows[0] if any(row.get(name) for row in rows)]
    found = ["", "Closed-set numbers, in percent, with their pictures:", "", f"| {' | '.join(map(_pipe, names))} |"]
    found.append(f"|{'---|' * len(names)}")
    found += [f"| {' | '.join(_pipe(row[name]) for name in names)} |" for row in rows]
    return found


def latex(view: RunView) -> str:
    """The table in LaTeX (booktabs): n, AUROC and both FPR95 with their intervals, conventions as comments."""
    found = [f"% {sentence}" for sentence in (*CONVENTIONS, GENERALISATION + " They bear a dagger.")]
    found += [r"\begin{tabular}{llrrrrr}", r"\toprule"]
    found.append(
        r"method & set & $n_{\mathrm{ID}}$ & $n_{\mathrm{OOD}}$ & AUROC $\uparrow$ & "
        r"FPR95\textsubscript{ID+} $\downarrow$ & FPR95\textsubscript{OOD+} $\downarrow$ \\"
    )
    last = ""
    for row in view.rows:
        name = f"{row.method} ({row.stream_order})" if row.is_adaptive else row.method
        if name != last:
            found.append(r"\midrule")
        last = name
        mark = r"$^\dagger$" if row.role == "generalisation" else ""
        counts = f"{row.n_id} & {row.n_ood or ''}"
        cells = " & ".join(_tex_number(getattr(row, column)) for column in COLUMNS[:3])
        part = _tex(row.part or f"{row.scope} of OOD sets")
        found.append(rf"{_tex(name)} & {part}{mark} & {counts} & {cells} \\")
    return "\n".join([*found, r"\bottomrule", r"\end{tabular}", ""])


def _tex_number(number: Number) -> str:
    value = f"{100 * number.value:.2f}"
    if number.low is None or number.high is None:
        return value
    return rf"{value} {{\scriptsize ({100 * number.low:.1f}--{100 * number.high:.1f})}}"


def _tex(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(char, f"\\{char}" if char in "&%$#_{}" else char) for char in text)


def _pipe(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def percent(number: Number) -> str:
    """``94.21 (93.8-94.6)``, in percent."""
    value = f"{100 * number.value:.2f}"
    if number.low is None or number.high is None:
        return value
    return f"{value} ({100 * number.low:.1f}-{100 * number.high:.1f})"


def sweep_markdown(rows: Sequence[SweepRow]) -> str:
    """The settings of a sweep in Markdown, the chosen one first, then by OOD set from the best AUROC down."""
    axes = ("model", "prompt", "corpus", "percentile", "temperature", "negatives", "groups")
    shown = [axis for axis in axes if len({getattr(row, axis) for row in rows}) > 1]
    found = [
        f"| | {' | '.join(shown)} | set | n ID | n OOD | {' | '.join(HEADINGS[:3])} |",
        f"|---|{'---|' * (len(shown) + 6)}",
    ]
    for row in sorted(rows, key=lambda row: (not row.is_chosen, row.part, -row.auroc)):
        numbers = (
            Number(getattr(row, name), getattr(row, f"{name}_low"), getattr(row, f"{name}_high"))
            for name in COLUMNS[:3]
        )
        settings = (_pipe(str(getattr(row, axis))) for axis in shown)
        cells = " | ".join((*settings, _pipe(row.part), str(row.n_id), str(row.n_ood), *map(percent, numbers)))
        found.append(f"| {'chosen on the other halves' if row.is_chosen else ''} | {cells} |")
    return "\n".join([*found, "", "Numbers in percent.", *CONVENTIONS[:3], SWEEP_INTERVALS]) + "\n"
