"""The twelve things that the demo can draw, a small function each, in about -1..1 with y pointing down."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.demo.canvas import Brush, Colour, between, colour

WOOD = colour(0.08, 0.55, 0.42)
LEAF = colour(0.33, 0.65, 0.50)
BEAK = colour(0.11, 0.85, 0.95)
GLASS = colour(0.55, 0.25, 0.92)
WHITE = colour(0.0, 0.0, 0.97)
BLACK = colour(0.0, 0.0, 0.08)


@dataclass(frozen=True, slots=True)
class Look:
    """What makes one drawing of a thing differ from another.

    Attributes:
        main: colour of the body; the texture is laid on it.
        second: colour of wings, fins, sails, roofs.
        dark: colour of what lies in shadow.
        pattern: colour of the texture.
        stretch: 0 squat, 1 long.
        detail: 0 small, 1 large: ears, fins, brims, windows.
        count: 2 to 6: petals, masts, slats, rows of windows.
    """

    main: Colour
    second: Colour
    dark: Colour
    pattern: Colour
    stretch: float
    detail: float
    count: int


def draw_bird(brush: Brush, look: Look) -> None:
    """Body, head and beak in profile, a wing whose size is the detail, a tail as long as the stretch."""
    length, wing = between(0.34, 0.52, look.stretch), between(0.22, 0.46, look.detail)
    brush.line((-0.06, 0.2), (-0.1, 0.72), 0.05, look.dark)
    brush.line((0.12, 0.2), (0.1, 0.72), 0.05, look.dark)
    tail = [(-length * 0.6, -0.1), (-length - 0.42, -0.02 - wing), (-length - 0.32, 0.2), (-length * 0.5, 0.18)]
    brush.polygon(tail, look.second)
    brush.ellipse(0, 0, length, 0.3, look.main)
    brush.ellipse(length, -0.3, 0.23, 0.22, look.main)
    brush.polygon([(length + 0.18, -0.38), (length + 0.34 + wing * 0.4, -0.28), (length + 0.18, -0.2)], BEAK)
    brush.polygon([(length * 0.5, -0.14), (-length * 0.9, -0.1 - wing * 0.5), (-length * 0.5, wing * 0.6)], look.second)
    brush.ellipse(length + 0.07, -0.35, 0.055, 0.055, WHITE)
    brush.ellipse(length + 0.085, -0.35, 0.032, 0.032, BLACK)


def draw_fish(brush: Brush, look: Look) -> None:
    """A body as slim as it is long, with tail, back and belly fins."""
    length, height = between(0.48, 0.7, look.stretch), between(0.4, 0.24, look.stretch)
    fin, end = between(0.12, 0.42, look.detail), -length - 0.3
    brush.polygon([(-length * 0.7, 0), (end, -0.12 - fin), (end + 0.14, 0), (end, 0.12 + fin)], look.second)
    brush.polygon([(-length * 0.5, -height * 0.6), (-0.1, -height - fin), (length * 0.5, -height * 0.6)], look.second)
    brush.polygon([(-0.15, height * 0.7), (-0.22, height + fin * 0.7), (0.15, height * 0.7)], look.second)
    brush.ellipse(0, 0, length, height, look.main)
    brush.polygon([(0.05, 0), (-0.2, fin * 0.6), (-0.16, -fin * 0.2)], look.second)
    brush.ellipse(length * 0.68, -height * 0.25, 0.085, 0.085, WHITE)
    brush.ellipse(length * 0.7, -height * 0.25, 0.048, 0.048, BLACK)


def draw_dog(brush: Brush, look: Look) -> None:
    """Standing in profile: legs and back as the stretch says, ears and tail as the detail says."""
    back, leg = between(0.36, 0.56, look.stretch), between(0.48, 0.28, look.stretch)
    ear = between(0.14, 0.36, look.detail)
    brush.line((-back, -0.1), (-back - 0.22, -0.2 - ear), 0.09, look.main)
    for x in (-back + 0.08, -back + 0.26, back - 0.26, back - 0.08):
        brush.line((x, 0.15), (x, 0.24 + leg), 0.12, look.main)
    brush.ellipse(0, 0.05, back + 0.06, 0.26, look.main)
    brush.line((back - 0.12, 0.0), (back + 0.1, -0.35), 0.24, look.main)
    brush.ellipse(back + 0.14, -0.38, 0.23, 0.2, look.main)
    brush.ellipse(back + 0.34, -0.32, 0.17, 0.1, look.main)
    brush.ellipse(back + 0.48, -0.36, 0.05, 0.045, BLACK)
    brush.ellipse(back + 0.02, -0.38 + ear * 0.5, 0.09, ear, look.second)
    brush.ellipse(back + 0.22, -0.44, 0.04, 0.04, BLACK)


def draw_tree(brush: Brush, look: Look) -> None:
    """A conifer of stacked triangles when the count is odd, else a crown of round clouds."""
    width, trunk = between(0.5, 0.34, look.stretch), between(0.06, 0.13, look.detail)
    brush.box(-trunk, 0.1, trunk, 0.85, WOOD)
    if look.count % 2:
        for level in range(3):
            top, half = -0.85 + 0.36 * level, width * (0.6 + 0.25 * level)
            brush.polygon([(0, top), (half, top + 0.62), (-half, top + 0.62)], look.second if level == 1 else look.main)
        return
    for leaf in range(look.count + 3):
        angle = leaf * 2.4
        tint = look.second if leaf % 3 == 1 else look.main
        brush.ellipse(math.cos(angle) * width * 0.6, -0.28 + math.sin(angle) * 0.3, width * 0.62, 0.34, tint)
    brush.ellipse(0, -0.3, width * 0.7, 0.4, look.main)


def draw_flower(brush: Brush, look: Look) -> None:
    """Petals around a heart on a stem with two leaves."""
    petals, petal, reach = look.count + 3, between(0.15, 0.24, look.detail), between(0.24, 0.38, look.stretch)
    brush.line((0, -0.1), (0.04, 0.9), 0.06, LEAF)
    brush.polygon([(0.02, 0.6), (0.4, 0.34), (0.3, 0.62)], LEAF)
    brush.polygon([(0.02, 0.75), (-0.36, 0.46), (-0.26, 0.78)], LEAF)
    for number in range(petals):
        angle = number * 2 * math.pi / petals
        brush.ellipse(math.cos(angle) * reach, -0.3 + math.sin(angle) * reach, petal, petal, look.main)
    brush.ellipse(0, -0.3, reach * 0.62, reach * 0.62, look.second)


def draw_car(brush: Brush, look: Look) -> None:
    """From the side: a body, a cabin with windows, two wheels."""
    length, wheel = between(0.66, 0.9, look.stretch), between(0.24, 0.17, look.stretch)
    cabin, top = between(0.6, 0.42, look.stretch), 0.05 - between(0.3, 0.52, look.detail)
    brush.polygon([(-cabin - 0.1, 0.05), (-cabin + 0.1, top), (cabin - 0.2, top), (cabin + 0.1, 0.05)], look.main)
    brush.polygon([(-cabin, 0.03), (-cabin + 0.14, top + 0.05), (-0.06, top + 0.05), (-0.06, 0.03)], GLASS)
    brush.polygon([(0.02, 0.03), (0.02, top + 0.05), (cabin - 0.23, top + 0.05), (cabin, 0.03)], GLASS)
    brush.polygon([(-length, 0.06), (length * 0.9, 0.02), (length, 0.2), (length, 0.42), (-length, 0.42)], look.main)
    brush.box(-length, 0.32, length, 0.42, look.second)
    brush.ellipse(length - 0.06, 0.2, 0.06, 0.06, BEAK)
    for x in (-length * 0.58, length * 0.58):
        brush.ellipse(x, 0.42, wheel, wheel, BLACK)
        brush.ellipse(x, 0.42, wheel * 0.5, wheel * 0.5, look.second)


def draw_boat(brush: Brush, look: Look) -> None:
    """A hull with one to three masts, or a cabin and funnel where the detail is small."""
    length = between(0.6, 0.92, look.stretch)
    if look.detail < 0.3:
        brush.box(-length * 0.5, -0.05, length * 0.35, 0.28, WHITE)
        brush.box(-length * 0.2, -0.42, length * 0.02, -0.05, look.second)
    else:
        masts = 1 + look.count % 3
        for mast in range(masts):
            x, height = length * (2 * (mast + 1) / (masts + 1) - 1), between(0.5, 0.9, look.detail)
            brush.line((x, 0.28), (x, -height), 0.045, WOOD)
            brush.polygon([(x + 0.04, -height), (x + 0.04 + 0.62 / masts, 0.14), (x + 0.04, 0.14)], look.second)
            brush.polygon([(x - 0.04, -height * 0.8), (x - 0.04 - 0.4 / masts, 0.14), (x - 0.04, 0.14)], WHITE)
    brush.polygon([(-length, 0.24), (length, 0.2), (length * 0.76, 0.62), (-length * 0.8, 0.62)], look.main)


def draw_hat(brush: Brush, look: Look) -> None:
    """A brim, and a crown that is round when the count is odd and flat otherwise."""
    brim, crown = between(0.6, 0.95, look.detail), between(0.3, 0.85, look.stretch)
    brush.ellipse(0, 0.36, brim, 0.16, look.main)
    if look.count % 2:
        brush.arch(0, 0.38, 0.48, crown, look.main)
    else:
        brush.polygon([(-0.48, 0.38), (-0.4, 0.38 - crown), (0.4, 0.38 - crown), (0.48, 0.38)], look.main)
        brush.ellipse(0, 0.38 - crown, 0.4, 0.07, look.dark)
    brush.polygon([(-0.48, 0.38), (-0.46, 0.22), (0.46, 0.22), (0.48, 0.38)], look.second)


def draw_bottle(brush: Brush, look: Look) -> None:
    """Body, shoulders, neck, cap and a label."""
    half, neck = between(0.34, 0.22, look.stretch), between(0.16, 0.42, look.stretch)
    top = -0.3 - neck
    brush.box(-half, -0.12, half, 0.88, look.main)
    brush.arch(0, -0.12, half, 0.26, look.main)
    brush.box(-0.11, top, 0.11, -0.2, look.main)
    brush.box(-0.13, top - 0.1, 0.13, top, look.second)
    label = between(0.14, 0.38, look.detail)
    brush.box(-half, 0.32 - label / 2, half, 0.32 + label, look.second)
    brush.box(-half * 0.72, -0.02, -half * 0.52, 0.8, WHITE)


def draw_fruit(brush: Brush, look: Look) -> None:
    """One round fruit with a leaf, or a bunch of berries from a count of five on."""
    brush.line((0, -0.3), (0.06, -0.8), 0.06, WOOD)
    brush.ellipse(0.24, -0.68, between(0.14, 0.3, look.detail), 0.1, LEAF)
    if look.count >= 5:
        for row in range(4):
            for place in range(4 - row):
                x = (place - (3 - row) / 2) * 0.34
                brush.ellipse(x, -0.32 + row * 0.3, 0.2, 0.2, look.second if (row + place) % 2 else look.main)
        return
    brush.ellipse(0, 0.1, between(0.62, 0.42, look.stretch), between(0.48, 0.68, look.stretch), look.main)
    brush.ellipse(0, -0.36, 0.14, 0.05, look.dark)
    brush.ellipse(-0.2, -0.1, 0.08, 0.13, WHITE)


def draw_chair(brush: Brush, look: Look) -> None:
    """Four legs, a seat, a back of slats, arms where the detail is large."""
    half, back = between(0.42, 0.56, look.detail), between(0.5, 0.95, look.stretch)
    for x in (-half + 0.05, -half * 0.45, half * 0.45, half - 0.05):
        brush.line((x, 0.2), (x * 1.12, 0.85), 0.08, look.dark)
    brush.box(-half, 0.08, half, 0.26, look.main)
    for slat in range(look.count):
        x = between(-half + 0.06, half - 0.06, slat / (look.count - 1))
        brush.box(x - 0.05, 0.1 - back, x + 0.05, 0.1, look.second)
    brush.box(-half, 0.1 - back, half, 0.26 - back, look.main)
    if look.detail > 0.55:
        brush.line((-half, -0.2), (-half - 0.16, 0.12), 0.1, look.main)
        brush.line((half, -0.2), (half + 0.16, 0.12), 0.1, look.main)


def draw_building(brush: Brush, look: Look) -> None:
    """Walls with rows of windows and a door; the taller, the flatter its roof."""
    half, height = between(0.66, 0.36, look.stretch), between(0.35, 0.75, look.stretch)
    brush.box(-half, -height, half, 0.8, look.main)
    ridge, peak = half * look.detail, -height - between(0.5, 0.12, look.stretch)
    brush.polygon([(-half - 0.1, -height), (-ridge, peak), (ridge, peak), (half + 0.1, -height)], look.second)
    rows, columns = look.count, 2 + look.count % 3
    for row in range(rows):
        for column in range(columns):
            x, y = between(-half, half, (column + 0.5) / columns), between(-height, 0.45, (row + 0.5) / rows)
            brush.box(x - 0.07, y - 0.06, x + 0.07, y + 0.06, GLASS if (row + column) % 3 else BEAK)
    brush.box(-0.1, 0.5, 0.1, 0.8, look.dark)


SUBJECTS: dict[str, Callable[[Brush, Look], None]] = {
    "bird": draw_bird,
    "fish": draw_fish,
    "dog": draw_dog,
    "tree": draw_tree,
    "flower": draw_flower,
    "car": draw_car,
    "boat": draw_boat,
    "hat": draw_hat,
    "bottle": draw_bottle,
    "fruit": draw_fruit,
    "chair": draw_chair,
    "building": draw_building,
}
