"""The device to compute on."""

import torch


def available_devices() -> list[str]:
    """Names of the devices of this machine, the fastest first; "cpu" is always the last."""
    devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return devices + (["mps"] if torch.backends.mps.is_available() else []) + ["cpu"]


def pick_device(name: str | None = None) -> torch.device:
    """The device called `name`, or without a name the best available: CUDA, then Apple's MPS, then the CPU.

    Raises `ValueError`, listing the devices, if `name` is not available on this machine.
    """
    available = available_devices()
    if name is None:
        return torch.device(available[0])
    if name == "cuda" and "cuda:0" in available:
        return torch.device("cuda:0")
    if name not in available:
        raise ValueError(f"device {name!r} is not available here; this machine has: {', '.join(available)}")
    return torch.device(name)
