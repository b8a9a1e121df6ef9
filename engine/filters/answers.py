"""From the first answer token's logits, or from the answer's text, to a verdict."""

from dataclasses import dataclass
from typing import Any, Literal

from array_api_compat import array_namespace

Outcome = Literal["accept", "reject", "unparsed", "insufficient", "error"]

LEAST_MASS = 0.5
ACCEPT_FROM = 0.5
QUESTION = "Do all {n} pictures in this grid show {article} {name} ({gloss})? Answer yes or no."
QUESTION_OF_ONE = "Does this picture show {article} {name} ({gloss})? Answer yes or no."
QUESTION_OF_THE_PAPER = "Does all the {n} images contain {name}? y/n"


@dataclass(frozen=True, slots=True)
class YesNo:
    """What the logits of the first answer token say.

    Attributes:
        margin: logsumexp over the yes tokens minus logsumexp over the no tokens; natural logarithm.
        p_yes: sigmoid of the margin, in [0, 1].
        mass: probability of all yes and no tokens together, in [0, 1]; low where the model did not answer.
        answer: the likeliest first token as text; empty where only numbers are known.
    """

    margin: Any
    p_yes: Any
    mass: Any
    answer: Any = ""


def yes_no(logits: Any, yes: Any, no: Any) -> YesNo:
    """Read yes and no from logits.

    Args:
        logits: float [n, vocabulary] of the first answer token, NumPy or torch.
        yes, no: integers, the token ids that mean yes and no, on the same device.

    Returns: arrays [n].
    """
    xp = array_namespace(logits)
    of_yes, of_no, of_all = (
        _logsumexp(xp, part) for part in (xp.take(logits, yes, axis=-1), xp.take(logits, no, axis=-1), logits)
    )
    margin = of_yes - of_no
    return YesNo(margin, 1 / (1 + xp.exp(-margin)), xp.exp(of_yes - of_all) + xp.exp(of_no - of_all))


def outcome_of(p_yes: float, mass: float, least_mass: float = LEAST_MASS, accept_from: float = ACCEPT_FROM) -> Outcome:
    """The verdict: unparsed where yes and no together are unlikely, for then the model was not answering."""
    if mass < least_mass:
        return "unparsed"
    return "accept" if p_yes >= accept_from else "reject"


def outcome_of_the_paper(answer: str) -> Outcome:
    """The verdict as the reference script takes it from the text after the prompt.

    Accept if and only if the text, lower-cased and without line breaks, is ``y`` or ``yes``: `` yes`` and ``yes.`` are
    rejected.
    Source: arXiv 2409.01109, its filter script.
    """
    return "accept" if answer.replace("\n", "").lower() in {"y", "yes"} else "reject"


def question(template: str, name: str, gloss: str) -> str:
    """The question about a superclass; {n} stays open for the number of pictures that can be read.

    Names are shown with blanks for underscores, except in the paper's own question.
    """
    if template == QUESTION_OF_THE_PAPER:
        return template.replace("{name}", name)
    spoken = name.replace("_", " ")
    article = "an" if spoken[:1].lower() in "aeiou" else "a"
    return template.replace("{article}", article).replace("{name}", spoken).replace("{gloss}", gloss)


def _logsumexp(xp: Any, values: Any) -> Any:
    highest = xp.max(values, axis=-1, keepdims=True)
    return xp.log(xp.sum(xp.exp(values - highest), axis=-1)) + xp.squeeze(highest, axis=-1)
