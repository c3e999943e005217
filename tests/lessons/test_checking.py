import pytest
import torch

from frcnn_edu.lessons.checking import Verdict, checker, expect, expect_shape


@checker
def doubles(answer) -> str:  # type: ignore[no-untyped-def]
    """A checker as the notebooks have them."""
    result = answer(torch.ones(2))
    expect_shape(result, (2,), "The result")
    expect((result == 2).all(), "Twice 1 is 2.")
    return "So it is."


def test_a_right_answer_is_praised() -> None:
    verdict = doubles(lambda x: 2 * x)
    assert verdict
    assert repr(verdict) == "Right. So it is."


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: 3 * x, "Twice 1 is 2."),
        (lambda x: x[:1], "The result should have shape (2,), but has (1,)."),
        (lambda x: [2, 2], "The result should be a tensor, but is a list."),
        (..., "There is no answer yet"),
        (None, "There is no answer yet"),
        (7, "'int' object is not callable"),
    ],
)
def test_a_wrong_one_gets_a_hint(answer: object, message: str) -> None:
    verdict = doubles(answer)
    assert not verdict
    assert repr(verdict).startswith("Not yet. ")
    assert message in verdict.message


def test_a_stub_is_told_from_a_mistake() -> None:
    def stub(x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def mistaken(x: torch.Tensor) -> torch.Tensor:
        return x @ torch.ones(3)

    assert "no body yet: replace the line that raises NotImplementedError" in doubles(stub).message
    assert "x @ torch.ones(3)" in doubles(mistaken).message


def test_the_readers_tensor_is_not_changed() -> None:
    @checker
    def careless(answer) -> str:  # type: ignore[no-untyped-def]
        answer.zero_()
        return "Fine."

    mine = torch.ones(2)
    assert careless(mine)
    assert mine.sum() == 2


def test_a_verdict_is_true_or_false() -> None:
    assert Verdict(True, "")
    assert not Verdict(False, "")
