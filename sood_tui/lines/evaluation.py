"""Evaluations in words: the lines of the table, what a line says, and what a mistake looks like."""

from collections.abc import Sequence

from rich.cells import set_cell_size

from engine.evaluation.reports.mistakes import Mistake, Named
from engine.evaluation.reports.reading import Number
from sood_tui.benches.evaluation import RunLine
from sood_tui.plain import fitting, plain
from sood_tui.widgets.lines import Tone, Words

WIDE = 100
"""From so many columns on the table has room for intervals."""


def sentence(line: RunLine) -> str:
    """A line of the table with its conventions named."""
    return (
        f"#{line.run_id} {line.label} on {line.part}: AUROC {_percent(line.auroc)}, FPR95 ID-positive "
        f"{_percent(line.fpr95_id_positive)}, OOD-positive {_percent(line.fpr95_ood_positive)}; "
        f"{line.n_id:,} ID, {line.n_ood:,} {'OOD' if line.role == 'ood' else 'of the band'}"
    )


def mistake_lines(mistake: Mistake, width: int) -> tuple[str, str]:
    """A mistake in two lines: the picture with its top ID labels, then the negative labels that won.

    Args:
        mistake: what to tell.
        width: columns of a line; labels that find no room are left out.
    """
    name = plain(mistake.path.rpartition("/")[2])
    first = _with_shares(f"{mistake.id_score:.4f} {name}:", mistake.labels, width)
    return first, _with_shares("       against", mistake.negatives, width) if mistake.negatives else ""


def _with_shares(head: str, named: Sequence[Named], width: int) -> str:
    first, *more = [f"{plain(one.word)} {100 * one.share:.0f} %" for one in named[:3]]
    return fitting([f"{head} {first}", *more], width)


def _percent(number: Number) -> str:
    if number.low is None or number.high is None:
        return f"{100 * number.value:.2f}"
    return f"{100 * number.value:.2f} ({100 * number.low:.1f}-{100 * number.high:.1f})"


def table_head(width: int) -> str:
    """The two lines over the table; FPR95 says who is positive."""
    cell = _cell(width)
    first = f"    # {'method':<{_room(width)}}{'set':<10}{'AUROC':>{cell}}{'FPR95':>{cell}}{'FPR95':>{cell}}"
    return f"{first}\n{'':<{6 + _room(width) + 10}}{'':>{cell}}{'ID+':>{cell}}{'OOD+':>{cell}}"


def _cell(width: int) -> int:
    return 20 if width >= WIDE else 7


def _room(width: int) -> int:
    return max(width - 17 - 3 * _cell(width), 8)


def table_row(line: RunLine, width: int, marked: bool) -> Words:
    """One line of the table: » marked to be compared, ~ adaptive, b a band."""
    tone: Tone = "muted" if line.is_adaptive else "plain"
    sign = "»" if marked else "~" if line.is_adaptive else "b" if line.role == "generalisation" else " "
    numbers = (line.auroc, line.fpr95_id_positive, line.fpr95_ood_positive)
    texts = [_percent(number) if width >= WIDE else f"{100 * number.value:.2f}" for number in numbers]
    return [
        (f"{sign}{line.run_id:>4} ", "accent" if marked else "muted"),
        (set_cell_size(plain(line.label), _room(width) - 1) + " ", tone),
        (set_cell_size(plain(line.part), 9) + " ", tone),
        ("".join(f"{text:>{_cell(width)}}" for text in texts), tone),
    ]
