"""The command line as its users meet it: real folders, real files, exit codes, what is printed."""

import json
import os
import shutil
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from PIL import Image
from torchvision.models import mobilenet_v3_large

from frcnn_edu import box_iou, cli
from frcnn_edu.commands import evaluate as evaluate_command
from frcnn_edu.commands import train as train_command
from frcnn_edu.commands.train_data import open_training_data
from frcnn_edu.commands.train_plan import time_a_step
from frcnn_edu.data import ShapesDetection, VOCDetection
from frcnn_edu.notebook_checks.kernels import fork_server
from frcnn_edu.training import Processes, build_model, load_checkpoint, load_model

pytestmark = pytest.mark.slow  # real training

TINY = ["--min-size", "64", "--max-size", "80", "--workers", "0", "--device", "cpu"]


@pytest.fixture(scope="module")
def run(voc: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, trained for two epochs of two steps."""
    out = tmp_path_factory.mktemp("runs") / "first"
    command = ["train", "--data", str(voc), "--out", str(out), "--epochs", "2", "--batch-size", "4", "--seed", "7"]
    assert cli.main([*command, "--evaluate-on", "test", *TINY]) == 0
    return out


@pytest.fixture(autouse=True)
def one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command writes by default must not land in the repository."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's figures and report take longer than so small a run: tests of its weights leave them out."""
    monkeypatch.setattr(train_command, "draw_run", lambda *run: None)


def error_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """Run a command that must fail by a user's mistake: one line, exit code 2."""
    capsys.readouterr()
    assert cli.main(command) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


def test_train_leaves_everything(run: Path) -> None:
    files = {path.name for path in run.iterdir()}
    assert files == {
        "checkpoint.pt", "checkpoint-previous.pt", "metrics.json", "metrics-test.json", "model.safetensors",
        "best.safetensors",
        "losses.png", "average_precision.png", "detections.png", "report.html", "report-test.html",
    }  # fmt: skip
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["history"]["step"] == [1, 2, 3, 4]
    assert (metrics["config"]["batch_size"], metrics["config"]["seed"]) == (4, 7)
    assert metrics["config"]["model_args"]["min_size"] == 64
    assert set(json.loads((run / "metrics-test.json").read_text())) == set(metrics["epochs"][0]) - {
        "epoch",
        "step",
        "seconds",
    }
    for name in ("losses.png", "average_precision.png", "detections.png"):
        with Image.open(run / name) as picture:
            assert picture.width > 400


@pytest.mark.usefixtures("without_figures")
def test_the_same_seed_gives_the_same_weights(run: Path, voc: Path) -> None:
    command = ["train", "--data", str(voc), "--epochs", "2", "--batch-size", "4", *TINY]
    for seed in ("7", "8"):
        assert cli.main([*command, "--seed", seed, "--out", seed]) == 0
    first, again, other = (
        load_model(folder / "model.safetensors")[0].state_dict() for folder in (run, Path("7"), Path("8"))
    )
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["rpn.head.cls_logits.weight"], other["rpn.head.cls_logits.weight"])


@pytest.mark.usefixtures("without_figures")
def test_train_says_what_it_is_going_to_do(voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--data", str(voc), "--minutes", "0.02", "--batch-size", "2", *TINY]) == 0
    out = capsys.readouterr().out
    for part in ("small: 2.1 million parameters, 5 classes (circle, cross, square, star, triangle)",
                 "8 training images, 3 for evaluation (split 'val')", "cpu, 2 images per step",
                 "a step takes about", "ends after 1.2 s", "AP50", "measured on"):  # fmt: skip
        assert part in out
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("VOCshapes-20")
    assert (folder / "model.safetensors").exists()


@pytest.mark.usefixtures("without_figures")
def test_without_a_validation_split_the_test_split_is_used(
    voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "no_val"
    root.mkdir()
    for name in ("JPEGImages", "Annotations"):
        (root / name).symlink_to(voc / name)
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for split in ("train", "test"):
        (root / f"ImageSets/Main/{split}.txt").write_text((voc / f"ImageSets/Main/{split}.txt").read_text())
    command = ["train", "--data", str(root), "--out", "r", "--epochs", "1", "--batch-size", "8", *TINY]
    assert cli.main(command) == 0
    assert "2 for evaluation (split 'test')" in capsys.readouterr().out


def test_the_full_model_on_a_cpu_says_how_long_it_will_take(
    voc: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train_command, "train", stop)
    command = ["train", "--data", str(voc), "--model", "resnet50_fpn", "--batch-size", "1", *TINY]
    assert cli.main(command) == 130
    out = capsys.readouterr().out
    assert "resnet50_fpn: 41.4 million parameters" in out
    assert "an epoch of 8 steps" in out
    assert "26 epochs about" in out


def test_timing_a_step_changes_nothing(voc: Path) -> None:
    options = cli.make_parser().parse_args(["train", "--data", str(voc), "--epochs", "1", *TINY])
    config = train_command.new_config(options, torch.device("cpu"))
    data = open_training_data(config)
    model = build_model(config, len(data.classes))
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    assert time_a_step(model, data, config, torch.device("cpu")) > 0
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


def test_the_device_chooses_the_model() -> None:
    parse = cli.make_parser().parse_args
    assert train_command.new_config(parse(["train"]), torch.device("cpu")).model == "small"
    assert train_command.new_config(parse(["train"]), torch.device("cuda")).model == "resnet50_fpn"
    assert train_command.new_config(parse(["train", "--model", "small"]), torch.device("cuda")).model == "small"


def test_options_reach_the_configuration() -> None:
    command = (
        "train --model mobilenet_v3_large_fpn --epochs 3 --lr 0.01 --optimizer adamw --no-hflip --vflip "
        "--scale-jitter 0.7 1.4 --amp --channels-last --grad-clip 5 --weights-backbone DEFAULT --min-size 512"
    )
    config = train_command.new_config(cli.make_parser().parse_args(command.split()), torch.device("cpu"))
    assert (config.model, config.epochs, config.minutes, config.lr) == ("mobilenet_v3_large_fpn", 3, None, 0.01)
    assert (config.optimizer, config.hflip, config.vflip, config.scale_jitter) == ("adamw", False, True, (0.7, 1.4))
    assert (config.amp, config.channels_last, config.grad_clip) == (True, True, 5)
    assert (config.weights_backbone, config.model_args) == ("DEFAULT", {"min_size": 512, "max_size": 640})


@pytest.mark.usefixtures("without_figures")
def test_resume_goes_on(run: Path, voc: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "checkpoint.pt").write_bytes((run / "checkpoint.pt").read_bytes())
    assert cli.main(["train", "--resume", "--out", str(copy), "--epochs", "3", "--device", "cpu"]) == 0
    history = json.loads((copy / "metrics.json").read_text())["history"]
    assert history["step"] == [1, 2, 3, 4, 5, 6]
    assert (
        history["loss_classifier"][:4]
        == load_checkpoint(run / "checkpoint.pt")["progress"]["history"]["loss_classifier"]
    )


def run_by_itself(command: list[str], told: Connection) -> None:
    """`python -u -m frcnn_edu …` in a process of its own."""
    os.dup2(told.fileno(), sys.__stdout__.fileno())
    os.dup2(os.open("errors", os.O_WRONLY | os.O_CREAT), sys.__stderr__.fileno())
    sys.__stdout__.reconfigure(write_through=True)
    sys.exit(cli.main(command))


def test_ctrl_c_saves_and_says_how_to_go_on(voc: Path, tmp_path: Path) -> None:
    command = ["train", "--data", str(voc), "--out", "r", "--minutes", "5", *TINY]
    hears, told = fork_server().Pipe(duplex=False)
    process = fork_server().Process(target=run_by_itself, args=(command, told))
    process.start()
    told.close()
    with open(hears.fileno(), closefd=False) as lines:
        for line in lines:
            if line.startswith("epoch"):
                break
        os.kill(process.pid or 0, signal.SIGINT)
        lines.read()  # until it is over
    process.join()
    assert process.exitcode == 130
    errors = Path("errors").read_text()
    assert "python -m frcnn_edu train --resume --out r" in errors
    assert "Traceback" not in errors
    saved = load_checkpoint(tmp_path / "r" / "checkpoint.pt")["progress"]
    assert saved["step"] == len(saved["history"]["step"]) > 0


def test_tensorboard_reads_what_was_written(run: Path, voc: Path) -> None:
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    command = ["train", "--data", str(voc), "--out", "r", "--batch-size", "4", "--tensorboard", *TINY]
    assert cli.main([*command, "--epochs", "1"]) == 0
    assert cli.main(["train", "--resume", "--out", "r", "--epochs", "2", "--tensorboard", "--device", "cpu"]) == 0
    events = event_accumulator.EventAccumulator("r/tensorboard").Reload()
    history = load_checkpoint("r/checkpoint.pt")["progress"]["history"]
    scalars = events.Scalars("loss/classifier")
    assert [scalar.step for scalar in scalars] == [1, 2, 3, 4]
    assert [scalar.value for scalar in scalars] == pytest.approx(history["loss_classifier"])
    sums = [sum(history[f"loss_{name}"][3] for name in ("objectness", "rpn_box_reg", "classifier", "box_reg"))]
    assert events.Scalars("loss/sum")[-1].value == pytest.approx(sums[0])
    assert [scalar.step for scalar in events.Scalars("AP/AP50")] == [2, 4]
    assert [picture.step for picture in events.Images("detections")] == [2, 4]


def test_without_tensorboard(voc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    command = ["train", "--data", str(voc), "--out", "r", "--epochs", "1", "--tensorboard", *TINY]
    assert "pip install tensorboard" in error_of(capsys, *command)


def test_evaluate(run: Path, voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    command = ["evaluate", "--checkpoint", str(run / "model.safetensors"), "--split", "test", "--json", "m.json"]
    assert cli.main([*command, "--report", "r.html", "--max-detections", "2", "--device", "cpu"]) == 0
    assert "measured on 2 images, split &#x27;test&#x27;" in Path("r.html").read_text(encoding="utf-8")
    out = capsys.readouterr().out
    found = json.loads(Path("m.json").read_text())
    summary = VOCDetection(voc, "test").summary
    for part in (f"data     Pascal VOC, JPEGImages/ and Annotations/: 2 images in test, 5 classes, split by the image sets train, val and test\n         {summary}", "AP 0.50:0.95", "by class ", "confusion: object, detected as",
                 "images at the limit: 2 of 2 have 2 detections, the most that are kept; --max-detections N keeps more",
                 "crowded images: ", "false alarms on images without objects: ",
                 f"2 images of {voc}, split 'test'"):  # without --data: what it was trained on  # fmt: skip
        assert part in out
    assert cli.main([*command, "--device", "cpu"]) == 0
    found = json.loads(Path("m.json").read_text())
    expected = json.loads((run / "metrics-test.json").read_text())
    assert found | expected == found
    assert set(found) - set(expected) == {
        "AP50_per_class",
        "at_score",
        "confusion",
        "images_without_objects",
        "not_measured",
    }


def test_evaluate_as_the_second_of_two_processes_says_nothing(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Second(Processes):
        rank, count, given = 1, 2, 0

        def gather_objects(self, mine: tuple[list, dict]) -> list:
            self.given = len(mine[0])
            return []

    second = Second()
    monkeypatch.setattr(evaluate_command, "join", lambda device: (second, torch.device("cpu")))
    capsys.readouterr()
    command = ["evaluate", "--checkpoint", str(run / "model.safetensors"), "--json", "m.json"]
    assert cli.main(command) == 0
    assert capsys.readouterr() == ("", "")
    assert second.given == 1  # of three images
    assert not Path("m.json").exists()


def test_evaluate_weights_that_say_no_more_than_their_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(load_model()[0].state_dict(), "w.pth")
    command = ["evaluate", "--data", "shapes", "--weights", "w.pth", "--device", "cpu"]
    assert "not background, class 1, class 2" in error_of(capsys, *command)
    assert "shapes has the classes" in error_of(capsys, *command, "--classes", "a,b,c,d,e")
    assert "--classes has 2 names, but w.pth has 5 classes" in error_of(capsys, *command, "--classes", "a,b")


def test_detect(run: Path, voc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("more").mkdir()
    Image.open(voc / "JPEGImages/000003.jpg").convert("L").save("more/000003.png")
    Path("more/notes.txt").write_text("no image")
    Path("more/broken.png").write_text("no image either")
    command = ["detect", "--checkpoint", str(run / "checkpoint.pt"), "--score-threshold", "0.01", "--device", "cpu"]
    assert cli.main([*command, str(voc / "JPEGImages/000003.jpg"), "more"]) == 1  # one file is left out
    assert sorted(path.name for path in Path("detections").iterdir()) == [
        "000003-2.png",
        "000003.png",
        "detections.json",
    ]
    first, second = json.loads(Path("detections/detections.json").read_text())
    assert (first["file"], second["file"]) == (str(voc / "JPEGImages/000003.jpg"), "more/000003.png")
    assert len(first["boxes"]) == len(first["labels"]) == len(first["names"]) == len(first["scores"]) > 0
    classes = load_model(run / "checkpoint.pt")[1]
    assert first["names"] == [classes[label] for label in first["labels"]]
    assert all(0 <= x0 < x1 <= 160 and 0 <= y0 < y1 <= 128 for x0, y0, x1, y1 in first["boxes"])
    printed = capsys.readouterr()
    assert "images: 2" in printed.out
    assert "left out: cannot read more/broken.png" in printed.err
    assert "already exists" in error_of(capsys, *command, "more")  # drawings are not overwritten


def test_detect_with_the_shipped_model() -> None:
    picture = (255 * ShapesDetection("val")[3][0]).round().byte().permute(1, 2, 0)  # (H, W, 3)
    Image.fromarray(picture.numpy()).save("picture.png")
    assert cli.main(["detect", "picture.png", "--device", "cpu"]) == 0
    (found,) = json.loads(Path("detections/detections.json").read_text())
    ground_truth = ShapesDetection("val")[3][1]
    overlap = box_iou(ground_truth["boxes"], torch.tensor(found["boxes"])) > 0.5  # (objects, detections)
    same = ground_truth["labels"][:, None] == torch.tensor(found["labels"])
    assert (overlap & same).any(dim=1).all(), found


def test_mistakes_that_only_pytorch_sees_are_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.jpg").write_text("not an image")
    saved = str(run / "checkpoint.pt")
    for part, *command in (
        ("--lr cannot be changed", "train", "--resume", "--out", str(run), "--lr", "0.1"),
        ("is given in epochs (2 epochs); use --epochs", "train", "--resume", "--out", str(run), "--minutes", "3"),
        ("'cuda:7' is not available", "train", "--device", "cuda:7"),
        ("cannot be read as a checkpoint", "evaluate", "--checkpoint", "text.jpg"),
        ("shapes has the classes", "evaluate", "--checkpoint", saved, "--data", "shapes"),
        ("cannot read text.jpg", "detect", "--checkpoint", saved, "text.jpg"),
    ):
        assert part in error_of(capsys, *command), command


def test_strict_stops_before_anything_is_written(voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "with_a_bad_box"
    shutil.copytree(voc, root)
    for split, index in (("val", 8), ("train", 0)):
        path = root / f"Annotations/{index:06d}.xml"
        box = "<xmin>5</xmin><ymin>5</ymin><xmax>5</xmax><ymax>9</ymax>"
        bad = f"<object><name>star</name><bndbox>{box}</bndbox></object></annotation>"
        path.write_text(path.read_text().replace("</annotation>", bad))
        message = error_of(capsys, "train", "--strict", "--data", str(root), "--out", "r", *TINY)
        assert f"boxes refused, zero area: 1 ({index:06d})" in message, split
    assert not Path("r").exists()


def test_a_failed_detect_can_be_repeated(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.jpg").write_text("not an image")
    for _ in range(2):
        assert "cannot read" in error_of(capsys, "detect", "--checkpoint", str(run / "checkpoint.pt"), "text.jpg")


@pytest.mark.usefixtures("without_figures")
def test_fine_tuning_makes_a_new_predictor_where_classes_are_others(
    run: Path, voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a run of ours, on the same classes and on fewer; and from the model in this package."""
    fewer = tmp_path / "fewer"
    shutil.copytree(voc, fewer)
    for file in (fewer / "Annotations").iterdir():  # a name that the run does not know
        file.write_text(file.read_text().replace("triangle", "cone"))
    command = ["train", "--epochs", "1", "--batch-size", "4", "--weights", str(run / "model.safetensors"), *TINY]
    for data, words in ((voc, "all of the detector"), (fewer, "all but the predictor, which is new")):
        out = tmp_path / f"tuned-{data.name}"
        assert cli.main([*command, "--data", str(data), "--out", str(out)]) == 0
        assert f"weights  {run / 'model.safetensors'}: {words}" in capsys.readouterr().out
        assert cli.main(["train", "--resume", "--out", str(out), "--epochs", "2", "--device", "cpu"]) == 0
        _, classes, config = load_model(out / "model.safetensors")
        assert (len(classes), config.weights) == (6, str(run / "model.safetensors"))
    assert cli.main(["train", "--data", str(fewer), "--epochs", "1", "--weights", "DEFAULT", *TINY]) == 0
    assert "weights  DEFAULT: all but the predictor" in capsys.readouterr().out


@pytest.mark.filterwarnings("error:trainable_backbone_layers")
@pytest.mark.usefixtures("without_figures")
def test_layers_to_train_reach_the_model(voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classifier = mobilenet_v3_large(num_classes=2)
    torch.save(classifier.state_dict(), tmp_path / "backbone.pth")
    out = tmp_path / "run"
    command = ["train", "--data", str(voc), "--out", str(out), "--model", "mobilenet_v3_large_fpn", "--epochs", "1"]
    command += [
        "--weights-backbone",
        str(tmp_path / "backbone.pth"),
        "--trainable-layers",
        "0",
        "--batch-size",
        "8",
        *TINY,
    ]
    assert cli.main(command) == 0
    model, _, config = load_model(out / "model.safetensors")  # without the warning that nobody has trained them
    assert config.model_args["trainable_backbone_layers"] == 0
    trained = model.state_dict()
    for name, value in classifier.features.state_dict().items():
        if "num_batches" not in name:
            assert torch.equal(trained[f"backbone.body.{name}"], value), name
    assert "cannot be changed on --resume" in error_of(
        capsys, "train", "--resume", "--out", str(out), "--trainable-layers", "3", "--device", "cpu"
    )
    message = error_of(capsys, "train", "--data", str(voc), "--model", "small", "--trainable-layers", "1", *TINY)
    assert "model 'small' trains all its layers" in message
