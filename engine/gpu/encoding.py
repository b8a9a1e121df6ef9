"""Encoding pictures in batches that fit into memory, so that a GPU works while the next batch is got ready.

A batch goes from the threads that decode, as uint8, through pinned memory and a stream of its own to the device; it is
normalised there. While the device is at it, the caller stacks and copies the next one.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from engine.errors import EngineError
from engine.gpu import fitting
from engine.gpu.clip import ClipModel, encode_pictures, picture_features

Result = TypeVar("Result")

# What other allocators than CUDA's say, as plain RuntimeErrors.
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "ALLOC_FAILED")


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch on its way through the model.

    Attributes:
        pixels: uint8 [n, 3, height, width] on the device; kept, since half precision may not do.
        vectors: float32 [n, dimensions] in main memory, L2-normalised, once it has landed.
        finite: whether all of them are numbers, once it has landed.
        landed: tells when; None: it has.
    """

    pixels: torch.Tensor
    vectors: torch.Tensor
    finite: torch.Tensor
    landed: torch.cuda.Event | None = None


class Encoder:
    """Encodes batches; when memory runs out it halves them, says so, and goes on.

    Args:
        clip: the model.
        batch_size: pictures in a batch, until memory runs out.
        tell: gets a sentence when the batch is halved.
        spend: gets the seconds of the phases copy and encode.
    """

    def __init__(
        self,
        clip: ClipModel,
        batch_size: int,
        tell: Callable[[str], None],
        spend: Callable[[str, float], None] = lambda phase, seconds: None,
    ) -> None:
        self.clip = clip
        self.batch_size = max(1, batch_size)
        self._tell = tell
        self._spend = spend
        on_gpu = clip.device.type == "cuda"
        self._copying = torch.cuda.Stream(clip.device) if on_gpu else None  # type: ignore[no-untyped-call]

    def try_batch(self, left: int, cores: int) -> None:
        """Encode black pictures, so that a batch that does not fit is made smaller before the work begins.

        Args:
            left: pictures that are to be encoded.
            cores: that this process may use.

        Raises: EngineError when not even one picture fits.
        """
        black = torch.zeros(3, *self.clip.pictures.size, dtype=torch.uint8)
        fitting.try_batch(self, self.clip.device, left, cores, lambda count: self.encode([black] * count), self._tell)

    @property
    def memory(self) -> str:
        """The most that was in use on the device, of what there is; empty where nobody can tell."""
        return fitting.memory_text(self.clip.device)

    def encode(self, pictures: Sequence[torch.Tensor]) -> NDArray[np.float16]:
        """The L2-normalised embeddings of prepared pictures.

        Args:
            pictures: uint8 [3, height, width] each, in the model's size, on the processor or on the device.

        Returns: float16 [n, dimensions].
        Raises: EngineError when not even one picture fits.
        """
        return self.finish(self.begin(pictures))

    def begin(self, pictures: Sequence[torch.Tensor]) -> list[Flight]:
        """Have the device begin, and come back while a GPU still works, so that the next pictures can be got ready.

        Returns: what ``finish`` takes. With one batch under way a further one may be begun; both keep their order.
        Raises: as ``encode``.
        """
        return self._in_batches(len(pictures), lambda start, stop: self._launch(pictures[start:stop]))

    def finish(self, flights: Sequence[Flight]) -> NDArray[np.float16]:
        """Wait for the embeddings of what was begun; see ``encode``."""
        found = [np.empty((0, self.clip.dimensions), dtype=np.float16)]
        for flight in flights:
            with self._timed("encode"):
                if flight.landed is not None:
                    flight.landed.synchronize()
            if bool(flight.finite):
                found.append(flight.vectors.numpy().astype(np.float16))
            else:
                found += self._in_batches(len(flight.pixels), partial(self._encode_exactly, flight.pixels))
        return np.concatenate(found)

    def _in_batches(self, count: int, attempt: Callable[[int, int], Result]) -> list[Result]:
        """Results of so many pictures, batch after batch; a batch for which memory runs out is halved."""
        found: list[Result] = []
        start = 0
        while start < count:
            stop, fitted = min(count, start + self.batch_size), False
            try:
                found.append(attempt(start, stop))
                fitted = True
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the except block, where the traceback no longer holds the tensors that did not fit.
            if fitted:
                start = stop
            else:
                self._halve(stop - start)
        return found

    def _launch(self, batch: Sequence[torch.Tensor]) -> Flight:
        with self._timed("copy"):
            pixels = self._moved(batch)
        with self._timed("encode"), torch.inference_mode():
            features = picture_features(self.clip, pixels, self.clip.precision)
            finite, vectors = torch.isfinite(features).all(), functional.normalize(features, dim=-1)
            if self._copying is None:
                return Flight(pixels, vectors, finite)
            vectors, finite = _sent_home(vectors), _sent_home(finite)
            landed = torch.cuda.Event()  # type: ignore[no-untyped-call]
            landed.record(torch.cuda.current_stream(self.clip.device))
            return Flight(pixels, vectors, finite, landed)

    def _encode_exactly(self, pixels: torch.Tensor, start: int, stop: int) -> NDArray[np.float16]:
        """Once more, in float32 where half precision gave no numbers."""
        with self._timed("encode"):
            return encode_pictures(self.clip, pixels[start:stop]).astype(np.float16)

    def _moved(self, batch: Sequence[torch.Tensor]) -> torch.Tensor:
        """The pictures on the device; a GPU copies them beside what it computes."""
        if batch[0].device.type != "cpu":
            return torch.stack(list(batch))
        if self._copying is None:
            return torch.stack(list(batch)).to(self.clip.device)
        pinned = torch.empty((len(batch), *batch[0].shape), dtype=torch.uint8, pin_memory=True)
        torch.stack(list(batch), out=pinned)
        with torch.cuda.stream(self._copying):
            pixels = pinned.to(self.clip.device, non_blocking=True)
        computing = torch.cuda.current_stream(self.clip.device)
        computing.wait_stream(self._copying)
        pixels.record_stream(computing)
        return pixels

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        """Count the block's time: what the device does meanwhile counts where it is waited for."""
        start = time.perf_counter()
        yield
        self._spend(phase, time.perf_counter() - start)

    def _halve(self, tried: int) -> None:
        if tried == 1:
            raise EngineError(
                f"A single picture does not fit into the memory of {self.clip.device}.",
                "Free memory there, or use a smaller model or --device cpu; then resume the job.",
            )
        self.batch_size = tried // 2
        if self.clip.device.type == "cuda":
            torch.cuda.empty_cache()
        self._tell(f"Memory ran out on {self.clip.device}: batches now have {self.batch_size} pictures.")


def _sent_home(there: torch.Tensor) -> torch.Tensor:
    """The tensor in main memory, where it is when all that the device was told before is done."""
    return torch.empty_like(there, device="cpu", pin_memory=True).copy_(there, non_blocking=True)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on whatever device."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)
