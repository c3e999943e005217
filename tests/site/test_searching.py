"""What learners look for, and the sections that answer it: the search must show them early."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from frcnn_edu.notebook_checks.browser import find_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_browser() is None and not os.environ.get("BROWSER_REQUIRED"), reason="no Chromium was found"
    ),
]
# A query, among how many of the first pages its page has to be, the page, and a section that is shown below it, if any.
QUERIES = [
    ("number of classes", 3, "12 · Box head", "Label 0 is background"),
    ("number of classes", 3, "The parameters of FasterRCNN", "num_classes"),
    ("num_classes", 3, "12 · Box head", "Label 0 is background"),
    ("why is RoIAlign better than RoIPool", 1, "11 · RoIAlign", "RoIPool: rounding twice"),
    ("batch norm", 1, "02 · Backbone", "Frozen BatchNorm: what is frozen?"),
    ("batchnorm", 1, "02 · Backbone", "Frozen BatchNorm: what is frozen?"),
    ("labels start at 1", 3, "12 · Box head", "Label 0 is background"),
    ("save the model", 3, "Training", "Nothing is lost"),
    ("loss is nan", 1, "13 · Four losses, deeper", "Why is a loss NaN?"),
    ("validation loss", 1, "13 · Four losses, deeper", "How do I get a validation loss?"),
    ("small objects are not detected", 3, "05 · Stride grid, deeper", "Small objects: what helps?"),
    ("images without objects", 3, "08 · IoU labelling, deeper", "Images without boxes"),
    ("smooth l1 loss", 1, "13 · Four losses, deeper", "L1 or smooth L1?"),
    ("0.7", 3, "09 · Proposals", "What the NMS threshold does"),
    ("how do anchors work", 1, "04 · Base anchors", ""),
    ("anchor sizes and aspect ratios", 3, "04 · Base anchors", ""),
    ("resume training after a crash", 3, "Training", "Nothing is lost"),
    ("learning rate for one gpu", 3, "14 · Train the complete model, deeper", "Fewer GPUs, different AP?"),
    ("feature map stride", 3, "05 · Stride grid", ""),
    ("what does nms do", 1, "09 · Proposals", "Step 6 · Non-maximum suppression"),
    ("intersection over union", 1, "08 · IoU labelling", "Intersection over union"),
    ("why log in box regression", 3, "07 · Box coding", "Why a logarithm?"),
    ("coco format", 3, "Data sets", "What is read"),
    ("custom dataset", 3, "Data sets", ""),
    ("resnet 50", 1, "02 · Backbone", "ResNet-50, stage by stage"),
    ("image size min_size max_size", 3, "01 · Transform", "2 · Resize (缩放): which size?"),
    ("pad images in a batch", 1, "01 · Transform", "5 · One batch: pad on the right and below"),
    ("softmax or sigmoid", 3, "12 · Box head", "Softmax: the classes compete"),
    ("positive and negative samples", 1, "08 · IoU labelling", "The sampler: a few positives among many negatives"),
    ("bilinear interpolation", 3, "11 · RoIAlign", "A value between the cells"),
    ("average precision", 1, "14 · Train the complete model", "Average precision (平均精度)"),
    ("run out of memory", 3, "Speed and memory", ""),
    ("top down pathway", 1, "03 · Feature pyramid: P2 to P5 and pool", "What does the top-down path change?"),
    ("score threshold", 3, "12 · Box head, deeper", "Two thresholds, and what they do"),
    ("multiple gpus", 3, "Training", "Several GPUs"),
    ("overfit one image", 1, "14 · Train the complete model, deeper", "Overfit first"),
    ("receptive field", 3, "02 · Backbone", "The stride is not the receptive field"),
    ("export to onnx", 3, "The command line", ""),
    ("anchors outside the image", 3, "05 · Stride grid, deeper", "Anchors that leave the image"),
    ("pretrained weights", 3, "16 · Your own data", "Which model, and which weights?"),
    ("normalize mean std", 1, "01 · Transform", "1 · Normalise (标准化)"),
    ("box deltas", 1, "07 · Box coding", ""),
    ("why does training need so much memory", 3, "15 · Why it is fast", "9 · Store less, recompute more"),
    ("detach proposals", 1, "13 · Four losses, deeper", "The proposals are detached"),
    ("which level for a box", 3, "10 · Level mapper", ""),
    (
        "nearest or bilinear upsampling",
        3,
        "03 · Feature pyramid: P2 to P5 and pool",
        "Nearest upsampling invents nothing",
    ),
    ("use my own photos", 1, "16 · Your own data", ""),
    ("how fast is it", 1, "15 · Why it is fast", ""),
]
SHOWN = """(query) => find(query).pages.slice(0, 3).map(({ page, best }) =>
  [page.title, best.map(({ section }) => section[1])])"""


@pytest.fixture(scope="module")
def search(site: Path, browser: Any) -> Any:
    """The page "Search"."""
    page = browser.new_page()
    page.goto(f"file://{site / 'search.html'}")
    yield page
    page.close()


@pytest.mark.parametrize(("query", "among", "title", "heading"), QUERIES)
def test_a_query_leads_to_its_answer(search: Any, query: str, among: int, title: str, heading: str) -> None:
    shown = dict(search.evaluate(SHOWN, query)[:among])
    assert title in shown
    assert not heading or heading in shown[title]


def test_the_sections_of_the_queries_exist(site: Path) -> None:
    """So that a heading that is renamed fails here, with its name, and not as a bad ranking."""
    script = (site / "_static" / "search_words.js").read_text(encoding="utf-8")
    pages = json.loads(script.removeprefix("const PAGES = ").rstrip(";\n").removesuffix(",\n]") + "]")
    headings = {(page["title"], heading) for page in pages for _, heading, *_ in page["sections"]}
    assert {(title, heading or title) for *_, title, heading in QUERIES} - headings == set()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("RoIAlign better RoIPool", "1 page contains “RoIAlign”, “better” and “RoIPool”; "),
        ("pathway xyzzyqq", "No page contains “xyzzyqq”. "),
    ],
)
def test_the_page_says_which_words_were_found(site: Path, search: Any, query: str, said: str) -> None:
    search.goto(f"file://{site / 'search.html'}?q={query}")
    assert said in search.text_content("#search-status")


# On the Chinese pages: a query, among how many of the first pages its page has to be, and the page.
CHINESE = [
    ("低质量匹配", 3, "notebooks/deeper/08_iou_labeling.html"),
    ("怎么计算交并比", 1, "notebooks/08_iou_labeling.html"),
    ("anchor", 3, "notebooks/04_base_anchors.html"),
    ("锚框的尺寸和高宽比", 3, "notebooks/04_base_anchors.html"),
    ("非极大值抑制", 2, "notebooks/09_proposals.html"),
    ("NMS 阈值", 3, "notebooks/09_proposals.html"),
    ("感受野", 3, "notebooks/02_backbone.html"),
    ("损失是 NaN", 2, "notebooks/deeper/13_losses.html"),
    ("双线性插值", 4, "notebooks/11_roi_align.html"),
    ("标签从 0 还是 1 开始", 5, "notebooks/12_box_head.html"),
    ("用自己的照片训练", 3, "notebooks/16_your_own_data.html"),
    ("特征金字塔", 1, "notebooks/03_fpn.html"),
    ("导出 ONNX", 3, "docs/command_line.html"),
    ("数据集格式", 3, "docs/data_sets.html"),
]


@pytest.fixture(scope="module")
def chinese_search(site: Path, browser: Any) -> Any:
    """The Chinese page "Search"."""
    page = browser.new_page()
    page.goto(f"file://{site / 'zh' / 'search.html'}")
    yield page
    page.close()


@pytest.mark.parametrize(("query", "among", "file"), CHINESE)
def test_a_chinese_query_leads_to_its_answer(chinese_search: Any, query: str, among: int, file: str) -> None:
    shown = chinese_search.evaluate("query => find(query).pages.map(({ page }) => page.file)", query)
    assert file in shown[:among], shown[:6]


def test_the_chinese_page_speaks_chinese(site: Path, chinese_search: Any) -> None:
    chinese_search.goto(f"file://{site / 'zh' / 'search.html'}?q=交并比")
    assert "个页面包含“交并比”。" in chinese_search.text_content("#search-status")
    assert chinese_search.locator("#search-results h2 a").first.get_attribute("href").startswith("notebooks/")
