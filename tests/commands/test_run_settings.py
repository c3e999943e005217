"""How messages about settings are told to those who know the options of the command line."""

from argparse import ArgumentParser, Namespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.commands.options import COMMANDS
from frcnn_edu.commands.run_settings import OPTION_OF, as_options, names_as_options
from frcnn_edu.commands.train import _begin
from frcnn_edu.data import ImageFileError
from frcnn_edu.data.unreadable import unreadable
from frcnn_edu.training import TrainConfig
from frcnn_edu.training.config import check_parts, check_pretraining
from frcnn_edu.training.processes import ALONE

NAMES = st.sampled_from(sorted(OPTION_OF))
ORDINARY = st.sampled_from(["data", "images", "model", "weights", "schedule", "a", "seed", "of", "epochs"])


def test_every_option_is_one_of_train() -> None:
    parser = ArgumentParser()
    next(command for command in COMMANDS if command.name == "train").add_options(parser)
    assert {*OPTION_OF.values()} <= {option for action in parser._actions for option in action.option_strings}
    assert {action.dest for action in parser._actions} >= {*OPTION_OF}


@given(NAMES, st.lists(ORDINARY, min_size=1))
def test_a_name_counts_first_or_with_a_value_or_with_an_underscore(name: str, words: list[str]) -> None:
    option, rest = OPTION_OF[name], " ".join(words)
    assert as_options(f"{name} is 3; {rest}") == f"{option} is 3; {rest}"
    assert as_options(f"the {rest} × {name}=3, {rest}") == f"the {rest} × {option}=3, {rest}"
    assert as_options(f"the {rest} ({name}), {name}.pth") == f"the {rest} ({name}), {name}.pth"
    if "_" in name:
        assert as_options(f"the {rest}; {name}, or {name}: {name}") == f"the {rest}; {option}, or {option}: {option}"
    else:
        assert as_options(f"the {rest} {name} {rest}") == f"the {rest} {name} {rest}"


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda: check_parts(TrainConfig(epochs=1, batch_size=3, accumulate=2), 1),
            "--batch-size 3 cannot be divided by 1 process × --accumulate=2: give a multiple of 2",
        ),
        (
            lambda: check_pretraining(TrainConfig(epochs=1, weights_backbone="DEFAULT")),
            "--model 'small' has no pretrained backbone; leave --weights-backbone out, or choose another model",
        ),
        (lambda: TrainConfig(epochs=1, lr=0), "--lr is 0; expected a positive number"),
    ],
    ids=["parts", "pretraining", "a value"],
)
def test_messages_of_settings(check, message: str) -> None:
    with pytest.raises(ValueError) as caught, names_as_options():
        check()
    assert str(caught.value) == message


def test_other_errors_stay_as_they_are() -> None:
    with pytest.raises(ImageFileError, match=r"^cannot read data as an image: batch_size$"), names_as_options():
        raise unreadable("data", "batch_size")


@pytest.mark.parametrize(
    ("model", "given_weights", "words"),
    [
        ("small", {"weights": "NONE"}, "--weights 'NONE' are neither a file nor one of"),
        ("resnet50_fpn", {"weights_backbone": "NONE"}, "--weights-backbone 'NONE' are neither a file nor one of"),
    ],
    ids=["of the detector", "of the backbone"],
)
def test_weights_that_do_not_exist(model: str, given_weights: dict[str, str], words: str) -> None:
    options = Namespace(**dict.fromkeys(OPTION_OF), evaluate_on=None, strict=False)
    vars(options).update(model=model, **given_weights)
    with pytest.raises(ValueError, match=f"^{words}"):
        _begin(options, torch.device("cpu"), ALONE)
