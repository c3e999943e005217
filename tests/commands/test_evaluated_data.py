"""What `evaluate` measures: all of a file that is named, but of the data of a run only what was kept from training."""

import re
from pathlib import Path

import pytest

from frcnn_edu import cli
from frcnn_edu.data import ShapesDetection, write_voc
from frcnn_edu.training import SHIPPED, load_model

pytestmark = pytest.mark.slow  # the model in the package looks at images


@pytest.fixture
def heap(tmp_path: Path) -> Path:
    """Ten images of shapes without splits: images and XML side by side."""
    write_voc(ShapesDetection("val"), tmp_path / "written", "all", range(10))
    folder = tmp_path / "heap"
    folder.mkdir()
    for path in [*(tmp_path / "written").rglob("*.jpg"), *(tmp_path / "written").rglob("*.xml")]:
        path.rename(folder / path.name)
    return folder


@pytest.mark.parametrize(
    ("options", "trained_on_it", "last"),
    [
        ([], False, "all 10 images of {heap}"),
        (["--split", "val"], False, "2 images of {heap}, split 'val', which is a fifth of it"),
        (["--split", "train"], False, "8 images of {heap}, split 'train'"),
        ([], True, "2 images of {heap}, split 'val', which is a fifth of it"),
        (["--split", "all"], True, "all 10 images of {heap}"),
    ],
)
def test_what_is_measured(
    heap: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    options: list[str], trained_on_it: bool, last: str,
) -> None:  # fmt: skip
    import dataclasses

    from frcnn_edu.commands import trained_model

    def load(path: Path) -> tuple:
        model, classes, config = load_model(path)
        return model, classes, dataclasses.replace(config, data=f"{heap}/." if trained_on_it else config.data)

    monkeypatch.setattr(trained_model, "load_model", load)
    assert cli.main(["evaluate", "--checkpoint", str(SHIPPED), "--data", str(heap), *options, "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == last.format(heap=heap)
    assert re.search(
        r"data     Pascal VOC, images and xml side by side: \d+ images( in \w+)?, 5 classes, no splits: ", out
    )
