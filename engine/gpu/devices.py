"""What torch sees of this machine, as JSON on standard output: run in a process of its own, never imported."""

import json
import os
import sys
from typing import Any

import torch


def describe_devices() -> dict[str, Any]:
    """Version, CPU threads and the CUDA devices; bytes for memory."""
    devices = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        with torch.cuda.device(index):
            bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        devices.append(
            {"name": f"cuda:{index}", "model": properties.name, "total": total, "free": free, "bfloat16": bfloat16}
        )
    return {
        "torch": torch.__version__,
        "built_for_cuda": torch.version.cuda,
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "devices": devices,
    }


if __name__ == "__main__":
    json.dump(describe_devices(), sys.stdout)
