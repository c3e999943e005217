"""The course: one folder for each lesson, with its figures, its explorer and the checkers of its exercises."""

from ..lazy import lazily

__getattr__, _ = lazily(__name__, __file__)  # modules are imported on first use; missing dependencies are named

#: The lessons in their order. The number of a lesson is its place here; notebook 03 is `notebooks/03_fpn.ipynb`.
LESSONS = (
    "the_whole_network",
    "transform",
    "backbone",
    "fpn",
    "base_anchors",
    "stride_grid",
    "rpn_head",
    "box_coding",
    "iou_labeling",
    "proposals",
    "level_mapper",
    "roi_align",
    "box_head",
    "losses",
    "train_the_complete_model",
    "why_it_is_fast",
    "your_own_data",
)

#: The lessons that have an explorer, in their order, and what it is called: `explore.fpn_levels()` opens that of "fpn".
EXPLORER_OF = {
    "the_whole_network": "whole_path",
    "fpn": "fpn_levels",
    "base_anchors": "base_anchors",
    "stride_grid": "stride_grid",
    "box_coding": "box_coding",
    "iou_labeling": "iou_labeling",
    "proposals": "proposals",
    "level_mapper": "level_mapper",
    "roi_align": "roi_align",
    "box_head": "detections",
    "your_own_data": "any_box",
}
EXPLORER_NAMES = tuple(EXPLORER_OF.values())


def notebook_name(lesson: str) -> str:
    """The file name of a lesson's notebook: "fpn" → "03_fpn.ipynb".

    Raises:
        ValueError: there is no such lesson.
    """
    if lesson not in LESSONS:
        raise ValueError(f"there is no lesson {lesson!r}; the lessons are {', '.join(LESSONS)}")
    return f"{LESSONS.index(lesson):02d}_{lesson}.ipynb"
