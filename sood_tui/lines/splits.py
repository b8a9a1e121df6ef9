"""Splits in lines: every superclass, two splits beside each other, and what a cut owes to its choices."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size

from engine.splits.compare import SplitComparison
from engine.splits.preview import Preview
from engine.splits.sensitivity import SHAKY, GridPoint, Sensitivity
from engine.splits.show import BandCount, SuperclassCut
from sood_tui.plain import count, plain, some
from sood_tui.widgets.lines import Tone, Words

TONES: dict[str, Tone] = {"hard": "bad", "easy": "warn", "train": "good"}
NAMED = 6
"""Subclasses that a preview names before it counts."""
FAR, NEAR = 0.15, 0.05
"""A realised share that is so far from the wanted one is marked, and marked strongly."""


@dataclass(frozen=True, slots=True)
class View:
    """What a view shows: a line above that stays, lines, and the superclass that each line leads to, if any."""

    title: str
    caption: str
    head: str
    lines: tuple[Words, ...]
    leads_to: tuple[str | None, ...] = ()


def superclass_view(cuts: Sequence[SuperclassCut], whole: SuperclassCut, wide: bool) -> View:
    """Wanted and realised shares of every superclass, empty lists and own thresholds marked.

    Args:
        cuts: of the superclasses.
        whole: all together.
        wide: whether counts have room.
    """
    bands = [band.split for band in reversed(whole.bands)]
    counts = f"{'pictures':>9}{'subs':>6}" if wide else ""
    head = f"{'superclass':<22}{counts}" + "".join(f"{name:>15} " for name in bands)
    lines = [_superclass_line(cut, wide) for cut in (whole, *cuts)]
    leads = (None, *(cut.superclass for cut in cuts))
    empty = sum(cut.is_degenerate for cut in cuts)
    caption = f"{empty} with an empty list · * own thresholds · enter goes there" if empty else "enter goes there"
    return View(f"{len(cuts)} superclasses", caption, head, tuple(lines), leads)


def _superclass_line(cut: SuperclassCut, wide: bool) -> Words:
    name = cut.superclass.replace("_", " ") if cut.superclass else "all together"
    mark = "*" if cut.is_override else " "
    words: list[tuple[str, Tone]] = [
        (set_cell_size(plain(name), 20) + mark + " ", "bold" if cut.superclass is None else "plain"),
        (f"{count(cut.pictures):>9}{cut.subclasses:>6}" if wide else "", "muted"),
    ]
    return [*words, *(_share(band) for band in reversed(cut.bands))]


def _share(band: BandCount) -> tuple[str, Tone]:
    away = abs(band.share - band.wanted_share)
    sign = "!" if band.subclasses == 0 else "~" if away >= FAR else " "
    tone: Tone = "bad" if band.subclasses == 0 else "warn" if away >= FAR else "plain" if away >= NEAR else "good"
    return f"{band.share:>8.1%} of {band.wanted_share:>3.0%}{sign}", tone


def comparison_view(found: SplitComparison) -> View:
    """Lists with what they share, then every subclass that moved."""
    head = f"{'':<4}{'subclass':<24}{'superclass':<18}{'from':>8}{'to':>8}{'pictures':>10}{'mean':>16}"
    lines: list[Words] = []
    for row in found.lists:
        if not row.superclass:
            shared = "unknown" if row.jaccard_subclasses is None else f"{row.jaccard_subclasses:.2f}"
            pictures = "unknown" if row.jaccard_pictures is None else f"{row.jaccard_pictures:.2f}"
            told = (
                f" subclasses {row.subclasses_before} and {row.subclasses_after}, Jaccard {shared} · pictures "
                f"{count(row.pictures_before)} and {count(row.pictures_after)}, Jaccard {pictures}"
            )
            lines.append([(f"{row.split:<8}", TONES.get(row.split, "warn")), (told, "plain")])
    lines.append([("", "plain")])
    leads: list[str | None] = [None] * len(lines)
    for moved in found.moved:
        means = "" if moved.mean_before is None or moved.mean_after is None else (
            f"{moved.mean_before:>8.3f}{moved.mean_after:>8.3f}"
        )  # fmt: skip
        lines.append(
            [
                ("    " + set_cell_size(plain(moved.lemma.replace("_", " ")), 23) + " ", "plain"),
                (set_cell_size(plain(moved.superclass), 17) + " ", "muted"),
                (f"{moved.before or 'none':>8}", TONES.get(moved.before or "", "muted")),
                (f"{moved.after or 'none':>8}", TONES.get(moved.after or "", "muted")),
                (f"{count(moved.pictures):>10}{means:>16}", "plain"),
            ]
        )
        leads.append(moved.superclass)
    title = f"{found.before} beside {found.after}"
    return View(title, f"{len(found.moved)} moved, {found.same} stayed", head, tuple(lines), tuple(leads))


def sensitivity_view(found: Sensitivity) -> View:
    """The grid of percentiles by its Jaccard, other prompts and models, and the subclasses that chance moves."""
    lines: list[Words] = [[("Training subclasses that stay, by percentiles (Jaccard with this cut)", "bold")]]
    lines += _grid(found.grid, found.base)
    lines += [[("", "plain")], [("Other prompts and models", "bold")]]
    if not found.runs:
        lines.append([("none was scored; `sood-tui scoring run --template` or `--model` scores one", "muted")])
    for run in found.runs:
        kept = "unknown" if run.jaccard_train is None else f"{run.jaccard_train:.2f}"
        rho = "unknown" if run.spearman is None else f"{run.spearman:+.2f}"
        told = f"  {run.kind} {plain(run.template if run.kind == 'template' else run.model)}"
        rest = f"  Jaccard {kept}, {run.moved_subclasses} moved, rank correlation {rho}"
        lines.append([(told, "plain"), (rest, "muted")])
    lines += [[("", "plain")], [(f"Pictures drawn again {found.draws} times", "bold")]]
    leads: list[str | None] = [None] * len(lines)
    for row in found.stability:
        if row.stays >= SHAKY:
            break
        shares = ", ".join(f"{name} {share:.0%}" for name, share in row.shares.items() if share)
        lines.append(
            [
                ("  " + set_cell_size(plain(row.lemma.replace("_", " ")), 22), "plain"),
                (set_cell_size(plain(row.superclass), 16), "muted"),
                (f"{row.split:<7}", TONES.get(row.split, "warn")),
                (f"stays {row.stays:>4.0%}: {shares}", "warn"),
            ]
        )
        leads.append(row.superclass)
    stays = "" if found.mean_stays is None else f"a subclass stays in {found.mean_stays:.1%} of the draws"
    caption = f"{stays} · {found.shaky} stay in fewer than {SHAKY:.0%}"
    return View(f"What the cut {found.split} owes to its choices", caption, "", tuple(lines), tuple(leads))


def _grid(points: Sequence[GridPoint], base: Sequence[float]) -> list[Words]:
    """A row a Hard percentile, a column an Easy one; the digit is Jaccard, and shading tells it apart from afar."""
    highs = sorted({point.percentiles[1] for point in points})
    by_pair = {point.percentiles: point for point in points}
    lines: list[Words] = [[(f"{'Hard  Easy':>12}" + "".join(f"{high:>9g}" for high in highs), "muted")]]
    for low in sorted({point.percentiles[0] for point in points}):
        words: list[tuple[str, Tone]] = [(f"{low:>12g}", "muted")]
        for high in highs:
            point = by_pair.get((low, high))
            if point is None or point.jaccard_train is None:
                words.append((f"{'·':>9}", "muted"))
                continue
            mark = "*" if (low, high) == tuple(base) else "!" if point.superclasses_with_empty_band else " "
            tone: Tone = "good" if point.jaccard_train >= 0.9 else "warn" if point.jaccard_train >= 0.75 else "bad"
            words.append((f"{point.jaccard_train:>8.2f}{mark}", tone))
        lines.append(words)
    lines.append([("* the cut as it is · ! a superclass has an empty list", "muted")])
    return lines


def preview_text(found: Preview) -> str:
    """What changed settings would do: subclasses in and out, pictures of each list, and how many change lists."""
    lemmas = {(row.superclass, row.wnid): row.lemma.replace("_", " ") for row in found.cut.moved}
    lines = []
    for word, rows in (("out", found.taken_out), ("back", found.brought_back)):
        if rows:
            named = [f"{lemmas.get((row.superclass, row.wnid), row.wnid)} ({row.superclass})" for row in rows[:NAMED]]
            names = plain(", ".join(named))
            more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
            lines.append(f"{some(len(rows), 'subclass', 'subclasses')} {word}: {names}{more}")
    changed = [row for row in found.cut.moved if row.before and row.after]
    if changed:
        lines.append(f"{some(len(changed), 'subclass', 'subclasses')} in another list")
    for rule in found.pictures:
        lines.append(f"{rule.rule}: {count(rule.after)} pictures of {rule.split} left out, now {count(rule.before)}")
    for name, after in reversed(found.pictures_after.items()):
        before = found.pictures_before.get(name, 0)
        lines.append(f"{name}: {count(after)} pictures" + (f", now {count(before)}" if after != before else ", as now"))
    return "\n".join(lines)
