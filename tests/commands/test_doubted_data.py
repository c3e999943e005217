"""Before a training starts: what was recognised, what is probably wrong, and no step without an object to learn from."""

from pathlib import Path

import exports as ex
import pytest

from frcnn_edu import cli

pytestmark = pytest.mark.slow  # real training, of one step


@pytest.fixture(autouse=True)
def one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    capsys.readouterr()
    sizes = ["--min-size", "64", "--max-size", "96", "--device", "cpu"]
    status = cli.main(["train", *options, "--epochs", "1", "--out", "run", *sizes])
    return status, *capsys.readouterr()


def test_the_plan_tells_what_was_recognised_and_doubted(capsys: pytest.CaptureFixture[str]) -> None:
    ex.voc_split_folders(Path("cards"), ("train", "valid", "test"))
    (Path("cards") / "valid" / "IMG 6.jpg").write_bytes((Path("cards") / "train" / "IMG 0.jpg").read_bytes())
    status, out, _ = train(capsys, "--data", "cards")
    assert status == 0
    assert (
        "         Pascal VOC, images and xml side by side: 8 images in train and val, 2 classes, split by the folders train/, valid/ and test/\n"
        "         ! val: 1 image is a copy of an image of train, such as IMG 6.jpg (IMG 0.jpg)\n"
    ) in out


def test_images_elsewhere_are_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    """Given with the training, and needed by what comes after it."""
    ex.dump(Path("labels") / "all.json", ex.coco())
    ex.draw(Path("far") / "away")
    status, _, errors = train(capsys, "--data", "labels/all.json", "--images", "nowhere")
    assert (status, errors) == (2, "error: --images nowhere is not a folder\n")
    assert train(capsys, "--data", "labels/all.json", "--images", "far/away")[0] == 0
    assert cli.main(["evaluate", "--checkpoint", "run/model.safetensors", "--device", "cpu"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[-1] == "2 images of labels/all.json, split 'val', which is a fifth of it"
    )


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (
            "category_id",
            "split 'train' has no object to learn from: annotations left out, without a usable 'category_id': 10",
        ),
        ("bbox", "split 'train' has no object to learn from: boxes refused, neither a box nor an outline: "),
    ],
)
def test_nothing_to_learn_from(key: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    content = ex.coco()
    for annotation in content["annotations"]:
        annotation[key] = None
    ex.draw(Path("images"))
    ex.dump(Path("null.json"), content)
    status, out, errors = train(capsys, "--data", "null.json")
    assert (status, out) == (2, "")
    assert errors.startswith(f"error: {reason}")
    assert len(errors.splitlines()) == 1
    assert not Path("run").exists()
    assert cli.main(["check-data", "null.json"]) == 2
    assert reason in capsys.readouterr().err
