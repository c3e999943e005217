"""`detect` on folders as they are: what cannot be used costs only itself, and nothing that was found is lost."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN_ResNet50_FPN_Weights, fasterrcnn_resnet50_fpn

from frcnn_edu import cli
from frcnn_edu.commands import detect
from frcnn_edu.data import ShapesDetection
from frcnn_edu.training import load_model

OTHER_MODEL = "Use --checkpoint FILE for a model of your own, --weights DEFAULT for the 80 classes of COCO"


class Finder(nn.Module):
    """A stand-in for a detector: finds the whole image twice, as a cat for sure and as a dog hardly."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.roi_heads = nn.Module()
        self.roi_heads.score_thresh, self.roi_heads.detections_per_img = 0.05, 100
        self.before: Callable[[int], None] = lambda call: None
        self.calls = 0

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        self.calls += 1
        self.before(self.calls)
        height, width = images[0].shape[1:]
        if min(height, width) < 2:
            raise ValueError(f"an image of {height}×{width} pixels is too thin")
        scores = torch.tensor([0.9, 0.03])
        kept = (scores > self.roi_heads.score_thresh).nonzero()[: self.roi_heads.detections_per_img, 0]
        boxes = torch.tensor([[0.0, 0, width, height]]).expand(2, 4)
        return [{"boxes": boxes[kept], "labels": torch.tensor([1, 2])[kept], "scores": scores[kept]}]


@pytest.fixture(autouse=True)
def finder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> Finder | None:
    """Everything happens in a new folder, and with the stand-in but in slow tests."""
    monkeypatch.chdir(tmp_path)
    if request.node.get_closest_marker("slow"):
        return None
    model = Finder()
    monkeypatch.setattr(detect, "load_named", lambda options: (model, ("background", "cat", "dog"), None, []))
    return model


def photo(path: str, width: int = 40, height: int = 30) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def results(folder: str = "detections") -> list[dict[str, Any]]:
    return json.loads(Path(folder, "detections.json").read_text())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes, and control characters in names")
def test_one_bad_file_of_any_kind_costs_only_itself(capsys: pytest.CaptureFixture[str]) -> None:
    whole = photo("in/a.jpg", 200, 100).read_bytes()
    Path("in/cut.jpg").write_bytes(whole[: len(whole) // 2])
    photo("in/thin.png", 500, 1)
    Path("in/folder.jpg").mkdir()
    os.mkfifo("in/pipe.jpg")
    Path("in/\x1b[31mred\n.jpg").write_bytes(b"no image")
    photo(f"in/{'long ' * 48}.png")
    photo("in/z.png")
    assert cli.main(["detect", "in", "gone.jpg", "x" * 400, "--device", "cpu"]) == 1
    assert [Path(each["file"]).name[:4] for each in results()] == ["a.jp", "long", "z.pn"]
    assert all(each["names"] == ["cat"] for each in results())
    drawings = {each["drawing"] for each in results()}
    assert {path.name for path in Path("detections").iterdir()} == {"detections.json", *drawings}
    printed = capsys.readouterr()
    assert "objects: 3, images: 3, left out: 6; drawings and detections.json are in detections/" in printed.out
    left_out = [line for line in printed.err.splitlines() if line.startswith("left out: ")]
    reasons = ("no file or folder gone.jpg", "file name too long", "[31mred�.jpg as an image: it is not an image",
               "cut.jpg as an image: the file ends too soon", "pipe.jpg as an image: it is a named pipe",
               "in/thin.png: an image of 1×500 pixels is too thin")  # fmt: skip
    assert len(left_out) == len(reasons)
    for reason in reasons:
        assert sum(reason in line for line in left_out) == 1, reason
    assert all(line.isprintable() for line in (printed.err + printed.out).splitlines())


def test_whatever_a_decoder_or_the_model_raises_is_a_reason(finder: Finder, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(call: int) -> None:
        if call == 1:
            raise RuntimeError("out of\nmemory")

    finder.before = fail
    photo("in/a.png"), photo("in/b.png")
    assert cli.main(["detect", "in", "--device", "cpu"]) == 1
    assert [each["file"] for each in results()] == ["in/b.png"]
    assert "left out: in/a.png: out of memory\n" in capsys.readouterr().err


def test_if_nothing_can_be_used_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "b.jpg"):
        Path(name).write_text("no image")
    for _ in range(2):
        assert cli.main(["detect", "a.jpg", "--device", "cpu"]) == 2
        assert capsys.readouterr().err == (
            "error: cannot read a.jpg as an image: it is not an image of a kind that Pillow reads\n"
        )
    assert cli.main(["detect", "a.jpg", "b.jpg", "--device", "cpu"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["left out", "left out", "error"]
    assert lines[-1] == "error: none of the 2 files can be used"
    assert not Path("detections").exists()


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "an error"])
def test_what_was_found_is_kept_whatever_stops_it(finder: Finder, capsys: pytest.CaptureFixture[str], how: str) -> None:
    def stop(call: int) -> None:
        if call == 2 and how == "an error":
            raise OSError("no space left on device")
        if call == 2:
            os.kill(os.getpid(), signal.SIGINT if how == "Ctrl-C" else signal.SIGTERM)

    finder.before = stop
    for name in ("in/a.png", "in/b.png", "in/c.png"):
        photo(name)
    assert cli.main(["detect", "in", "--device", "cpu"]) == (2 if how == "an error" else 130)
    found = ["in/a.png"] if how == "an error" else ["in/a.png", "in/b.png"]
    assert [each["file"] for each in results()] == found
    assert f"images: {len(found)}, not looked at: {3 - len(found)};" in capsys.readouterr().out


def test_other_images_later(capsys: pytest.CaptureFixture[str]) -> None:
    photo("a.jpg"), photo("b.jpg")
    assert cli.main(["detect", "a.jpg", "--device", "cpu"]) == 0
    assert cli.main(["detect", "b.jpg", "--device", "cpu"]) == 2
    message = "error: detections/detections.json already exists; add --overwrite, or choose a different --out\n"
    assert capsys.readouterr().err == message
    assert cli.main(["detect", "b.jpg", "--overwrite", "--device", "cpu"]) == 0
    assert [each["file"] for each in results()] == ["b.jpg"]


def test_an_image_is_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    before = photo("in/a.png").read_bytes()
    Path("link").symlink_to("in", target_is_directory=True)
    for out in ("in", "link", "in/../in"):
        assert cli.main(["detect", "in/a.png", "--out", out, "--overwrite", "--device", "cpu"]) == 2
        assert "would overwrite the image" in capsys.readouterr().err
    assert Path("in/a.png").read_bytes() == before
    assert len(list(Path("in").iterdir())) == 1


def test_what_scores_little_is_there_if_asked_for(finder: Finder) -> None:
    photo("a.png")
    for threshold, names in (("0.95", []), ("0.5", ["cat"]), ("0.01", ["cat", "dog"]), ("0", ["cat", "dog"])):
        finder.roi_heads.score_thresh = 0.05
        command = ["detect", "a.png", "--score-threshold", threshold, "--out", threshold, "--device", "cpu"]
        assert cli.main(command) == 0
        assert results(threshold)[0]["names"] == names


def test_a_full_image_and_a_dark_one_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    photo("a.png")
    Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40)).save("dark.png")
    command = ["detect", "a.png", "dark.png", "--max-detections", "1", "--device", "cpu"]
    assert cli.main(command) == 0
    said = capsys.readouterr().err
    assert (
        "images with 1 detections, the most that are kept (--max-detections N keeps more): 2 (a.png, dark.png)" in said
    )
    assert "images that are nearly black, with 16-bit values that end at 4095: 1 (dark.png)" in said
    assert cli.main([*command[:-3], "2", "--overwrite", "--device", "cpu"]) == 0
    assert "the most that are kept" not in capsys.readouterr().err


def test_a_name_in_the_arguments_does_not_reach_the_terminal_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["detect", "a.png", "--x\x1b[31m\n"])
    assert "unrecognized arguments: --x�[31m" in capsys.readouterr().err
    assert cli.main(["detect", "\x1b[31m.png"]) == 2
    assert capsys.readouterr().err == "error: there is no file or folder �[31m.png\n"


@pytest.mark.slow
def test_the_model_in_the_package_says_what_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    pixels = (255 * ShapesDetection("val")[3][0]).round().byte().permute(1, 2, 0)  # (H, W, 3)
    Image.fromarray(pixels.numpy()).save("p.png")
    counts = []
    for threshold, more in (("0.05", []), ("0.01", []), ("0", ["--max-detections", "60"])):
        command = ["detect", "p.png", "--score-threshold", threshold, "--overwrite", "--device", "cpu", *more]
        assert cli.main(command) == 0
        (found,) = results()
        counts.append(len(found["scores"]))
        assert all(score >= float(threshold) for score in found["scores"])
        said = capsys.readouterr().err
        assert said.count(f"detects only drawn shapes: circle, square, triangle, star, cross. {OTHER_MODEL}") == 1
    assert counts[0] < counts[1] < counts[2] == 60
    assert "images with 60 detections, the most that are kept" in said


@pytest.mark.slow
def test_published_weights_with_the_names_of_coco(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *args, **kwargs: pytest.fail("went to the network"))
    monkeypatch.setenv("TORCH_HOME", str(Path.cwd()))
    published = FasterRCNN_ResNet50_FPN_Weights.COCO_V1
    cached = Path("hub/checkpoints", Path(published.url).name)
    cached.parent.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91).state_dict(), cached)
    photo("a.jpg", 400, 40)
    command = ["detect", "a.jpg", "--weights", "DEFAULT", "--device", "cpu", "--score-threshold", "0"]
    assert cli.main([*command, "--max-detections", "5"]) == 0
    (found,) = results()
    categories = published.meta["categories"]
    assert len(found["labels"]) == 5
    for label, name in zip(found["labels"], found["names"]):
        assert name in (categories[label], f"N/A {label}")
    assert "shapes" not in capsys.readouterr().err


@pytest.mark.slow
def test_weights_that_do_not_name_their_classes(capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(load_model()[0].state_dict(), "w.pth")
    pixels = (255 * ShapesDetection("val")[3][0]).round().byte().permute(1, 2, 0)  # (H, W, 3)
    Image.fromarray(pixels.numpy()).save("p.png")
    command = ["detect", "p.png", "--weights", "w.pth", "--device", "cpu", "--overwrite"]
    assert cli.main(command) == 0
    said = capsys.readouterr().err
    assert "names of their classes, shown as class 1, class 2, class 3, … (--classes A,B,… names them)" in said
    assert {name[:6] for name in results()[0]["names"]} == {"class "}
    own = ["ring", "box", "roof", "sun", "plus"]
    assert cli.main([*command, "--classes", ", ".join(own)]) == 0
    (found,) = results()
    assert found["names"] == [own[label - 1] for label in found["labels"]]
    assert "shown as" not in capsys.readouterr().err
    assert cli.main([*command, "--classes", "cat,dog"]) == 2
    assert capsys.readouterr().err == "error: --classes has 2 names, but w.pth has 5 classes\n"
