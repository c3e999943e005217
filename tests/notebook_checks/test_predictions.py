import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from frcnn_edu.notebook_checks.predictions import prediction_problems, sentences


def problems_of(text: str, followed_by_code: bool = True) -> list[str]:
    following = new_code_cell("1 + 1") if followed_by_code else new_markdown_cell("And so on.")
    return prediction_problems([new_markdown_cell(text, id="words"), following])


@pytest.mark.parametrize(
    "text",
    [
        "Three levels, as `model.rpn` says.\n\n**Predict.** How many anchors are there?",
        "**Predict.** How many of the 5118 anchors, e.g. those on P2, cross the border? And which of $a = 3.5$ and\n$b$ is larger?",
        "No prediction at all. Only 3 = 3.",
    ],
    ids=["one question", "two questions over two lines", "none"],
)
def test_a_prediction_may_ask(text: str) -> None:
    assert problems_of(text) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("**Predict.** There are 3 · 1706 = 5118 anchors.", "answers nothing itself"),
        ("**Predict.** How many? There are 5118.", "answers nothing itself"),
        ("*Predict:* how many are there?", "begins with"),
        ("**Predict.** How many are there?\n\nThere are 5118.", "last paragraph before a code cell"),
    ],
    ids=["a statement", "a question and its answer", "another form", "an answer below"],
)
def test_a_prediction_that_answers_itself_is_found(text: str, complaint: str) -> None:
    assert any(complaint in problem for problem in problems_of(text))


def test_the_answer_comes_after_a_code_cell() -> None:
    assert "code cell" in problems_of("**Predict.** How many are there?", followed_by_code=False)[0]


def test_a_section_asks_at_most_three_times() -> None:
    asks = [new_markdown_cell("**Predict.** And then?", id=f"ask-{number}") for number in range(4)]
    cells = [new_markdown_cell("## One", id="one")] + [cell for ask in asks for cell in (ask, new_code_cell("1"))]
    assert prediction_problems(cells) == ["cell 'ask-3': more than 3 predictions in section 'One'"]
    cells.insert(3, new_markdown_cell("## Two", id="two"))
    assert prediction_problems(cells) == []


def test_sentences_are_told_apart() -> None:
    assert sentences("Is it 0.5, i.e. a half? Or `x`? It is.") == ["Is it 0.5, i.e. a half?", "Or `x`?", "It is."]
