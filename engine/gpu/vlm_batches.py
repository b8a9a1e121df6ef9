"""Questions in batches that fit into memory; what a model's processor refuses costs that one answer, not the job."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from PIL import Image

from engine.errors import EngineError, first_line
from engine.filters.answers import QUESTION, YesNo, question
from engine.gpu import fitting
from engine.gpu.encoding import is_out_of_memory
from engine.gpu.vlm import Vlm, answer_texts, ask
from engine.jobs.failures import is_lost_device
from engine.jobs.timing import Spend

MOST_REFUSALS = 64
"""Without a single answer before: then it is not the pictures that are odd."""

LONG_GLOSS = 40
"""Words; few of WordNet's are longer."""

Answer = TypeVar("Answer")
How = Callable[[Sequence[Image.Image], Sequence[str]], list[Answer]]


@dataclass(frozen=True, slots=True)
class Refused:
    """No answer: the model's processor or the model could not take this picture; `reason` is in its own words."""

    reason: str


@dataclass(slots=True)
class Asker:
    """Asks, and remembers which batch size has fitted.

    Attributes:
        vlm: the model.
        batch_size: until memory runs out.
        warn: gets a sentence when the batch is halved.
        spend: gets the seconds of the phases prepare, copy and encode.
        answered: questions so far.
        refused: pictures so far that the model could not take.
    """

    vlm: Vlm
    batch_size: int
    warn: Callable[[str], None]
    spend: Spend = lambda phase, seconds: None
    answered: int = 0
    refused: int = 0

    def measure(self, pictures: Sequence[Image.Image], questions: Sequence[str]) -> list[YesNo | Refused]:
        """One question about each picture, answered from the logits; each answer holds three floats and a text.

        Raises: EngineError when not even one picture fits, or when nothing is answered at all.
        """

        def measured(pictures: Sequence[Image.Image], questions: Sequence[str]) -> list[YesNo]:
            found = ask(self.vlm, pictures, questions, self.spend)
            numbers = zip(found.margin, found.p_yes, found.mass, found.answer, strict=True)
            return [YesNo(float(margin), float(p_yes), float(mass), text) for margin, p_yes, mass, text in numbers]

        return self._all(measured, pictures, questions)

    def read(self, pictures: Sequence[Image.Image], questions: Sequence[str]) -> list[str | Refused]:
        """The same, answered in words.

        Raises: EngineError as ``measure``.
        """
        return self._all(lambda some, texts: answer_texts(self.vlm, some, texts, spend=self.spend), pictures, questions)

    def try_batch(self, side: int, left: int, cores: int, in_words: bool = False) -> None:
        """Ask about black pictures, so that a batch that does not fit is made smaller before the work begins.

        Args:
            side: of the pictures, in pixels.
            left: pictures that are to be asked about.
            cores: that this process may use.
            in_words: whether the answers will be texts.

        Raises: EngineError when not even one picture fits.
        """
        black, text = Image.new("RGB", (side, side)), question(QUESTION, "thing", "thing " * LONG_GLOSS)

        def attempt(count: int) -> None:
            (self.read if in_words else self.measure)([black] * count, [text] * count)

        fitting.try_batch(self, self.vlm.device, left, cores, attempt, self.warn)
        self.answered = self.refused = 0

    @property
    def memory(self) -> str:
        """The most that was in use on the device, of what there is; empty where nobody can tell."""
        return fitting.memory_text(self.vlm.device)

    def _all(
        self, how: How[Answer], pictures: Sequence[Image.Image], questions: Sequence[str]
    ) -> list[Answer | Refused]:
        found: list[Answer | Refused] = []
        while len(found) < len(pictures):
            batch = slice(len(found), len(found) + self.batch_size)
            part = self._attempt(how, pictures[batch], questions[batch])
            if part is None:
                self._halve(min(self.batch_size, len(pictures) - len(found)))
            else:
                found += part
        return found

    def _attempt(
        self, how: How[Answer], pictures: Sequence[Image.Image], questions: Sequence[str]
    ) -> list[Answer | Refused] | None:
        """The answers, or None where memory ran out."""
        # The exception must be gone before the next try: its traceback holds the tensors that filled the memory.
        try:
            answers = how(pictures, questions)
        except Exception as error:
            if is_out_of_memory(error):
                return None
            if is_lost_device(error) or isinstance(error, EngineError):
                raise
            reason = first_line(error)
            if len(pictures) == 1:
                return [self._refuse(reason, error)]
        else:
            self.answered += len(answers)
            return [*answers]
        # One of them is odd: each alone, so that the others are answered.
        alone = [self._attempt(how, [picture], [text]) for picture, text in zip(pictures, questions, strict=True)]
        return None if None in alone else [answer for one in alone if one is not None for answer in one]

    def _refuse(self, reason: str, error: Exception) -> Refused:
        self.refused += 1
        if not self.answered and self.refused >= MOST_REFUSALS:
            raise EngineError(
                f"{self.vlm.model} cannot be asked: {reason}",
                "Its processor and its weights may be of different versions; try another model.",
            ) from error
        return Refused(reason)

    def _halve(self, tried: int) -> None:
        if tried == 1:
            raise EngineError(
                f"{self.vlm.model} does not fit into the memory of {self.vlm.device} with one picture.",
                "Free memory there, or use a smaller model or --device cpu; then resume the job.",
            )
        self.batch_size = tried // 2
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.warn(f"Memory ran out on {self.vlm.device}: batches now have {self.batch_size} pictures.")
