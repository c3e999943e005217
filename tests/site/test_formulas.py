"""Formulas: the MathML that is made from LaTeX, what is refused, and what a browser draws of it."""

import io
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from reading_pages import ROOT, pages_of

from frcnn_edu.languages.edition import Edition
from frcnn_edu.site.formulas import mathml
from frcnn_edu.site.math_font import write_math_font
from frcnn_edu.site.pages.home import home
from frcnn_edu.site.sphinx_run import Shown, run_sphinx

THIN = '<mspace width="0.167em" />'
SIZES = ((1280, 900), (390, 800))  # screens


def inner(latex: str) -> str:
    """The MathML of a formula, without the elements around all of it."""
    return mathml(latex, "inline").split("<mrow>", 1)[1].removesuffix("</mrow></math>")


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\ln 2", f"<mi>ln</mi>{THIN}<mn>2</mn>"),
        (r"\ln(x)", '<mi>ln</mi><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo>'),
        (r"2 \ln x", f"<mn>2</mn>{THIN}<mi>ln</mi>{THIN}<mi>x</mi>"),
        (r"\ln |x", '<mi>ln</mi><mo stretchy="false">|</mo><mi>x</mi>'),
        (r"\max x", f'<mo lspace="0" rspace="0">max</mo>{THIN}<mi>x</mi>'),
        (r"\ln \frac12", f"<mi>ln</mi>{THIN}<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        ("1 ≈ 2", "<mn>1</mn><mo>≈</mo><mn>2</mn>"),
        ("a · b × c", "<mi>a</mi><mo>·</mo><mi>b</mi><mo>×</mo><mi>c</mi>"),
        (r"∞ = \infty", "<mi>∞</mi><mo>=</mo><mi>∞</mi>"),
        ("h/w", '<mi>h</mi><mo lspace="0" rspace="0">/</mo><mi>w</mi>'),
        ("a = -1", '<mi>a</mi><mo>=</mo><mo form="prefix">−</mo><mn>1</mn>'),
        (r"a,\ -1", '<mi>a</mi><mo>,</mo><mtext>\xa0</mtext><mo form="prefix">−</mo><mn>1</mn>'),
        ("a' - 1", '<mrow><mi>a</mi><mo form="postfix" lspace="0" rspace="0">′</mo></mrow><mo>−</mo><mn>1</mn>'),
        ("61{,}440", "<mn>61,440</mn>"),
        (r"\mathrm{IoU}", "<mi>IoU</mi>"),
        (r"\mathrm{min\_size}", "<mi>min_size</mi>"),
        (r"\mathrm{longer\ side}", "<mtext>longer\xa0side</mtext>"),
        ("a | b", '<mi>a</mi><mo stretchy="false">|</mo><mi>b</mi>'),
        ("y_1", '<msub><mpadded depth="0"><mi>y</mi></mpadded><mn>1</mn></msub>'),
        ("y^2", '<msup><mpadded height="0.01em"><mi>y</mi></mpadded><mn>2</mn></msup>'),
        ("y_1^2", '<msubsup><mpadded depth="0" height="0.01em"><mi>y</mi></mpadded><mn>1</mn><mn>2</mn></msubsup>'),
        ("a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (r"\lfloor -i \rfloor", "<mo …>⌊</mo><mo …>−</mo><mi>i</mi><mo …>⌋</mo>"),
        ("|d| < 1", "<mo …>|</mo><mi>d</mi><mo …>|</mo><mo>&lt;</mo><mn>1</mn>"),
    ],
)
def test_the_mathml_of_a_formula(latex: str, expected: str) -> None:
    found = inner(latex)
    assert (re.sub("<mo [^>]*>", "<mo …>", found) if "…" in expected else found) == expected


def test_bars_open_and_close() -> None:
    assert re.findall('form="(\\w+)"', inner("|d| - |e|^2")) == ["prefix", "postfix", "prefix", "postfix"]


def test_scripts_have_no_space_around_operators() -> None:
    assert '<mo lspace="0" rspace="0">+</mo>' in inner("P_{n+1}")
    assert "<mo>+</mo>" in inner("n+1")


def test_roots_are_equally_high() -> None:
    for latex in (r"\sqrt{h w}", r"\sqrt r", r"\sqrt[3]{x}"):
        assert '<mspace height="0.77em" depth="0" />' in inner(latex)


def test_braces_stretch() -> None:
    for latex, brace in ((r"\underbrace{a + b}_{c}", "⏟</mo></munder>"), (r"\overbrace{a + b}^{c}", "⏞</mo></mover>")):
        assert re.search(f'<mo stretchy="true"[^>]*>{brace}', inner(latex)), latex


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\foo x", r"\foo"),
        (r"\label{x} a", r"\label"),
        (r"\text{min\_size}", r"min\_size"),
        (r"\begin{foo} a \end{foo}", "foo"),
        (r"\mathfoo{ab}", r"\mathfoo"),
        (r"\mathbf{ab}", "bold"),
        (r"\mathbb{R}", "ℝ"),
        ("框", "框"),
        ("{a", "brace"),
        ("a & b", "&"),
        (r"\frac{a}", "mfrac"),
        ("x^2^3", "DoubleSuperscripts"),
        (r"\left( a", "MissingRight"),
    ],
)
def test_what_is_not_known_is_refused(latex: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        mathml(latex, "inline")


def test_a_wrong_formula_ends_the_build_with_its_page(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "contents.md").write_text("# A page\n\nHere are $x$ and\n$\\foo y$.\n", encoding="utf-8")
    shown = Shown(Edition(ROOT), [{"caption": "Pages", "pages": [("contents", "A page")]}], home(Edition(ROOT)), [])
    with pytest.raises(ValueError, match=r"contents\.md.*\\foo y") as error:
        run_sphinx(source, tmp_path / "site", tmp_path / "work", [shown])
    assert "x cannot" not in str(error.value)


def test_no_formula_of_the_course_prints_a_command(site: Path) -> None:
    formulas = [
        formula for page in pages_of(site) for formula in re.findall("<math.*?</math>", page.read_text("utf-8"))
    ]
    assert len(formulas) > 200
    assert not [formula for formula in formulas if "\\" in formula]


def test_high_roots_are_as_narrow_as_low_ones(tmp_path: Path) -> None:
    write_math_font(tmp_path / "math.woff")
    font = TTFont(tmp_path / "math.woff")
    variants, root = font["MATH"].table.MathVariants, font.getBestCmap()[ord("√")]
    signs = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(root)]
    names = {record.VariantGlyph for record in signs.MathGlyphVariantRecord}
    names |= {part.glyph for part in signs.GlyphAssembly.PartRecords}
    assert len(names) == 7
    assert {font["hmtx"][name][0] for name in names} == {font["hmtx"][root][0]}


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}px")
def tab(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of the browser, as wide as a screen or a phone."""
    width, height = request.param
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    yield page
    page.close()


def open_page(tab: Any, file: Path) -> None:
    tab.goto(file.as_uri())
    tab.evaluate("document.fonts.ready")


def test_a_brace_is_as_wide_as_what_is_above_it(site: Path, tab: Any) -> None:
    open_page(tab, site / "notebooks" / "02_backbone.html")
    braces = tab.locator("munder:has(> mo)")
    assert braces.count() == 2
    for width in (tab.viewport_size["width"], tab.viewport_size["width"] - 60):  # a page that is drawn again lost parts
        tab.set_viewport_size({"width": width, "height": 900})
        braces.first.scroll_into_view_if_needed()
        for brace in braces.all():
            assert inked(tab, brace) >= 0.9


def inked(tab: Any, brace: Any) -> float:
    """How much of the width of an expression the ink of its brace spans."""
    whole, sign = brace.bounding_box(), brace.locator("> mo").bounding_box()
    clip = {"x": whole["x"], "y": sign["y"], "width": whole["width"], "height": sign["height"]}
    image = Image.open(io.BytesIO(tab.screenshot(clip=clip))).convert("L").point(lambda value: 255 * (value < 160))
    left, _, right, _ = image.getbbox() or (0, 0, 0, 0)
    return (right - left) / image.width


def test_lines_with_fractions_do_not_touch(site: Path, tab: Any) -> None:
    open_page(tab, site / "notebooks" / "13_losses.html")
    boxes = tab.evaluate(
        """[...document.querySelectorAll('p, li')].filter((e) => e.querySelector('math mfrac')).flatMap((e) =>
        [...e.querySelectorAll(':scope math > mrow')].map((m) => m.getBoundingClientRect().toJSON()))"""
    )
    assert len(boxes) > 4
    for one, other in pairwise(sorted(boxes, key=lambda box: box["y"])):
        apart = other["top"] - one["bottom"]
        beside = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert apart > 4 or (beside and abs(centre(one) - centre(other)) < 14), (one, other)


def centre(box: dict[str, float]) -> float:
    return (box["top"] + box["bottom"]) / 2


def test_subscripts_are_level(site: Path, tab: Any) -> None:
    open_page(tab, site / "docs" / "glossary.html")
    tops = tab.evaluate(
        """[...document.querySelectorAll('math')].filter((e) => e.textContent == '(x1,y1,x2,y2)').map((e) =>
        [...e.querySelectorAll('mn')].map((digit) => digit.getBoundingClientRect().top))"""
    )
    assert len(tops) > 0
    for row in tops:
        assert max(row) - min(row) < 0.5, row


def test_no_root_leaves_a_gap(site: Path, tab: Any) -> None:
    open_page(tab, site / "notebooks" / "04_base_anchors.html")
    gaps = tab.evaluate(
        """[...document.querySelectorAll('msqrt')].map((e) => (e.getBoundingClientRect().right
        - e.lastElementChild.getBoundingClientRect().right) / parseFloat(getComputedStyle(e).fontSize))"""
    )
    assert len(gaps) > 4
    assert max(gaps) < 0.15


def test_a_mark_stays_with_its_formula(site: Path, tab: Any) -> None:
    open_page(tab, site / "notebooks" / "13_losses.html")
    kept = tab.evaluate(
        "[...document.querySelectorAll('.keep')].map((e) => [e.textContent, getComputedStyle(e).whiteSpace])"
    )
    assert len(kept) > 4
    assert {style for _, style in kept} == {"nowrap"}
    assert all(text[0] in "([“‘" or text[-1] in ",.;:!?)]”’" for text, _ in kept)
