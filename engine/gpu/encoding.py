"""Encoding pictures in batches that fit into memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.gpu import fitting
from engine.gpu.clip import ClipModel, encode_pictures

# What other allocators than CUDA's say, as plain RuntimeErrors.
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "ALLOC_FAILED")


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

    def encode(self, pictures: list[torch.Tensor]) -> NDArray[np.float16]:
        """The L2-normalised embeddings of prepared pictures.

        Args:
            pictures: uint8 [3, height, width] each, in the model's size, on the processor or on the device.

        Returns: float16 [n, dimensions].
        Raises: EngineError when not even one picture fits.
        """
        vectors = np.empty((len(pictures), self.clip.dimensions), dtype=np.float16)
        start = 0
        while start < len(pictures):
            batch = pictures[start : start + self.batch_size]
            fitted = False
            try:
                with self._timed("copy"):
                    pixels = self._stacked(batch).to(self.clip.device, non_blocking=True)
                with self._timed("encode"):
                    vectors[start : start + len(batch)] = encode_pictures(self.clip, pixels)
                fitted = True
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the except block, where the traceback no longer holds the tensors that did not fit.
            if fitted:
                start += len(batch)
            else:
                self._halve(len(batch))
        return vectors

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        """Count the block's time; a copy that still goes on in the background counts to the encoding it delays."""
        start = time.perf_counter()
        yield
        self._spend(phase, time.perf_counter() - start)

    def _stacked(self, batch: list[torch.Tensor]) -> torch.Tensor:
        if batch[0].device.type != "cpu":
            return torch.stack(batch)
        pixels = torch.empty(
            (len(batch), *batch[0].shape), dtype=torch.uint8, pin_memory=self.clip.device.type == "cuda"
        )
        return torch.stack(batch, out=pixels)

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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on whatever device."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)
