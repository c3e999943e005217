import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread
from PIL import Image
from scenes import BOXES, CLASSES, LABELS, history, image

from frcnn_edu.viz import draw, output
from frcnn_edu.viz import style as st
from frcnn_edu.watch import curves


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_figure_gives_the_same_file(tmp_path: Path, suffix: str) -> None:
    files = []
    for name in ("a", "b"):
        ax = draw.draw_detections(image(), BOXES, LABELS, classes=CLASSES)
        files.append(output.save_figure(ax.figure, tmp_path / "new" / f"{name}{suffix}", dpi=60).read_bytes())
    assert files[0] == files[1]
    assert b"matplotlib.org" not in files[0][:400]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [f"a{suffix}", f"b{suffix}"]


def test_a_palette_is_smaller_and_looks_the_same() -> None:
    figure = curves.plot_losses(history())
    full, small = (output.figure_to_png(figure, dpi=60, colors=colors) for colors in (None, 256))
    assert len(small) < len(full) / 2
    difference = imread(io.BytesIO(full))[..., :3] - imread(io.BytesIO(small))[..., :3]
    assert np.sqrt((difference**2).mean()) < 0.01


@pytest.mark.slow
def test_a_palette_keeps_every_color_that_means_something() -> None:
    ax = draw.picture_axes(image())
    draw.show_image(ax, image())  # noise needs all the colours that it can get
    for column, color in enumerate(st.MEANINGS):
        draw.draw_boxes(ax, torch.tensor([[4.0 * column, 40, 4 * column + 3, 44]]), color, fill=1, halo=False)
    picture = Image.open(io.BytesIO(output.figure_to_png(ax.figure, dpi=100, colors=256))).convert("RGB")
    there = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in picture.get_flattened_data()}
    assert {color.lower() for color in st.MEANINGS} <= there


def test_a_palette_larger_than_the_picture_needs() -> None:
    ax = draw.picture_axes(image())
    ax.set_axis_off()
    draw.draw_boxes(ax, torch.tensor([[0.2, 0.2, 0.6, 0.6]]), st.FOCUS, fill=1, halo=False)
    picture = Image.open(io.BytesIO(output.figure_to_png(ax.figure, dpi=20, colors=256))).convert("RGB")
    full = Image.open(io.BytesIO(output.figure_to_png(ax.figure, dpi=20))).convert("RGB")
    assert len(full.getcolors() or []) < 100
    assert np.abs(np.asarray(full, dtype=int) - np.asarray(picture, dtype=int)).max() <= 8


def test_show_displays_the_picture_with_words_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[dict[str, object], dict[str, dict[str, object]]]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, metadata, raw: seen.append((data, metadata)))
    output.show(curves.plot_losses(history()), "four losses", dpi=60)
    ((data, metadata),) = seen
    assert data["text/plain"] == metadata["image/png"]["alt"] == "four losses"
    assert metadata["image/png"]["width"] == 800
    assert imread(io.BytesIO(data["image/png"])).shape[1] == 480  # type: ignore[arg-type]


def test_other_files_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a name ending in \.png or \.svg"):
        output.save_figure(Figure(), tmp_path / "new" / "a.bmp")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_drawing_needs_no_pyplot() -> None:
    code = "import sys, frcnn_edu.viz, frcnn_edu.lessons.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
