import io
from pathlib import Path

import numpy as np
import pytest
from nbformat import NotebookNode
from PIL import Image

from frcnn_edu.lessons import figures
from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.train_the_complete_model.pictures.main import shapes_examples
from frcnn_edu.notebook_checks.find import find_notebooks
from frcnn_edu.notebook_checks.notebooks import MAY_DIFFER, read_notebook
from frcnn_edu.notebook_checks.pictures import difference, pictures
from frcnn_edu.viz.output import DPI, figure_to_png

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "figures"


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), dtype=float)


def rms(first: Image.Image, second: Image.Image) -> float:
    return difference(pixels(first), pixels(second))


# What a notebook draws with arguments of its own, and by which call; of the others it calls the figure's own function.
WITH_ARGUMENTS = {
    "best_shape": "plot_best_shape(",
    "same_area": "plot_same_area(",
    "two_in_one_cell": "plot_two_in_one_cell(",
    "nms_steps": "plot_nms_steps(",
}
IN_NO_NOTEBOOK = {"shapes_examples"}  # notebook 14 shows fewer of them
# How all explorers begin is drawn by one function: one of them is enough.
REDRAWN = [*WITH_ARGUMENTS, *IN_NO_NOTEBOOK, "explore_level_mapper"]


@pytest.fixture(scope="module")
def cells() -> list[NotebookNode]:
    """All cells whose pictures are compared with what is drawn when the notebooks are tested."""
    cells = [cell for path in find_notebooks(ROOT / "notebooks") for cell in read_notebook(path).cells]
    unchecked = (MAY_DIFFER, "# NBVAL_IGNORE_OUTPUT")
    return [cell for cell in cells if cell.cell_type == "code" and not any(mark in cell.source for mark in unchecked)]


def calls(name: str) -> tuple[str, ...]:
    """How a notebook may draw a figure."""
    if name in WITH_ARGUMENTS:
        return (WITH_ARGUMENTS[name],)
    function = figures.FIGURES[name].__name__
    return f"{function}()", f'FIGURES["{name}"]()', f"{name.replace('explore_', 'explore.')}()"


@pytest.mark.parametrize("name", sorted(set(figures.FIGURES) - IN_NO_NOTEBOOK))
def test_every_figure_is_the_very_picture_that_a_notebook_draws(name: str, cells: list[NotebookNode]) -> None:
    """So it is what the code draws, as the notebook's picture is: that is seen when the notebooks are tested."""
    drawing = [cell for cell in cells if any(call in cell.source for call in calls(name))]
    assert drawing, f"no notebook draws {name} by {calls(name)}: name its call in WITH_ARGUMENTS"
    figure = pixels(Image.open(FOLDER / f"{name}.png"))
    shown = [picture for cell in drawing for picture in pictures(cell.outputs)]
    assert any(np.array_equal(picture, figure) for picture in shown), (
        f"figures/{name}.png is another picture than the notebook's: run python -m frcnn_edu figures"
    )


def test_every_figure_of_the_source_text_is_drawn() -> None:
    assert len(figures.SOURCE_FIGURES) == len(set(figures.SOURCE_FIGURES.values())) == 18
    assert set(figures.SOURCE_FIGURES.values()) <= set(figures.FIGURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", REDRAWN)
def test_committed_figures_are_what_the_code_draws(name: str) -> None:
    committed = Image.open(FOLDER / f"{name}.png")
    drawn = Image.open(io.BytesIO(figure_to_png(figures.FIGURES[name](), dpi=DPI, colors=figures.COLORS)))
    assert rms(committed, drawn) <= 1, f"figures/{name}.png is old: run python -m frcnn_edu figures"


@pytest.mark.slow
def test_another_picture_is_noticed() -> None:
    committed = Image.open(FOLDER / "shapes_examples.png")
    assert rms(committed, Image.open(io.BytesIO(figure_to_png(shapes_examples(11), colors=figures.COLORS)))) > 1


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.stem)
def test_every_figure_is_a_page_wide(path: Path) -> None:
    assert Image.open(path).width == 8 * DPI
    assert path.stat().st_size > 4000


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
