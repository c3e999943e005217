import pytest
import torch

from frcnn_edu.training import available_devices, pick_device


@pytest.mark.parametrize(
    ("gpus", "mps", "expected"),
    [(0, False, ["cpu"]), (0, True, ["mps", "cpu"]), (2, True, ["cuda:0", "cuda:1", "mps", "cpu"])],
)
def test_the_best_there_is(monkeypatch: pytest.MonkeyPatch, gpus: int, mps: bool, expected: list[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert available_devices() == expected
    assert pick_device() == torch.device(expected[0])
    assert pick_device("cpu") == torch.device("cpu")
    if gpus:
        assert pick_device("cuda") == torch.device("cuda:0")
    else:
        with pytest.raises(ValueError, match=r"'cuda' is not available here.*cpu"):
            pick_device("cuda")
    with pytest.raises(ValueError, match="'tpu'"):
        pick_device("tpu")
