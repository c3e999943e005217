"""Kernels that start in a moment: forks of a process that has imported PyTorch already.

Importing PyTorch takes longer than most notebooks' own work. Python's fork server imports it once; the kernel of each notebook is
a fork of that server as it was right after importing: a separate process, with nothing of another notebook in it. If
processes cannot be forked safely (macOS, Windows), kernels start as usual, and so do those of a different Python.
"""

import atexit
import multiprocessing
import os
import sys
import threading
from importlib.metadata import EntryPoint
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

PROVISIONER = "frcnn-edu-fork"  # the name of this way to start a kernel in Jupyter
LAUNCHER = ["-m", "ipykernel_launcher"]  # the kernel's own arguments follow
# This module comes first: it records the server's path.
PRELOADED = [__name__, "torch", "torchvision", "matplotlib.pyplot", "ipykernel.kernelapp", "ipywidgets", "anywidget"]
PATH = [folder for folder in sys.path if folder]  # IPython adds the working folder itself
INLINE = "module://matplotlib_inline.backend_inline"  # pictures in the notebook, as ipykernel has it


def fork_server() -> ForkServerContext | SpawnContext:
    """multiprocessing with a server that has imported PyTorch, one server per process; on Windows, without a server."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def by_fork(spec: KernelSpec) -> KernelSpec:
    """The same kernel, started by a fork if that is safe."""
    if sys.platform == "linux":
        group = KernelProvisionerFactory.GROUP_NAME
        entry = EntryPoint(PROVISIONER, f"{__name__}:{ForkProvisioner.__name__}", group)
        KernelProvisionerFactory.instance().provisioners[PROVISIONER] = entry
        spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER}}
    return spec


class ForkProvisioner(LocalProvisioner):
    """Starts a kernel of this Python as a fork of the server, and any other kernel as Jupyter does."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if cmd[:3] != [sys.executable, *LAUNCHER]:
            return await super().launch_kernel(cmd, **kwargs)
        self.cwd = kwargs.get("cwd") or os.getcwd()
        process = fork_server().Process(target=run_kernel, args=(cmd[3:], kwargs["env"], self.cwd))
        process.start()
        atexit.register(process.kill)  # otherwise multiprocessing waits for it when this process ends
        self.process = Fork(process)  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        return self.connection_info


class Fork:
    """A process of multiprocessing, with the attributes of subprocess.Popen that Jupyter uses."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self.process = process
        self.kill, self.terminate = process.kill, process.terminate

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self) -> int | None:
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        if self.process.pid is not None and self.poll() is None:
            os.kill(self.process.pid, number)


def run_kernel(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Turn this process into the kernel that `python -m ipykernel_launcher` with these arguments would be."""
    import ipykernel_launcher
    import matplotlib
    import numpy as np
    import torch
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()  # Ctrl-C in the terminal is not meant for the kernel
    threading.Thread(target=_end_with_parent, daemon=True).start()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for standard_stream in (1, 2):
        os.dup2(nowhere, standard_stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # matplotlib was imported in an earlier environment.
    matplotlib.rcParams["backend"] = os.environ.setdefault("MPLBACKEND", INLINE)
    np.random.seed()  # noqa: NPY002 - the global generators would give the same numbers in every fork
    torch.seed()
    sys.path[:] = PATH
    sys.argv[:] = [ipykernel_launcher.__file__, *arguments]
    IPKernelApp.launch_instance(arguments)


def _end_with_parent() -> None:
    """A kernel must not outlive the process that started it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
