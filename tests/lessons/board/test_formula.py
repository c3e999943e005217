from frcnn_edu.lessons.board.formula import Frac, Root, Sub, Table, Term, html, text


def test_text_can_be_read_aloud() -> None:
    line = ["k = ", Frac([Root([Term("3"), " · ", Term("4")])], "s"), " + ", Frac("a + b", ["2"]), Sub("d", "x")]
    assert text(line) == "k = √(3 · 4) / s + (a + b) / 2d_x"
    assert text(Sub("v", "12")) == "v₁₂"


def test_html_keeps_marks_and_colours_and_nothing_else() -> None:
    assert html(Term("7", "anchor:3", "#123456")) == (
        '<b class="fe-term" data-mark="anchor:3" tabindex="0" data-meaning="#123456">7</b>'
    )
    assert html(Term("7")) == '<b class="fe-term">7</b>'
    assert html(["a < b & c", Term("<i>", "x")]).count("<") == 2  # only the term's own tags
    assert html(Frac("1", "2")).count("<span") == 3
    assert html(Root("2")) == '<span class="fe-root">√<span>2</span></span>'
    assert html(Sub("d", "x")) == "d<sub>x</sub>"


def test_a_table_in_both_ways() -> None:
    table = Table([["step", "boxes"], ["top n", Term("12")], ["nms", "3"]])
    assert text(table).splitlines() == ["step   boxes", "top n  12", "nms    3"]
    assert html(table).count("<tr>") == 3
    assert html(table).count("<th>") == 2
