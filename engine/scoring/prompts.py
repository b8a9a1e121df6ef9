"""What the text encoder is asked about a superclass."""

from engine.errors import EngineError

SLOT = "{}"
COMPATIBLE_TEMPLATE = "{}"
"""The reference's prompt is the bare name."""


def check_template(template: str) -> str:
    """The template itself.

    Raises: EngineError when no {} says where the name goes.
    """
    if SLOT not in template:
        raise EngineError(
            f"The prompt template {template!r} has no {SLOT}.",
            'The name of the superclass takes the place of {}, as in "a photo of a {}".',
        )
    return template


def make_prompt(template: str, superclass: str, keep_underscores: bool = False) -> str:
    """The prompt of a superclass: its name in the place of each {}, with spaces for underscores unless they are kept.

    Raises: EngineError when the template has no {}.
    """
    name = superclass if keep_underscores else superclass.replace("_", " ")
    # A plain replacement, because names may hold braces of their own.
    return name.join(check_template(template).split(SLOT))
