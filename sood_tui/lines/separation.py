"""How the separation of a split's bands moved with its thresholds, as lines of the Splits screen."""

from textual.content import Content

from engine.evaluation.bands import BandScores, Moved
from sood_tui.plain import plain


def separation_lines(moved: Moved, wide: bool) -> Content:
    """One line a band: AUROC of train against it and the share that is kept, before and after.

    Args:
        moved: two cuts of the same scores.
        wide: room for the number of pictures and the far set.
    """
    before = {one.band: one for one in moved.before}
    narrow_head = f"{'':<7}{'AUROC: was > now':>16}"
    head = f"{'band':<7}{'pictures':>9}{'AUROC against train':>25}{'kept':>16}" if wide else narrow_head
    title = f"separation by {moved.method}, evaluation {moved.run_id}: was > now"
    lines = [
        Content.styled(plain(title if wide else f"separation by {moved.method}, #{moved.run_id}"), "bold"),
        # It stands on top: a low terminal has no room for the last line.
        Content.styled("bands have valid classes: no OOD" if wide else "bands are no OOD", "$text-warning"),
        Content.styled(head, "$foreground 60%"),
    ]
    lines += [Content(plain(_line(before.get(one.band), one, wide))) for one in moved.after]
    far = [one for one in moved.after if one.against_far is not None]
    if wide:
        lines += [Content(plain(_far_line(before.get(one.band), one))) for one in far]
    return Content("\n").join(lines)


def _line(before: BandScores | None, after: BandScores, wide: bool) -> str:
    name = after.band.replace("band_", "b")
    auroc = _pair(before.against_train if before else None, after.against_train)
    if not wide:
        return f"{name:<7}{auroc:>16}"
    return f"{name:<7}{after.images:>9,}{auroc:>25}{_pair(before.kept if before else None, after.kept):>16}"


def _far_line(before: BandScores | None, after: BandScores) -> str:
    return f"{after.band:<7} against far, AUROC {_pair(before.against_far if before else None, after.against_far)}"


def _pair(before: float | None, after: float | None) -> str:
    return f"{_percent(before)} > {_percent(after)}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
