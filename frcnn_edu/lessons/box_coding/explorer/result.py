"""Box coding in both directions: decode an anchor and four deltas into a box, encode an anchor and a box into four deltas."""

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from frcnn_edu.lessons.board.scene import Rect
from frcnn_edu.lessons.story import Story, follow
from frcnn_edu.model.rpn import concat_box_prediction_layers
from frcnn_edu.ops import BoxCoder, box_iou

from ..pictures.main import DELTAS, RPN

CODERS = {"rpn": RPN, "head": BoxCoder((10.0, 10.0, 5.0, 5.0))}
CLIP = RPN.bbox_xform_clip  # log(1000 / 16)


@dataclass(frozen=True)
class State:
    anchor: Rect
    dx: float
    dy: float
    dw: float
    dh: float
    weights: str = "rpn"

    @property
    def deltas(self) -> Tensor:
        """(1, 4)."""
        return torch.tensor([[self.dx, self.dy, self.dw, self.dh]])

    @property
    def unweighted(self) -> list[float]:
        """The deltas divided by their weights: the arguments of exp and its clamp."""
        return (self.deltas[0] / torch.tensor(CODERS[self.weights].weights)).tolist()


@dataclass(frozen=True)
class Result:
    """An anchor and the box that is decoded from it.

    `moved` (4,) is the decoded box; `encoded` (4,) are its deltas by the coder: those of the state, unless they were clamped.
    `predicted` (4,) are the RPN's deltas for this anchor, in the state's weights; None if the model does not have this anchor.
    `ground_truth` is the followed object, `fit` the decoded box's IoU with it.
    """

    state: State
    moved: Tensor
    encoded: Tensor
    predicted: Tensor | None
    ground_truth: Tensor
    fit: float


@cache
def predictions(of: Story) -> tuple[Tensor, Tensor]:
    """All anchors (A, 4) and the deltas (A, 4) that the RPN predicts for them."""
    _, deltas = concat_box_prediction_layers(of.trace.objectness, of.trace.deltas)
    return torch.cat(of.trace.anchors), deltas


def start(of: Story) -> State:
    """The object's best-fitting anchor, and the RPN's deltas for it."""
    anchors, deltas = predictions(of)
    best = follow(of).anchor
    return State(tuple(anchors[best].tolist()), *deltas[best].tolist())


def encode(anchor: Rect, box: Rect, weights: str) -> dict[str, float]:
    """The deltas from an anchor to a box, by the model's coder; −∞ if the box has no size."""
    deltas = CODERS[weights].encode_single(torch.tensor([box]), torch.tensor([anchor]))[0]
    deltas = deltas.nan_to_num(nan=-math.inf, neginf=-math.inf)  # a negative size has no logarithm either
    return dict(zip(DELTAS, deltas.tolist(), strict=True))


def decode(state: State) -> Tensor:
    """The box (4,) that the model's coder decodes from a state."""
    return CODERS[state.weights].decode_single(state.deltas, torch.tensor([state.anchor]))[0]


def compute(state: State, of: Story) -> Result:
    """Decode the deltas, and encode the result."""
    moved = decode(state)
    encoded = torch.tensor(list(encode(state.anchor, tuple(moved.tolist()), state.weights).values()))
    anchors, deltas = predictions(of)
    own = (anchors == torch.tensor(state.anchor)).all(dim=1)  # (A,)
    predicted = deltas[own][0] * torch.tensor(CODERS[state.weights].weights) if own.any() else None
    return Result(state, moved, encoded, predicted, of.box, float(box_iou(moved[None], of.box[None])))
