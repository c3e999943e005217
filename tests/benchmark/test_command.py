"""The command from its options to its numbers, at a size at which it takes seconds."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from frcnn_edu import cli
from frcnn_edu.benchmark import Bench, make_pair, memory, models
from frcnn_edu.benchmark import growth as growing
from frcnn_edu.benchmark.memory import peak_bytes
from frcnn_edu.benchmark.models import images_of
from frcnn_edu.benchmark.report import Report
from frcnn_edu.commands import benchmark
from frcnn_edu.commands.benchmark import growth
from frcnn_edu.notebook_checks.kernels import fork_server


@pytest.fixture
def few_proposals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty an image in both models: most of a step's time is the box head's, and no table depends on how many there are."""
    build = models.build

    def build_with_few(*arguments: Any, **options: Any) -> Any:
        model = build(*arguments, **options)
        model.rpn._post_nms_top_n = {"training": 60, "testing": 60}
        return model

    monkeypatch.setattr(models, "build", build_with_few)


@pytest.mark.slow
@pytest.mark.usefixtures("few_proposals")
def test_the_command_prints_tables_and_writes_every_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark, "FLOAT64_SIZE", 64)
    numbers_file = tmp_path / "new" / "numbers.json"
    command = "benchmark --sizes 64 --batch-sizes 1 --boxes 2 --repeats 1 --no-growth --no-memory --json"
    assert cli.main([*command.split(), str(numbers_file)]) == 0
    out = capsys.readouterr().out
    for part in (
        "torchvision 0.", "float64, 64 px: the same", "float32, 64 px", "NMS leaves 60 proposals",
        "Detecting", "A training step", "lowest–highest", "RoIAlign", "matching", "optimizer",
        "Synchronisations and kernels", "inference, on a CPU", "training, as on a GPU",
    ):  # fmt: skip
        assert part in out
    assert "Growth" not in out
    assert " MB" not in out

    numbers = json.loads(numbers_file.read_text())
    (step,) = numbers["training"]
    assert (step["size"], step["batch"], step["boxes"]) == (64, 1, 2)
    assert step["ratio"] == step["ours_seconds"][0] / step["torchvision_seconds"][0] > 0
    assert [stage["stage"] for stage in numbers["inference_stages"]] == [
        "transform", "backbone", "FPN", "RPN head", "anchors", "proposals", "RoIAlign", "box head", "detections",
    ]  # fmt: skip
    # How often each step synchronises depends on no machine; test_step_counts.py has the kernels, at the size that README names.
    assert {(row["step"], row["way"]): row["ours"]["synchronisations"] for row in numbers["counts"]} == {
        ("inference", "CPU"): 20, ("inference", "GPU"): 12, ("training", "CPU"): 17, ("training", "GPU"): 9,
    }  # fmt: skip
    for row in numbers["counts"]:
        for library in ("ours", "torchvision"):
            counts = row[library]
            assert counts["synchronisations"] == sum(counts["synchronisations_by_name"].values()) > 0
            assert counts["kernels"] == sum(counts["kernels_by_name"].values()) > 100


@pytest.mark.slow
@pytest.mark.usefixtures("few_proposals")
def test_growth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("SIZES", (64,)), ("BATCH_SIZES", ()), ("BOXES", (50,)), ("ROIS", (70,)), ("ROIS_AT", 64)):
        monkeypatch.setattr(growing, name, value)
    # Each peak is that of a fork, which need not import PyTorch first; test_memory.py measures one in a fresh process.
    monkeypatch.setattr(memory, "multiprocessing", SimpleNamespace(get_context=lambda method: fork_server()))
    report = Report()
    growth(Bench(*make_pair(64, images_of(64, 1)), 1, tmp_path), memory=True, report=report)
    numbers = report.numbers
    assert [(row["size"], row["batch"], row["boxes"]) for row in numbers["growth"]] == [(64, 1, None), (64, 1, 20)]
    assert [row["boxes"] for row in numbers["matching"]] == [50]
    assert [row["proposals"] for row in numbers["rois"]] == [70]
    assert "torchvision MB" in capsys.readouterr().out
    if peak_bytes() is not None:
        weights = 41.8e6 * 4  # parameters and buffers, of four bytes
        detecting, training = numbers["growth"]
        for library in ("ours", "torchvision"):
            assert numbers["rois"][0][f"{library}_peak_bytes"] >= 70 * 256 * 7 * 7 * 4  # what is pooled
            assert weights < detecting[f"{library}_peak_bytes"] < training[f"{library}_peak_bytes"]
            assert training[f"{library}_peak_bytes"] > 2.9 * weights  # gradients and momentum


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--sizes 400 20", "--sizes 20: expected 64 or more"),
        ("--batch-sizes 0", "--batch-sizes 0: expected 1 or more"),
        ("--boxes -1", "--boxes -1: expected 0 or more"),
        ("--repeats 0", "--repeats 0"),
        ("--threads 0", "--threads 0"),
        ("--explorers level_mapper nonsense", "--explorers nonsense: expected names from whole_path, fpn_levels"),
    ],
)
def test_mistakes_are_one_line(options: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["benchmark", *options.split()]) == 2
    assert message in capsys.readouterr().err
