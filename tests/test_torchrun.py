"""`train` by two processes, as its users start it; and what becomes of a run when one of them dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import frcnn_edu
from frcnn_edu.training import LOSSES, load_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
TRAIN = ["-m", "frcnn_edu", "train", "--min-size", "64", "--max-size", "80", "--batch-size", "4", "--device", "cpu"]


class Job:
    """A training run by torchrun, with a process group of its own, as a terminal gives it."""

    def __init__(self, folder: Path, data: Path, *options: str, torchrun: tuple[str, ...] = ()) -> None:
        command = [*TORCHRUN, *torchrun, *TRAIN, "--data", str(data), "--out", "r", *options]
        environment = os.environ | {"PYTHONPATH": str(Path(frcnn_edu.__file__).parent.parent), "PYTHONUNBUFFERED": "1"}
        self.log, self.out = folder / "log", folder / "r"
        with open(self.log, "w") as file:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=file, stderr=file, env=environment, start_new_session=True
            )

    def wait_for(self, text: str) -> None:
        for _ in range(1200):
            if text in self.said():
                return
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)
        pytest.fail(f"{text!r} never came:\n{self.said()}")

    def said(self) -> str:
        return self.log.read_text()

    def workers(self) -> list[int]:
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return [int(pid) for pid in listed.stdout.split()]

    def end(self) -> int:
        try:
            return self.process.wait(timeout=240)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)

    def history(self) -> dict[str, list[float]]:
        return load_checkpoint(self.out / "checkpoint.pt")["progress"]["history"]


def test_a_run_whose_processes_die_starts_again_as_often_as_allowed_and_then_ends(voc: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("untouched", "killed")]
    for folder in folders:
        folder.mkdir()
    untouched = Job(folders[0], voc, "--epochs", "6", "--evaluate-on", "test")
    assert untouched.end() == 0, untouched.said()
    said = untouched.said()
    assert "4 images per step, shared by 2 processes" in said
    for line in ("model    small", "epoch  6.00", "average precision, 0 to 1", "measured on"):
        assert said.count(line) == 1, f"both processes say {line!r}"
    assert "Warning" not in said
    assert {"metrics.json", "metrics-test.json", "model.safetensors", "losses.png"} <= {
        path.name for path in untouched.out.iterdir()
    }

    killed = Job(folders[1], voc, "--epochs", "6", "--save-minutes", "0", torchrun=("--max-restarts", "1"))
    killed.wait_for("epoch  1.00")
    os.kill(killed.workers()[0], signal.SIGKILL)
    killed.wait_for("epoch  3.00")  # the restarted ones go on
    assert killed.said().count("model    small") == 2
    os.kill(killed.workers()[-1], signal.SIGKILL)
    assert killed.end() == 1
    assert "Signal 9 (SIGKILL) received by PID" in killed.said()
    histories = [job.history() for job in (untouched, killed)]
    steps = len(histories[1]["step"])
    assert histories[1]["step"] == list(range(1, steps + 1))
    assert 6 <= steps < 12
    for name in LOSSES:
        assert histories[0][name][:steps] == pytest.approx(histories[1][name], rel=1e-5), name


def test_ctrl_c_saves_and_says_how_to_go_on(voc: Path, tmp_path: Path) -> None:
    job = Job(tmp_path, voc, "--epochs", "200")
    job.wait_for("epoch  2.00")
    for pid in (job.process.pid, *job.workers()):  # as Ctrl-C in a terminal reaches all of them
        os.kill(pid, signal.SIGINT)
    assert job.end() != 0
    assert "to continue:  python -m frcnn_edu train --resume --out r" in job.said()
    steps = job.history()["step"]
    assert steps == list(range(1, len(steps) + 1))
    assert json.loads((job.out / "metrics.json").read_text())["step"] == len(steps)
