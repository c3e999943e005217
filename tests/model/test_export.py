"""One export by the command, and the file it leaves compared with the model; the large model once, slowly."""

import copy
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from frcnn_edu import cli, fasterrcnn_small_fpn, set_exact
from frcnn_edu.benchmark.models import images_of, make_pair
from frcnn_edu.commands import export as export_command
from frcnn_edu.data import ShapesDetection
from frcnn_edu.model.export import check_exported_image, differences, load_onnx, to_onnx

pytestmark = pytest.mark.slow

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `export` leaves of the model in this package."""
    folder = tmp_path_factory.mktemp("onnx")
    assert cli.main(["export", "--out", str(folder / "model.onnx")]) == 0
    assert [file.name for file in folder.iterdir()] == ["model.onnx"]
    return folder / "model.onnx"


@pytest.fixture(scope="module")
def small() -> nn.Module:
    return fasterrcnn_small_fpn(weights="DEFAULT").eval().requires_grad_(False)


def test_the_file_finds_what_the_model_finds(exported: Path, small: nn.Module) -> None:
    detect, data = load_onnx(exported), ShapesDetection("val")
    for i in range(12):
        image = data[i][0]
        found, expected = detect(image), small([image])[0]
        assert len(expected["boxes"]) >= 1
        boxes, scores = differences(found, expected)
        assert boxes < 1e-3  # pixels
        assert scores < 1e-4
        assert (found["boxes"].dtype, found["labels"].dtype) == (torch.float32, torch.int64)


def test_an_image_without_objects(exported: Path, small: nn.Module) -> None:
    image = torch.full((3, 128, 160), 0.5)
    assert len(small([image])[0]["boxes"]) == 0
    found = load_onnx(exported)(image)
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "boxes": (0, 4),
        "labels": (0,),
        "scores": (0,),
    }


def test_what_the_file_says_of_itself(exported: Path) -> None:
    model = onnx.load(exported)
    onnx.checker.check_model(model)
    (image,) = model.graph.input
    assert (image.name, [d.dim_value for d in image.type.tensor_type.shape.dim]) == ("image", [3, 128, 160])
    assert [output.name for output in model.graph.output] == ["boxes", "labels", "scores"]
    (classes,) = (entry.value for entry in model.metadata_props if entry.key == "classes")
    assert json.loads(classes) == list(ShapesDetection.classes)
    (said,) = (entry.value for entry in model.metadata_props if entry.key == "image")
    assert said == "float32 (3, 128, 160), RGB in 0–1"


def test_a_file_that_finds_something_else_is_refused(
    small: nn.Module, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def moved(image: Tensor) -> dict[str, Tensor]:
        found = small([image])[0]
        return {**found, "boxes": found["boxes"] + 0.5}

    class Program:
        class model:  # noqa: N801
            metadata_props: dict[str, str] = {}  # noqa: RUF012

        @staticmethod
        def save(path: Path) -> None:
            path.write_bytes(b"weights")

    monkeypatch.setattr(export_command, "to_onnx", lambda *args: Program)
    monkeypatch.setattr(export_command, "load_onnx", lambda file: moved)
    assert cli.main(["export", "--out", str(tmp_path / "model.onnx")]) == 2
    assert "differs from the model in image 0: boxes by 0.5 pixels" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []  # and no file is left


@pytest.mark.parametrize(
    ("image", "exception", "message"),
    [
        (torch.rand(3, 240, 320), ValueError, r"images of 128×160 pixels \(height × width\), and this one has 240×320: resize it, or "
         r"export again with --height 240 --width 320"),
        (torch.rand(3, 160, 128), ValueError, r"128×160 pixels .*, and this one has 160×128"),
        (torch.rand(1, 3, 128, 160), ValueError, r"takes one image of shape \(3, 128, 160\), got \(1, 3, 128, 160\)"),
        (torch.rand(128, 160, 3), ValueError, r"takes one image of shape \(3, 128, 160\), got \(128, 160, 3\)"),
        (torch.zeros(3, 128, 160, dtype=torch.uint8), TypeError, r"takes float32 .*got torch.uint8: use image.float\(\) / 255"),
        (torch.rand(3, 128, 160).double(), TypeError, r"takes float32 .*got torch.float64"),
    ],
    ids=["larger", "upright", "a batch", "H, W, C", "uint8", "float64"],
)  # fmt: skip
def test_an_image_that_an_exported_file_does_not_take(image: Tensor, exception: type, message: str) -> None:
    with pytest.raises(exception, match=message):
        check_exported_image(image, (3, 128, 160), "model.onnx")


def test_the_file_is_asked_for_its_size(exported: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"model\.onnx was exported for images of 128×160 pixels \(height × width\), and this one has 32×64",
    ):
        load_onnx(exported)(torch.rand(3, 32, 64))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_exporting_by_pytorch_names_the_function_of_this_package(small: nn.Module, tmp_path: Path) -> None:
    """In whichever of its two ways."""
    for options in ({"dynamo": True, "verbose": False}, {"dynamo": False}):
        with pytest.raises(Exception, match=r"frcnn_edu\.model\.export\.to_onnx\(model, height, width\)"):
            torch.onnx.export(small, ([torch.rand(3, 64, 64)],), tmp_path / "model.onnx", **options)


def test_differences() -> None:
    boxes = torch.tensor([[0.0, 0, 9, 9], [50, 50, 70, 70]])
    found = {"boxes": boxes, "labels": torch.tensor([1, 2]), "scores": torch.tensor([0.9, 0.8])}
    assert differences(found, found) == (0.0, 0.0)
    assert differences(found, {name: value.flip(0) for name, value in found.items()}) == (0.0, 0.0)
    assert differences(found, {**found, "boxes": boxes + 2}) == (2.0, 0.0)
    assert differences(found, {**found, "scores": found["scores"].flip(0)})[1] == pytest.approx(0.1)
    infinite = (float("inf"), float("inf"))
    assert differences(found, {name: value[:1] for name, value in found.items()}) == infinite
    assert differences(found, {**found, "labels": torch.tensor([1, 1])})[0] == float("inf")
    twice = {**found, "labels": torch.tensor([1, 1])}
    assert differences({**twice, "boxes": boxes[[0, 0]]}, twice) == infinite


def test_height_without_width(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "--height", "64"]) == 2
    assert "--height and --width" in capsys.readouterr().err


@torch.no_grad()
def test_the_large_model(tmp_path: Path) -> None:
    """ResNet-50 with random weights scaled to find hundreds of objects: the file is as near to float64 as the model is."""
    images = images_of(200, 2)
    model = set_exact(make_pair(200, images)[0])
    to_onnx(model, *images[0].shape[1:]).save(tmp_path / "model.onnx")
    detect, precise = load_onnx(tmp_path / "model.onnx"), copy.deepcopy(model).double()
    for image in images:
        expected = precise([image.double()])[0]
        assert_near(detect(image), expected)
        assert_near(model([image])[0], expected)


def assert_near(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """All objects but those that rounding decides on: the last of the hundred, or one with an IoU at the limit of NMS."""
    assert len(found["boxes"]) == len(expected["boxes"]) == 100
    other_label = found["labels"][:, None] != expected["labels"]
    distances = (found["boxes"][:, None].double() - expected["boxes"]).abs().amax(
        dim=2
    ) + 1e6 * other_label  # (100, 100)
    distance, partner = distances.min(dim=0)
    same = distance < 0.02  # pixels: the deltas of random weights stretch boxes far
    assert same.sum() >= 97
    torch.testing.assert_close(found["scores"][partner[same]].double(), expected["scores"][same], rtol=0, atol=2e-4)
