from pathlib import Path

import pytest
import torch

from frcnn_edu.data import ShapesDetection, VOCDetection, write_voc


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    data = ShapesDetection("val")
    assert write_voc(data, tmp_path, "train", [3, 12, 5]) == ["000003", "000012", "000005"]
    again = VOCDetection(tmp_path, "train", data.classes)
    assert again.classes == data.classes
    for index, (image, target) in zip([3, 12, 5], again):
        expected_image, expected = data[index]
        assert (image - expected_image).abs().mean() < 0.02  # JPEG
        torch.testing.assert_close(target["boxes"], expected["boxes"], atol=1e-3, rtol=0)
        assert target["labels"].tolist() == expected["labels"].tolist()
        assert target["iscrowd"].tolist() == expected["iscrowd"].tolist()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    data = ShapesDetection("val")
    write_voc(data, tmp_path, "train", [3])
    with pytest.raises(FileExistsError):
        write_voc(data, tmp_path, "val", [3])
    with pytest.raises(FileExistsError):
        write_voc(data, tmp_path, "train", [4])
