"""A kernel that is a fork is like any other, only sooner there."""

import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager, RunningKernel

from frcnn_edu.notebook_checks.kernels import ForkProvisioner, by_fork, fork_server
from frcnn_edu.notebook_checks.notebooks import ENVIRONMENT

forked = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels are not forked")]

# All that a notebook can see of the process it runs in.
STATE = """
import json, os, signal, sys, warnings, anywidget, ipywidgets, matplotlib.pyplot, torch, torchvision
print(json.dumps({
    "environment": dict(os.environ), "folder": os.getcwd(), "path": sys.path, "arguments": sys.argv[:2],
    "own session": os.getsid(0) == os.getpid(), "hash": hash("a"), "interrupt": str(signal.getsignal(signal.SIGINT)),
    "warnings": sorted(map(str, warnings.filters)), "names": sorted(globals()), "threads": torch.get_num_threads(),
    "matplotlib": {name: str(value) for name, value in matplotlib.rcParams.items()}, "backend": matplotlib.get_backend(),
}))
"""


def usual_spec() -> KernelSpec:
    return KernelSpec(**get_kernel_dict())


def said(kernel: RunningKernel, source: str) -> str:
    """What a cell prints, and the name of its error."""
    asked, text = kernel.execute_cell_input(source, allow_stdin=False), ""
    while True:
        message = kernel.get_message("iopub", timeout=60)
        if message["parent_header"].get("msg_id") == asked:
            content = message["content"]
            text += content.get("text", "") + content.get("ename", "")
            if content.get("execution_state") == "idle":
                return text


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], RunningKernel]]:
    """Starts a kernel as nbval does."""
    started: list[RunningKernel] = []

    def one_more() -> RunningKernel:
        started.append(RunningKernel(CURRENT_ENV_KERNEL_NAME, cwd=str(tmp_path)))
        return started[-1]

    yield one_more
    for kernel in started:
        if kernel.is_alive():
            kernel.stop()


class TestForks:
    pytestmark = forked

    def test_a_fork_sees_what_a_usual_kernel_sees(
        self, start: Callable[[], RunningKernel], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = start()
        monkeypatch.setattr(NbvalKernelspecManager, "get_kernel_spec", lambda manager, name: usual_spec())
        other = start()
        assert [type(kernel.km.provisioner) for kernel in (one, other)] == [ForkProvisioner, LocalProvisioner]
        states = [json.loads(said(kernel, STATE)) for kernel in (one, other)]
        assert states[1]["environment"].pop("JPY_PARENT_PID")  # Jupyter's way to end it; ours is tested below
        assert states[0] == states[1]
        assert ENVIRONMENT.items() <= states[0]["environment"].items()

    def test_nothing_of_one_kernel_is_in_the_next(self, start: Callable[[], RunningKernel]) -> None:
        look = "import sys; print('torch' in sys.modules, 'wave' in sys.modules, 'x' in globals())"
        draw = "import numpy, random, torch; print(numpy.random.rand(), random.random(), torch.rand(1).item())"
        one, other = start(), start()
        assert said(one, look) == "True False False\n"
        numbers = said(one, f"import wave; x = 1; {draw}").split()
        assert said(other, look) == "True False False\n"
        assert not set(numbers) & set(said(other, draw).split())

    def test_a_long_cell_can_be_interrupted(self, start: Callable[[], RunningKernel]) -> None:
        """As nbval does it when a cell takes too long."""
        kernel = start()
        asked = kernel.execute_cell_input("print('begun', flush=True)\nwhile True: pass", allow_stdin=False)
        while kernel.get_message("iopub", timeout=60)["content"].get("text") != "begun\n":
            pass
        kernel.interrupt()
        kernel.await_reply(asked, timeout=60)
        assert said(kernel, "print('alive')").endswith("alive\n")

    def test_a_kernel_that_dies_is_seen_to_be_dead(self, start: Callable[[], RunningKernel]) -> None:
        kernel = start()
        assert kernel.is_alive()
        kernel.execute_cell_input("import os; os._exit(3)", allow_stdin=False)
        assert kernel.km.provisioner.process.wait() == 3
        assert not kernel.is_alive()

    def test_a_kernel_ends_with_the_process_that_asked_for_it(self) -> None:
        hears, told = fork_server().Pipe(duplex=False)
        process = fork_server().Process(target=start_and_wait, args=(told,))
        process.start()
        assert hears.poll(60)
        ended = os.pidfd_open(hears.recv())
        assert not select.select([ended], [], [], 0)[0]
        process.kill()
        assert select.select([ended], [], [], 60)[0]


def start_and_wait(told: Connection) -> None:
    kernel = RunningKernel(CURRENT_ENV_KERNEL_NAME)
    told.send(kernel.km.provisioner.pid)
    signal.pause()


def test_elsewhere_and_with_another_python_kernels_start_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert by_fork(usual_spec()).to_dict() == usual_spec().to_dict()
