import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from frcnn_edu import AnchorGenerator, FasterRCNN, box_iou, fasterrcnn_small_fpn
from frcnn_edu.lessons.logbook import best_anchor, winning_anchor
from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.stride_grid import measure
from frcnn_edu.lessons.stride_grid.pictures import main as pictures
from frcnn_edu.lessons.stride_grid.pictures import places
from frcnn_edu.lessons.stride_grid.pictures import recall as reach
from frcnn_edu.model.faster_rcnn import fpn_anchors

COURSE = fpn_anchors((12, 24, 48, 80, 112))
GRIDS = [(32, 40), (16, 20), (8, 10), (4, 5), (2, 3)]
STRIDES = [(4, 4), (8, 8), (16, 16), (32, 32), (64, 53)]
IMAGE = torch.full((3, 128, 160), 0.5)


def drawn(ax: Axes) -> list[list[float]]:
    """The boxes outlined on `ax`, xyxy, edges and casings alike."""
    paths = [path for found in ax.collections if isinstance(found, PolyCollection) for path in found.get_paths()]
    return [[*path.vertices[:4].min(axis=0).tolist(), *path.vertices[:4].max(axis=0).tolist()] for path in paths]


def dots(ax: Axes) -> list[list[float]]:
    """Places of a scatter's points."""
    return [point for found in ax.collections for point in np.asarray(found.get_offsets()).tolist() if point != [0, 0]]


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_grids_and_strides_are_those_of_the_model() -> None:
    assert reach.grids_of((128, 160)) == GRIDS == pictures.grids_of_story()
    assert reach.strides_of((128, 160), GRIDS) == STRIDES
    assert reach.grids_of((800, 1088))[-1] == (13, 17)
    assert reach.strides_of((800, 1088), [(13, 17)]) == [(61, 64)]
    flat = torch.cat([level.anchors.reshape(-1, 4) for level in reach.pyramid_anchors(COURSE, (128, 160))])
    assert torch.equal(flat, torch.cat(story().trace.anchors))


def test_stride_grid_names_cells_and_strides_and_dots_every_location() -> None:
    figure = pictures.plot_stride_grid(IMAGE, GRIDS, (120, 160))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[:5] == [
        f"{name}: {h}×{w} cells" for name, (h, w) in zip(["P2", "P3", "P4", "P5", "pool"], GRIDS, strict=True)
    ]
    assert [words(ax)[0] for ax in figure.axes[3:5]] == ["stride 32", "stride 64 down, 53 across"]
    assert dots(figure.axes[4]) == [[53, 0], [106, 0], [0, 64], [53, 64], [106, 64]]
    (cells,) = [found for found in figure.axes[4].collections if isinstance(found, LineCollection)]
    across = {float(start[0]) for start, end in cells.get_segments() if start[0] == end[0]}
    assert across == {0, 64, 128, 192}  # a cell of pool stands for 64 pixels, though its anchors are 53 apart
    lined = [any(isinstance(found, LineCollection) for found in ax.collections) for ax in figure.axes[:5]]
    assert lined == [False, True, True, True, True]  # of P2's 1280 cells the dots are enough
    for ax, (rows, columns) in zip(figure.axes, GRIDS, strict=False):
        assert len(dots(ax)) == rows * columns - 1  # all but (0, 0), which dots() leaves out
    assert "(16, 32)" in words(figure.axes[5])


def test_the_tiny_example_has_its_known_answer() -> None:
    figure = pictures.plot_tiny(10, (3, 3), (15, 15))
    boxes = drawn(figure.axes[0])
    assert [-5, -5, 5, 5] in boxes
    assert [5, 5, 15, 15] in boxes
    places_of = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert places_of["0"] == (0, 0)
    assert places_of["1"] == (5, 0)
    assert places_of["3"] == (0, 5)
    listed = [text.get_text() for text in figure.texts if text.get_text().startswith("[")]
    assert listed[0] == "[−5, −5, 5, 5]"
    assert listed[1] == "[0, −5, 10, 5]"
    assert listed[-1] == "[5, 5, 15, 15]"


def test_shifts_add_up() -> None:
    y, x = torch.meshgrid(torch.arange(2) * 5, torch.arange(3) * 5, indexing="ij")
    text = words(pictures.plot_shifts(y, x, torch.tensor([[-5, -5, 5, 5]])).axes[0])
    assert {"x (2, 3)", "y (2, 3)", "(x, y, x, y)  (6, 4)", "base anchor  (1, 4)", "anchors  (6, 4)"} <= set(text)
    assert text.count("15") == 2  # x₂ of the last column in both rows, and nothing else: y₂ reaches 10
    assert text.count("10") == 2 + 4 + 5


def test_anchors_on_grid_are_those_of_level_and_cell() -> None:
    anchors = story().trace.anchors[2]
    figure = pictures.plot_anchors_on_grid(IMAGE, anchors, (8, 10), (4, 7), torch.tensor([83.5, 42, 127.5, 75]), "2")
    left, right = figure.axes
    assert sorted(drawn(left)) == sorted(anchors.tolist())
    assert left.get_title(loc="left") == "P4: 8·10·3 = 240 anchors"
    wanted = anchors[3 * 47 : 3 * 48].tolist()
    assert [box for box in drawn(right) if box in wanted] == wanted * 2  # casing and line
    (cell,) = right.patches
    assert cell.get_bbox().extents.tolist() == [112, 64, 128, 80]


def test_the_index_is_that_of_the_list() -> None:
    text = words(pictures.plot_index(GRIDS, 2, (4, 7), 1).axes[0])
    assert "4800 … 5039" in text
    assert "P4: 240" in text
    assert "4941" in text
    assert "4942  square" in text
    assert torch.cat(story().trace.anchors)[4942].tolist() == [88, 40, 136, 88]


def test_pool_lags_behind() -> None:
    figure = places.plot_pool_stride([("a", (800, 1088), 64), ("b", (128, 160), 64)])
    assert words(figure.axes[0])[0].endswith("pixels.\nThe last row’s anchors are 36 pixels too high.")
    assert words(figure.axes[1])[0].endswith("pixels.\nThe last column’s anchors are 22 pixels too far left.")
    marks = [tuple(line.get_xydata()[0]) for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert len(marks) == 13 * 17
    assert marks[-1] == (16 * 64, 12 * 61)


def test_half_a_stride_later() -> None:
    moved = places.half_stride_later([torch.zeros(1, 4), torch.ones(1, 4)], [(4, 4), (64, 53)])
    assert [boxes.tolist() for boxes in moved] == [[[2, 2, 2, 2]], [[27.5, 33, 27.5, 33]]]


def test_off_center_says_the_iou_of_what_is_drawn() -> None:
    ground_truth = torch.tensor([40.0, 40, 72, 72])
    choices = [("here", ground_truth + torch.tensor([8.0, 0, 8, 0]), 0.0, "P4"), ("there", ground_truth, 0.5, "P4")]
    choices += [("finer", ground_truth, 0.0, "P3")]
    figure = places.plot_off_center(IMAGE, ground_truth, choices)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["here: IoU 0.60", "there: IoU 1.00", "finer: IoU 1.00"]
    assert [8, 8] in dots(figure.axes[2])
    assert [8, 8] not in dots(figure.axes[0])
    assert [16, 16] in dots(figure.axes[0])
    assert [24, 24] in dots(figure.axes[1])
    assert choices[0][1].tolist() in drawn(figure.axes[0])


def test_two_anchors_are_the_best_fit_and_the_winner() -> None:
    left, right = places.two_anchors().axes
    assert left.get_title(loc="left") == "best fit: anchor 4942, P4: IoU 0.53"
    assert right.get_title(loc="left") == "winner: anchor 4303, P3: IoU 0.40"
    assert best_anchor().tolist() in drawn(left)
    assert winning_anchor().tolist() in drawn(right)


def test_best_iou_of_objects_is_that_of_each_object() -> None:
    objects = measure.objects()
    assert objects.shape == (1174, 4)
    anchors = torch.cat(story().trace.anchors)
    best = measure.best_iou_of_objects(anchors)
    assert best.shape == (1174,)
    assert best[1000] == box_iou(objects[[1000]], anchors).max()


def test_proposals_fit_worse_where_nothing_is_learnt() -> None:
    assert measure.proposals_fit(story().model, images=2) > 0.8
    assert measure.proposals_fit(fasterrcnn_small_fpn().eval(), images=2) < 0.8


def test_two_in_one_cell_shows_the_cell_and_only_sure_detections() -> None:
    image, boxes = places.picture_with_two()
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert torch.equal(centers[0] // 16, centers[1] // 16)
    found = {"boxes": boxes, "labels": torch.tensor([1, 5]), "scores": torch.tensor([0.9, 0.1])}
    figure = places.plot_two_in_one_cell(image, boxes, 16, found, story().classes)
    cell = figure.axes[0].patches[0].get_bbox()
    assert (cell.x0, cell.y0, cell.width) == (32, 96, 16)
    assert "circle 0.90" in words(figure.axes[1])
    assert not any("cross" in text for text in words(figure.axes[1]))


def test_the_model_finds_both_in_one_cell() -> None:
    model: FasterRCNN = story().model
    image, boxes = places.picture_with_two()
    with torch.no_grad():
        found = model([image])[0]
    assert (box_iou(boxes, found["boxes"][found["scores"] > 0.9]).amax(dim=1) > 0.8).all()


def test_the_best_iou_of_few_anchors_is_that_of_all() -> None:
    generator = torch.Generator().manual_seed(5)
    levels = reach.pyramid_anchors(COURSE, (128, 160))
    everything = torch.cat([level.anchors.reshape(-1, 4) for level in levels])
    reached = 0
    for side in (7, 9, 13, 24, 33, 60, 80):
        for box in reach.random_boxes(side, (120, 160), generator, count=30):
            exact = float(box_iou(box[None], everything).max())
            reached += exact >= 0.5
            assert reach.best_iou(box, levels) == pytest.approx(exact if exact >= 0.5 else 0)
    assert 100 < reached < 210


def test_recall_of_known_cases() -> None:
    levels = reach.grids_with_anchors(AnchorGenerator(((32,),), ((1.0,),)), [(60, 60)], [(1, 1)])
    assert reach.recall(levels, (22.0,), (60, 60)).tolist() == [[0], [0]]  # 22² is less than half of 32²
    half, more = reach.recall(levels, (32.0,), (60, 60))[:, 0].tolist()
    assert half == 1  # a place every pixel, and ratios up to 2: IoU at least 0.54
    assert 0 < more < 1


def test_random_boxes_have_their_side_and_stay_inside() -> None:
    boxes = reach.random_boxes(40, (60, 90), torch.Generator().manual_seed(0))
    sides = boxes[:, 2:] - boxes[:, :2]
    assert torch.allclose(sides.prod(dim=1).sqrt(), torch.tensor(40.0), atol=1e-3)
    ratios = sides[:, 1] / sides[:, 0]
    assert 0.5 <= ratios.min() < 0.6 < 1.7 < ratios.max() <= 2
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= torch.tensor([90.0, 60.0]) + 1e-3).all()


def test_recall_figures_draw_the_values() -> None:
    values = torch.tensor([[0.0, 0.5, 1.0], [0.0, 0.25, 0.75]])
    figure = reach.plot_recall([("one", (8, 16, 32), values, (12, 24), torch.tensor([10.0]))])
    lines = [line.get_ydata() for line in figure.axes[0].lines if len(line.get_ydata()) == 3]
    assert np.allclose(lines, values)
    assert {"12", "24", "IoU ≥ 0.5", "IoU ≥ 0.7"} <= set(words(figure.axes[0]))
    figure = reach.plot_small_objects((8, 16, 32), [("a", values), ("b", 1 - values)])
    for index in (0, 1):
        shown = [line.get_ydata() for line in figure.axes[index].lines]
        assert np.allclose(shown, torch.stack((values[index], 1 - values[index])))
