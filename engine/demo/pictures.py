"""Pictures of made-up kinds of birds, fish, dogs ...: drawn with Pillow, the same ones for the same seed.

Each subclass has a manner of its own: hues, proportions, a texture, a count of petals or masts. The further its place
in the superclass, the further its manner from the usual one, and the more of its pictures are unusual ones (far, near,
grey, dark, turned or half hidden), so that scores have something to find. In a few subclasses most pictures show
another thing, as the folders of real data sets sometimes do.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from engine.demo.canvas import Brush, Colour, Pose, between, clip, colour
from engine.demo.classes import SUBCLASSES, DemoClass
from engine.demo.subjects import SUBJECTS, Look

Pixels = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
OVERSAMPLING = 2
BLUR = 2
SIZES = ((128, 128), (160, 120), (120, 160))
USUAL_SURPRISES, ODD_SURPRISES = 0.04, 0.24
MISLABELLED = 0.6
HUE_JITTER, SHAPE_JITTER = 0.03, 0.12
SKY_HUES = (0.55, 0.6, 0.1, 0.04, 0.75)
GROUND_HUES = (0.3, 0.24, 0.1, 0.57, 0.65)
SUBJECT_NAMES = tuple(SUBJECTS)


@dataclass(frozen=True, slots=True)
class Manner:
    """What the pictures of one subclass have in common.

    Attributes:
        hue: of the body, a turn of the colour wheel is 1.
        second_hue: of the parts.
        value: brightness of the body in [0, 1].
        stretch: see Look.
        detail: see Look.
        count: see Look.
        texture: index into TEXTURES.
    """

    hue: float
    second_hue: float
    value: float
    stretch: float
    detail: float
    count: int
    texture: int


@dataclass(frozen=True, slots=True)
class Shot:
    """How one picture was taken.

    Attributes:
        scale: size of the thing; 1 fills most of the picture.
        turn: in radians.
        brightness: 1 leaves colours as they are.
        grey: without colour.
        covers: number of blobs in front of the thing.
        noise: standard deviation of the sensor noise, of 255.
    """

    scale: float
    turn: float
    brightness: float
    grey: bool
    covers: int
    noise: float


def manner_of(subject: str, position: int) -> Manner:
    """The manner of the subclass at a position of its superclass: 0 is the usual one, SUBCLASSES - 1 the oddest."""
    place = SUBJECT_NAMES.index(subject)
    oddness = position / (SUBCLASSES - 1)
    reach = 0.25 + 0.2 * oddness
    side = 1 if position % 2 else -1
    return Manner(
        hue=place * GOLDEN_RATIO + side * 0.25 * oddness,
        second_hue=place * GOLDEN_RATIO + 0.5 + 0.5 * (position * GOLDEN_RATIO % 1),
        value=0.92 - 0.4 * (position * GOLDEN_RATIO * 3 % 1),
        stretch=0.5 + reach * (2 * (position * GOLDEN_RATIO % 1) - 1),
        detail=0.5 + reach * (2 * (position * GOLDEN_RATIO * 2 % 1) - 1),
        count=2 + (place + position) % 5,
        texture=(place + position) % len(TEXTURES),
    )


def shows_something_else(kind: DemoClass) -> bool:
    """Whether most pictures of a subclass show another superclass: the oddest one of every third superclass."""
    return kind.position == SUBCLASSES - 1 and SUBJECT_NAMES.index(kind.superclass) % 3 == 0


def draw_picture(kind: DemoClass, seed: int, number: int | str, size: tuple[int, int] | None = None) -> Image.Image:
    """One picture of a subclass.

    Args:
        kind: what it shows.
        seed: of the demo; the same arguments give the same pixels.
        number: which of the pictures of this subclass.
        size: width and height in pixels; None draws one of SIZES.
    Returns: an RGB image.
    """
    rng = random.Random(f"{seed}/{kind.wnid}/{number}")
    size = size or rng.choice(SIZES)
    subject, position = kind.superclass, kind.position
    if shows_something_else(kind) and rng.random() < MISLABELLED:
        subject, position = rng.choice(SUBJECT_NAMES), rng.randrange(SUBCLASSES)
    shot = take_shot(rng, between(USUAL_SURPRISES, ODD_SURPRISES, position / (SUBCLASSES - 1)))
    picture = draw_scene(rng, size)
    thing = draw_thing(rng, subject, manner_of(subject, position), shot, size)
    picture.paste(thing, (0, 0), thing)
    draw_covers(rng, picture, shot.covers)
    return develop(rng, picture, shot)


def take_shot(rng: random.Random, surprise: float) -> Shot:
    """A usual shot, or with the chance of a surprise one that differs from it in one way."""
    usual = {
        "scale": rng.uniform(0.8, 1.1), "turn": rng.gauss(0, 0.09), "brightness": rng.uniform(0.9, 1.08),
        "grey": False, "covers": 0, "noise": rng.uniform(1.0, 7.0),
    }  # fmt: skip
    unusual: list[dict[str, float | bool]] = [
        {"scale": rng.uniform(0.3, 0.45)}, {"scale": rng.uniform(1.6, 2.0)}, {"turn": rng.uniform(1.2, 3.6)},
        {"brightness": rng.uniform(0.3, 0.45)}, {"grey": True}, {"covers": 5}, {"noise": 40.0},
    ]  # fmt: skip
    change = rng.choice(unusual)
    return Shot(**(usual | change if rng.random() < surprise else usual))  # type: ignore[arg-type]


def draw_scene(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """A background out of focus: sky over ground with blobs; drawn small, blurred and enlarged, which is quick."""
    far, near = rng.gauss(rng.choice(SKY_HUES), 0.03), rng.gauss(rng.choice(GROUND_HUES), 0.03)
    sky = colour(far, rng.uniform(0.08, 0.4), rng.uniform(0.65, 0.98))
    ground = colour(near, rng.uniform(0.1, 0.45), rng.uniform(0.35, 0.8))
    width, height = size[0] // BLUR, size[1] // BLUR
    scene = vertical_gradient((width, height), lighten(sky, 1.15), sky)
    horizon = round(height * rng.uniform(0.5, 0.85))
    scene.paste(vertical_gradient((width, height - horizon), ground, lighten(ground, 0.75)), (0, horizon))
    draw = ImageDraw.Draw(scene)
    for _ in range(rng.randint(3, 9)):
        x, y = rng.uniform(0, width), rng.gauss(horizon, height * 0.2)
        half_width, half_height = rng.uniform(0.03, 0.16) * width, rng.uniform(0.03, 0.14) * height
        tint = colour(rng.choice((far, near, rng.random())), rng.uniform(0.1, 0.5), rng.uniform(0.3, 0.95))
        draw.ellipse((x - half_width, y - half_height, x + half_width, y + half_height), fill=tint)
    return scene.filter(ImageFilter.GaussianBlur(BLUR)).resize(size, Image.Resampling.BICUBIC)


def draw_thing(rng: random.Random, subject: str, manner: Manner, shot: Shot, size: tuple[int, int]) -> Image.Image:
    """The thing on a transparent ground, textured and lit from above: RGBA."""
    large = (size[0] * OVERSAMPLING, size[1] * OVERSAMPLING)
    pose = Pose(
        x=large[0] * rng.gauss(0.5, 0.03),
        y=large[1] * rng.gauss(0.5, 0.02),
        scale=min(large) * 0.46 * shot.scale,
        turn=shot.turn,
        mirrored=rng.random() < 0.5,
    )
    look = vary(rng, manner)
    texture = manner.texture if rng.random() > 0.15 else rng.randrange(len(TEXTURES))
    brush = Brush(large, pose)
    SUBJECTS[subject](brush, look)
    numbers = brush.numbers()
    numbers[pattern_on(numbers == brush.number_of(look.main), TEXTURES[texture], pose)] = brush.number_of(look.pattern)
    thing = Image.fromarray(brush.palette()[numbers]).resize(size, Image.Resampling.BOX)
    return light_from_above(thing, pose.y / OVERSAMPLING, pose.scale / OVERSAMPLING)


def vary(rng: random.Random, manner: Manner) -> Look:
    """One drawing in a manner: its hues and proportions move a little."""
    hue, value = rng.gauss(manner.hue, HUE_JITTER), rng.gauss(manner.value, 0.05)
    contrast = value - 0.38 if value > 0.7 else value + 0.3
    return Look(
        main=colour(hue, rng.uniform(0.65, 0.85), value),
        second=colour(rng.gauss(manner.second_hue, HUE_JITTER), rng.uniform(0.55, 0.8), 1.35 - value * 0.75),
        dark=colour(hue, 0.6, 0.28),
        pattern=colour(hue + rng.choice((-0.08, 0.0, 0.08)), rng.uniform(0.3, 0.8), contrast),
        stretch=clip(rng.gauss(manner.stretch, SHAPE_JITTER)),
        detail=clip(rng.gauss(manner.detail, SHAPE_JITTER)),
        count=manner.count,
    )


Texture = Callable[[Pixels, Pixels], Mask]


def plain(across: Pixels, down: Pixels) -> Mask:
    """No texture."""
    return np.zeros((down.shape[0], across.shape[1]), dtype=np.bool_)


def stripes(across: Pixels, down: Pixels) -> Mask:
    """Upright stripes."""
    return np.broadcast_to(across % 1 < 0.4, (down.shape[0], across.shape[1]))


def bands(across: Pixels, down: Pixels) -> Mask:
    """Level stripes."""
    return np.broadcast_to(down % 1 < 0.4, (down.shape[0], across.shape[1]))


def spots(across: Pixels, down: Pixels) -> Mask:
    """Round spots on a square lattice."""
    inside: Mask = np.less((across % 1 - 0.5) ** 2 + (down % 1 - 0.5) ** 2, 0.09)
    return inside


def checks(across: Pixels, down: Pixels) -> Mask:
    """A chessboard."""
    even: Mask = np.equal((np.floor(across) + np.floor(down)) % 2, 0)
    return even


def slants(across: Pixels, down: Pixels) -> Mask:
    """Stripes from the upper right to the lower left."""
    inside: Mask = np.less((across + down) % 1.4, 0.5)
    return inside


TEXTURES = (plain, stripes, spots, bands, checks, slants)
TEXTURES_PER_UNIT = 6.0


def pattern_on(body: Mask, texture: Texture, pose: Pose) -> Mask:
    """Where the pattern of a texture lies on a body: bool [height, width]; it moves and grows with the thing."""
    across = (np.arange(body.shape[1], dtype=np.float32)[None, :] - pose.x) / pose.scale
    down = (np.arange(body.shape[0], dtype=np.float32)[:, None] - pose.y) / pose.scale
    pattern: Mask = texture(across * TEXTURES_PER_UNIT, down * TEXTURES_PER_UNIT) & body
    return pattern


def light_from_above(thing: Image.Image, middle: float, scale: float) -> Image.Image:
    """An RGBA thing with its upper part lighter and its lower part darker; middle and scale are pixels."""
    light = np.clip(1.06 - 0.22 * (np.arange(thing.height, dtype=np.float32) - middle) / scale, 0.7, 1.25)
    pixels = np.array(thing)
    pixels[:, :, :3] = np.minimum(pixels[:, :, :3] * light[:, None, None], 255)
    return Image.fromarray(pixels)


def draw_covers(rng: random.Random, picture: Image.Image, covers: int) -> None:
    """Blobs in front of the thing."""
    draw = ImageDraw.Draw(picture)
    for _ in range(covers):
        x, y = rng.gauss(0.5, 0.2) * picture.width, rng.gauss(0.5, 0.2) * picture.height
        half = rng.uniform(0.1, 0.22) * picture.width
        tint = colour(rng.random(), rng.uniform(0.1, 0.5), rng.random())
        draw.ellipse((x - half, y - half, x + half, y + half), fill=tint)


def develop(rng: random.Random, picture: Image.Image, shot: Shot) -> Image.Image:
    """The picture with the shot's brightness and noise, in grey if it has no colour."""
    if shot.grey:
        picture = picture.convert("L").convert("RGB")
    size = (picture.height, picture.width, 1)
    noise = np.random.default_rng(rng.getrandbits(64)).standard_normal(size, dtype=np.float32)
    pixels = np.asarray(picture, dtype=np.float32) * np.float32(shot.brightness) + noise * np.float32(shot.noise)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def vertical_gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    """An RGB image that goes from one colour to the other."""
    share = np.linspace(0, 1, size[1], dtype=np.float32)[:, None]
    column = (1 - share) * np.asarray(top, dtype=np.float32) + share * np.asarray(bottom, dtype=np.float32)
    pixels = np.broadcast_to(column[:, None, :], (size[1], size[0], 3))
    return Image.fromarray(pixels.astype(np.uint8))


def lighten(tint: Colour, factor: float) -> Colour:
    """A lighter (factor above 1) or darker colour."""
    red, green, blue = (min(255, round(channel * factor)) for channel in tint)
    return red, green, blue
