import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from frcnn_edu.lessons import figures
from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.train_the_complete_model.pictures.main import shapes_examples
from frcnn_edu.notebook_checks.find import find_notebooks
from frcnn_edu.notebook_checks.notebooks import read_notebook
from frcnn_edu.notebook_checks.pictures import TOLERANCE, difference, pictures
from frcnn_edu.viz.output import DPI, figure_to_png

FOLDER = Path(__file__).parents[2] / "figures"


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), dtype=float)


def rms(first: Image.Image, second: Image.Image) -> float:
    return difference(pixels(first), pixels(second))


@pytest.fixture(scope="module")
def shown() -> list[np.ndarray]:
    """All pictures in the notebooks."""
    folder = Path(__file__).parents[2] / "notebooks"
    cells = [cell for path in find_notebooks(folder) for cell in read_notebook(path).cells]
    return [picture for cell in cells for picture in pictures(cell.get("outputs", []))]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(figures.FIGURES) - {"shapes_examples"}))  # notebook 14 shows fewer of them
def test_every_figure_is_in_a_notebook(name: str, shown: list[np.ndarray]) -> None:
    figure = pixels(Image.open(FOLDER / f"{name}.png"))
    alike = [picture for picture in shown if picture.shape == figure.shape]
    assert min((difference(figure, picture) for picture in alike), default=np.inf) <= TOLERANCE


def test_every_figure_of_the_source_text_is_drawn() -> None:
    assert len(figures.SOURCE_FIGURES) == len(set(figures.SOURCE_FIGURES.values())) == 18
    assert set(figures.SOURCE_FIGURES.values()) <= set(figures.FIGURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", figures.FIGURES)
def test_committed_figures_are_what_the_code_draws(name: str) -> None:
    committed = Image.open(FOLDER / f"{name}.png")
    drawn = Image.open(io.BytesIO(figure_to_png(figures.FIGURES[name](), dpi=DPI, colors=figures.COLORS)))
    assert rms(committed, drawn) <= 1, f"figures/{name}.png is old: run python -m frcnn_edu figures"


@pytest.mark.slow
def test_another_picture_is_noticed() -> None:
    committed = Image.open(FOLDER / "shapes_examples.png")
    assert rms(committed, Image.open(io.BytesIO(figure_to_png(shapes_examples(11), colors=figures.COLORS)))) > 1


def test_no_other_figures_are_committed() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(f"{name}.png" for name in figures.FIGURES)


@pytest.mark.slow
def test_draw_all_writes_every_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FIGURES", {"small": lambda: shapes_examples(1), "same": lambda: shapes_examples(1)})
    paths = figures.draw_all(tmp_path / "new")
    assert paths == [tmp_path / "new" / "small.png", tmp_path / "new" / "same.png"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_story_follows_an_object_that_is_found() -> None:
    label = int(story().target["labels"][story().object])
    found = story().trace.detections
    assert label in found["labels"][found["scores"] > 0.5].tolist()
