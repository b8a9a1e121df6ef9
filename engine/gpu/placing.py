"""Where a model runs: the device that a name means, and how precisely it computes there."""

import torch

from engine.errors import EngineError


def choose_device(device: str) -> torch.device:
    """The device that a name means: for auto the first CUDA device, else the CPU.

    Raises: EngineError when there is no such device.
    """
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise EngineError(f"There is no device {device}.", "Devices are auto, cpu, cuda and cuda:N.") from error
    if chosen.type not in {"cpu", "cuda"}:
        raise EngineError(f"The device {device} is not supported.", "Devices are auto, cpu, cuda and cuda:N.")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise EngineError(
            f"There is no device {device}: this machine shows {torch.cuda.device_count()} CUDA devices.",
            "Use --device auto or cpu; `sood-tui doctor` lists what is there.",
        )
    return chosen


def precision_on(device: torch.device) -> torch.dtype:
    """bfloat16 where a GPU has it, else float16; float32 on a CPU."""
    if device.type != "cuda":
        return torch.float32
    with torch.cuda.device(device):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
