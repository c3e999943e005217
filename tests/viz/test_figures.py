import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from frcnn_edu.viz import figures
from frcnn_edu.viz.output import DPI, figure_to_png
from frcnn_edu.viz.story import story

FOLDER = Path(__file__).parents[2] / "figures"


def rms(first: Image.Image, second: Image.Image) -> float:
    """Root of the mean squared difference, in 0–255."""
    a, b = (np.asarray(image.convert("RGB"), dtype=float) for image in (first, second))
    return float(np.sqrt(((a - b) ** 2).mean())) if a.shape == b.shape else np.inf


@pytest.mark.parametrize("name", figures.FIGURES)
def test_committed_figures_are_what_the_code_draws(name: str) -> None:
    committed = Image.open(FOLDER / f"{name}.png")
    drawn = Image.open(io.BytesIO(figure_to_png(figures.FIGURES[name](), dpi=DPI, colors=figures.COLORS)))
    assert rms(committed, drawn) <= 1, f"figures/{name}.png is old: run python -m frcnn_edu figures"


def test_another_picture_is_noticed() -> None:
    committed = Image.open(FOLDER / "shapes_examples.png")
    assert rms(committed, Image.open(io.BytesIO(figure_to_png(figures.shapes_examples(11), colors=figures.COLORS)))) > 1


def test_no_other_figures_are_committed() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(f"{name}.png" for name in figures.FIGURES)


def test_draw_all_writes_every_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        figures, "FIGURES", {"small": lambda: figures.shapes_examples(1), "same": lambda: figures.shapes_examples(1)}
    )
    paths = figures.draw_all(tmp_path / "new")
    assert paths == [tmp_path / "new" / "small.png", tmp_path / "new" / "same.png"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_story_follows_an_object_that_is_found() -> None:
    label = int(story().target["labels"][story().object])
    found = story().trace.detections
    assert label in found["labels"][found["scores"] > 0.5].tolist()
