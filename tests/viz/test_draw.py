import io

import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from scenes import BOXES, CLASSES, LABELS, image
from torch import Tensor

from frcnn_edu.viz import draw, output
from frcnn_edu.viz import style as st


def pixels(figure: Figure) -> np.ndarray:
    return imread(io.BytesIO(output.figure_to_png(figure, dpi=60)))


# ---------------------------------------------------------------------------------------------------------------- boxes


def test_boxes_lie_where_they_are() -> None:
    ax = draw.picture_axes(image())
    drawn = draw.draw_boxes(ax, BOXES, st.ANCHOR)
    for path, box in zip(drawn.get_paths(), BOXES.tolist(), strict=True):
        (x1, y1), (x2, y2) = path.vertices.min(axis=0), path.vertices.max(axis=0)
        assert [x1, y1, x2, y2] == box


def test_a_box_shows_on_any_background() -> None:
    for shade in (0.0, 0.5, 1.0):
        plain, boxed = (draw.picture_axes(image()) for _ in range(2))
        for ax in (plain, boxed):
            draw.show_image(ax, torch.full((3, 96, 128), shade))
        draw.draw_boxes(boxed, BOXES, st.IGNORED)
        difference = np.abs(pixels(plain.figure) - pixels(boxed.figure)).max(axis=-1)
        assert (difference > 0.2).sum() > 200


def test_an_outline_leaves_the_inside_alone() -> None:
    ax = draw.picture_axes(image())
    draw.show_image(ax, torch.full((3, 96, 128), 0.5))
    empty = pixels(ax.figure)
    draw.draw_boxes(ax, torch.tensor([[20.0, 20, 100, 80]]), st.ANCHOR)
    rows, columns = empty.shape[:2]
    middle = (slice(rows // 2 - 20, rows // 2 + 20), slice(columns // 2 - 20, columns // 2 + 20))
    assert np.array_equal(pixels(ax.figure)[middle], empty[middle])
    draw.draw_boxes(ax, torch.tensor([[20.0, 20, 100, 80]]), st.ANCHOR, fill=0.5)
    assert not np.array_equal(pixels(ax.figure)[middle], empty[middle])


def test_no_boxes_are_legal() -> None:
    ax = draw.picture_axes(image())
    assert draw.draw_boxes(ax, torch.zeros(0, 4), st.ANCHOR).get_paths() == []


def test_one_color_per_box() -> None:
    ax = draw.picture_axes(image())
    drawn = draw.draw_boxes(ax, BOXES, ["#ff0000", "#0000ff"])
    assert drawn.get_edgecolors()[:, :3].tolist() == [[1, 0, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match="each of the 2 boxes, got 3"):
        draw.draw_boxes(ax, BOXES, ["#ff0000"] * 3)


def test_boxes_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(4,\)"):
        draw.draw_boxes(draw.picture_axes(image()), BOXES[0], st.ANCHOR)


@pytest.mark.parametrize(
    "wrong", [torch.zeros(3, 8, 8, dtype=torch.uint8), torch.zeros(8, 8, 3), torch.zeros(1, 3, 8, 8)]
)
def test_what_is_no_image_is_refused(wrong: Tensor) -> None:
    with pytest.raises(ValueError, match="image: expected float"):
        draw.show_image(draw.picture_axes(image()), wrong)


# ----------------------------------------------------------------------------------------------------------- detections


def texts(ax: object) -> list[str]:
    return [text.get_text() for text in ax.texts]  # type: ignore[attr-defined]


def test_detections_are_named_and_scored_best_first() -> None:
    ax = draw.draw_detections(image(), BOXES, LABELS, torch.tensor([0.6, 0.876]), classes=CLASSES)
    assert texts(ax) == ["square 0.88", "circle 0.60"]


def test_written_labels_fit_their_chips_and_the_picture() -> None:
    boxes = torch.tensor([[0.0, 0, 30, 20], [1, 1, 31, 21], [100, 60, 128, 96], [99, 70, 128, 96]])
    labels = torch.tensor([1, 1, 2, 2])
    ax = draw.draw_detections(image(), boxes, labels, torch.tensor([0.9, 0.8, 0.7, 0.6]), classes=CLASSES)
    ax.figure.draw_without_rendering()  # lays the text out
    frame = ax.get_window_extent()
    extents = [text.get_window_extent() for text in ax.texts]
    chips = [
        c.get_paths()[0].transformed(ax.transData).get_extents()
        for c in ax.collections
        if isinstance(c, PolyCollection) and c.zorder == 3
    ]
    assert len(extents) == len(chips) == 4
    for text, chip in zip(extents, chips, strict=True):
        assert chip.x0 <= text.x0
        assert text.x1 <= chip.x1
        assert frame.x0 - 1 <= chip.x0
        assert chip.x1 <= frame.x1 + 1
        assert frame.y0 - 1 <= chip.y0
        assert chip.y1 <= frame.y1 + 1


def test_annotations_need_no_scores() -> None:
    assert texts(draw.draw_detections(image(), BOXES, LABELS, classes=CLASSES)) == ["circle", "square"]


def test_ground_truth_is_dashed_and_in_its_color() -> None:
    ax = draw.draw_detections(
        image(), torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), classes=CLASSES, ground_truth={"boxes": BOXES}
    )
    ground_truth = ax.collections[-1]
    assert ground_truth.get_linestyle()[0][1] is not None  # a dash pattern
    assert len(ground_truth.get_paths()) == 2
    assert np.allclose(ground_truth.get_edgecolors()[0][:3], [0, 0x9E / 255, 0x73 / 255])


def test_labels_without_a_name_are_refused() -> None:
    with pytest.raises(ValueError, match="label 2 has no name: there are 2 classes"):
        draw.draw_detections(image(), BOXES, LABELS, classes=CLASSES[:2])
    with pytest.raises(ValueError, match="got 2 boxes, 1 labels"):
        draw.draw_detections(image(), BOXES, LABELS[:1], classes=CLASSES)


def test_the_sheet_shows_what_passes_the_threshold() -> None:
    found = {"boxes": BOXES, "labels": LABELS, "scores": torch.tensor([0.9, 0.2])}
    target = {"boxes": BOXES}
    figure = draw.detection_sheet([image(), image(64, 64), image()], [found] * 3, [target] * 3, CLASSES, columns=2)
    assert len(figure.axes) == 3
    assert texts(figure.axes[0]) == ["circle 0.90", "1 detected / 2 annotated"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["circle", "annotated"]
    assert texts(draw.detection_sheet([image()], [found], None, CLASSES).axes[0])[-1] == "1 detected"


def test_a_sheet_of_unequal_lists_is_refused() -> None:
    with pytest.raises(ValueError, match="got 2 images, 1 detections, 0 targets"):
        draw.detection_sheet([image()] * 2, [{}], [], CLASSES)
    with pytest.raises(ValueError, match="got 0 images"):
        draw.detection_sheet([], [], None, CLASSES)


def test_labels_find_their_boxes_in_a_panel_that_shows_a_part() -> None:
    ax = draw.picture_axes(image())
    draw.show_image(ax, image())
    ax.set(xlim=(50, 90), ylim=(80, 30))
    draw.draw_labels(ax, BOXES[1:], ["square"], [st.ANCHOR])
    (chip,) = [collection for collection in ax.collections if isinstance(collection, PolyCollection)]
    (x1, y1), (x2, y2) = chip.get_paths()[0].vertices.min(axis=0), chip.get_paths()[0].vertices.max(axis=0)
    assert 50 <= x1 < x2 <= 90
    assert 30 <= y1 < y2 <= 80
