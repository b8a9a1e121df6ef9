"""How far the review is, in words: for the command line, Review and Home."""

from collections.abc import Sequence

from textual.content import Content

from engine.review.stopping import Estimate, Goal, Progress

BASIS_WORDS = {"census": "all", "audit": "audit", "chosen": "chosen", "none": ""}


def goal_words(goal: Goal) -> str:
    """`precision at least 95 %, at most 5 % of the good ones left`."""
    return f"precision at least {share(goal.precision)}, at most {share(goal.left)} of the good ones left"


def share(fraction: float) -> str:
    """A fraction in per cent, with a decimal only where it has one."""
    return f"{100 * fraction:.1f}".removesuffix(".0") + " %"


def interval(estimate: Estimate) -> str:
    """`96 % (93–98)`."""
    return f"{estimate.value:.0%} ({100 * estimate.low:.0f}–{100 * estimate.high:.0f})".replace("%", " %")


def precision_content(row: Progress) -> Content:
    """The precision of what is accepted, what it rests on, and whether its goal is reached."""
    if row.precision is None:
        return Content.styled("no second looks", "$foreground 60%")
    basis = {"census": "all checked", "audit": f"audit of {row.checked}", "chosen": f"{row.checked} chosen checks"}
    return Content.assemble(
        (f"{sign(row.is_precise)} {interval(row.precision)}", _colour(row.is_precise)),
        (f"  {basis.get(row.basis, '')}", "$foreground 60%"),
    )


def left_content(row: Progress) -> Content:
    """The share of good candidates that is undecided, and whether its goal is reached."""
    if row.left is None:
        return Content.styled("no calibrated filter, no audit", "$foreground 60%")
    more = f"  {row.unknown:,} not counted" if row.unknown else ""
    return Content.assemble(
        (f"{sign(row.is_complete)} {interval(row.left)}", _colour(row.is_complete)), (more, "$foreground 60%")
    )


def summary(rows: Sequence[Progress], goal: Goal) -> str:
    """How many superclasses reached the goal, in few words."""
    reached = sum(row.is_reached for row in rows)
    return f"{reached} of {len(rows)} at the goal: {share(goal.precision)} right, {share(goal.left)} left"


def sign(is_reached: bool) -> str:
    """A sign that tells it without a colour."""
    return "✓" if is_reached else "·"


def _colour(is_reached: bool) -> str:
    return "bold $text-success" if is_reached else ""
