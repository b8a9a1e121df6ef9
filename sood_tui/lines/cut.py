"""A cut in lines: the subclasses of a superclass, and what each band was to hold and holds."""

from rich.cells import set_cell_size
from textual.content import Content

from engine.splits.show import BandCount, SubclassCut, degenerate_cases
from sood_tui.benches.thresholds import ThresholdBench
from sood_tui.plain import count, plain
from sood_tui.widgets.lines import Tone, Words

SPREAD_FROM = 58  # columns of the table from which the spread of a subclass has room
BAND_TONES: dict[str, Tone] = {"hard": "bad", "easy": "warn", "train": "good"}


def head_line(width: int) -> str:
    """What stands over the columns of subclasses."""
    spread = f"{'spread':>8}" if width >= SPREAD_FROM else ""
    return f"   {'subclass':<{_room(width)}}{'mean':>7}{spread}{'pictures':>9}{'out':>5}{'margin':>8}"


def subclass_line(row: SubclassCut, width: int) -> Words:
    """A subclass with its band, scores and pictures, in so many columns."""
    name = set_cell_size(plain(row.lemma.replace("_", " ")), _room(width) - 1) + " "
    tone: Tone = BAND_TONES.get(row.split, "warn")
    known = "" if row.standard_deviation is None else f"{row.standard_deviation:.3f}"
    spread = f"{known:>8}" if width >= SPREAD_FROM else ""
    letter = row.split[0].upper() if row.split in BAND_TONES else row.split.removeprefix("band_")
    return [
        (f" {letter} ", tone),
        (name, tone),
        (f"{row.mean:>7.3f}{spread}{row.pictures:>9,}{row.outliers:>5,}", "plain"),
        (f"{row.margin:>+8.3f}", "muted"),
    ]


def count_lines(bench: ThresholdBench, wide: bool) -> Content:
    """Wanted and realised shares of the superclass and of all, what is empty, and how crowded the bands are.

    Args:
        bench: the split under the fingers.
        wide: room for percent with a decimal.
    """
    mine, whole = bench.cuts()
    head = f"{'':<8}{'wanted':>7}{'real':>7}{'pictures':>10}{'subclasses':>12}"
    lines = [Content.styled(head if wide else " band  want  real   pics sub", "$foreground 60%")]
    for cut, name in ((mine, mine.superclass or ""), (whole, "all superclasses")):
        lines.append(Content.styled(plain(name), "bold"))
        lines += [_count_line(band, wide) for band in cut.bands]
    for case in degenerate_cases(bench.prepared, bench.tuned):
        if case.superclass == bench.superclass:
            remedy = " A remedy is used." if case.is_remedied else ""
            told = f"! no {' and no '.join(case.empty)}: {plain(case.reason)}{remedy}"
            lines.append(Content.styled(told, "$text-warning"))
    crowded, warnings = bench.label_lines()
    lines += [Content(plain(line)) for line in crowded]
    lines += [Content.styled(plain(f"! {warning}"), "$text-warning") for warning in warnings]
    return Content("\n").join(lines)


def _room(width: int) -> int:
    return max(width - (41 if width >= SPREAD_FROM else 33), 8)


def _count_line(band: BandCount, wide: bool) -> Content:
    tone = {"hard": "$text-error", "easy": "$text-warning", "train": "$text-success"}.get(band.split, "$text-warning")
    if wide:
        numbers = f"{band.wanted_share:>7.1%}{band.share:>7.1%}{band.pictures:>10,}{band.subclasses:>12,}"
        return Content.assemble((f"  {band.split:<6}", tone), numbers)
    numbers = f"{band.wanted_share:>5.0%}{band.share:>6.1%}{count(band.pictures):>7}{band.subclasses:>4,}"
    return Content.assemble((f" {band.split.replace('band_', 'b'):<5}", tone), numbers)
