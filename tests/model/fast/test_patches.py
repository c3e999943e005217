"""Small pieces of maps of several levels."""

import torch

from frcnn_edu.model.fast.patches import cut_patches

SIZES = ((7, 9), (4, 5), (1, 2))  # the last: smaller than a patch


def test_patches_are_cut_in_the_order_asked_for() -> None:
    maps = [torch.arange(2 * h * w).double().view(2, 1, h, w) + 1000 * i for i, (h, w) in enumerate(SIZES)]
    per_image = sum(h * w for h, w in SIZES)
    cells = torch.tensor([per_image + 63 + 7, 0, 63 + 20 + 1, 62])  # image 1 P3 (1, 2); corners of image 0
    patches, inside = cut_patches(maps, cells, radius=1)
    assert patches.shape == (4, 1, 3, 3)
    assert patches[0, 0].tolist() == [[1021, 1022, 1023], [1026, 1027, 1028], [1031, 1032, 1033]]
    assert patches[1, 0].tolist() == [[0, 0, 0], [0, 0, 1], [0, 9, 10]]
    assert patches[2, 0].tolist() == [[0, 0, 0], [2000, 2001, 0], [0, 0, 0]]
    assert patches[3, 0].tolist() == [[52, 53, 0], [61, 62, 0], [0, 0, 0]]
    assert inside[1, 0].tolist() == [[False] * 3, [False, True, True], [False, True, True]]
