import pytest
import torch
import torchvision
from torch import nn

from frcnn_edu import (
    BackboneWithFPN,
    FeaturePyramidNetwork,
    IntermediateLayerGetter,
    SlimResNet,
    mobilenet_backbone,
    resnet_fpn_backbone,
    vgg_backbone,
)


def shapes(backbone: nn.Module, height: int = 64, width: int = 96) -> dict[str, tuple[int, ...]]:
    x = torch.rand(1, 3, height, width, device=next(backbone.parameters()).device)
    with torch.no_grad():
        return {name: tuple(x.shape[1:]) for name, x in backbone.eval()(x).items()}


def test_resnet_pyramid() -> None:
    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None)
    assert shapes(backbone) == {
        "0": (256, 16, 24),
        "1": (256, 8, 12),
        "2": (256, 4, 6),
        "3": (256, 2, 3),
        "pool": (256, 1, 2),
    }
    assert backbone.out_channels == 256


def test_vgg_pyramid_and_single_map() -> None:
    with torch.device("meta"):  # shapes are all that is asked, and VGG's unused classifier is large
        pyramid, single = vgg_backbone(weights=None, fpn=True), vgg_backbone(weights=None, fpn=False)
        assert single(torch.rand(1, 3, 64, 96)).shape == (1, 512, 4, 6)  # stride 16, as in the paper
    assert single.out_channels == 512
    assert shapes(pyramid) == {
        "0": (256, 16, 24),
        "1": (256, 8, 12),
        "2": (256, 4, 6),
        "3": (256, 2, 3),
        "pool": (256, 1, 2),
    }


@pytest.mark.parametrize(("trainable_layers", "trainable"), [(0, 0), (1, 6), (3, 18), (5, 26)])
def test_vgg_freezes_from_the_input_on(trainable_layers: int, trainable: int) -> None:
    """13 convolutions with bias: 2, 2, 3, 3 and 3 in its five stages."""
    with torch.device("meta"):
        backbone = vgg_backbone(weights=None, fpn=False, trainable_layers=trainable_layers)
    flags = [p.requires_grad for p in backbone.parameters()]
    assert sum(flags) == trainable
    assert flags == sorted(flags)


def test_layers_after_the_last_returned_one_are_left_out() -> None:
    resnet = torchvision.models.resnet18()
    getter = IntermediateLayerGetter(resnet, {"layer2": "b", "layer1": "a"})
    assert list(getter) == ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2"]
    assert list(getter(torch.rand(1, 3, 32, 32))) == ["a", "b"]


def test_slim_resnet_is_named_like_torchvisions() -> None:
    slim = set(SlimResNet(layers=(2, 2, 2, 2), widths=(64, 128, 256, 512)).state_dict())
    assert slim == {key for key in torchvision.models.resnet18().state_dict() if not key.startswith("fc.")}


def test_slim_resnet_computes_what_torchvisions_does() -> None:
    torch.manual_seed(0)
    slim, theirs = (
        SlimResNet(layers=(2, 2, 2, 2), widths=(64, 128, 256, 512)).eval(),
        torchvision.models.resnet18().eval(),
    )
    theirs.load_state_dict(slim.state_dict(), strict=False)
    x = torch.rand(1, 3, 65, 97)
    layers = {f"layer{k}": str(k) for k in range(1, 5)}
    with torch.no_grad():
        maps, expected = (IntermediateLayerGetter(resnet, layers)(x) for resnet in (slim, theirs))
    assert all(torch.equal(a, b) for a, b in zip(maps.values(), expected.values(), strict=True))


def test_slim_resnet_begins_as_he_et_al_do() -> None:
    """Weights of variance 2 / (outputs · kernel): "fan out", as torchvision's ResNets begin."""
    torch.manual_seed(0)
    for name, module in SlimResNet().named_modules():
        if isinstance(module, nn.Conv2d):
            expected = (2 / (module.out_channels * module.kernel_size[0] ** 2)) ** 0.5
            assert module.weight.std().item() == pytest.approx(expected, rel=0.05), name


def test_slim_resnet_where_nobody_said_otherwise() -> None:
    shapes_of = [{key: value.shape for key, value in resnet.state_dict().items()} for resnet in (
        SlimResNet(), SlimResNet(layers=(2, 2, 2, 2), widths=(32, 64, 96, 128)),
    )]  # fmt: skip
    assert shapes_of[0] == shapes_of[1]


def test_vgg_trains_three_stages_and_returns_any_map() -> None:
    with torch.device("meta"):
        backbone = vgg_backbone(weights=None, fpn=True, returned_layers=[0, 1, 4])
    assert sum(p.requires_grad for p in backbone.body.parameters()) == 18
    assert shapes(backbone) == {"0": (256, 32, 48), "1": (256, 16, 24), "2": (256, 2, 3), "pool": (256, 1, 2)}


def test_normalisation_within_the_pyramid() -> None:
    backbone = BackboneWithFPN(SlimResNet(), {"layer4": "0"}, [128], 16, norm_layer=nn.BatchNorm2d)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in backbone.fpn.modules()) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: IntermediateLayerGetter(nn.Sequential(nn.ReLU()), {"layer9": "0"}), r"no layers \['layer9'\]"),
        (
            lambda: resnet_fpn_backbone(backbone_name="mobilenet_v2", weights=None),
            "one of torchvision's ResNets, got 'mobilenet_v2'",
        ),
        (lambda: resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=6), r"0…5, got 6"),
        (
            lambda: resnet_fpn_backbone(backbone_name="resnet18", weights=None, returned_layers=[0, 1]),
            r"1…4, got \[0, 1\]",
        ),
        (
            lambda: resnet_fpn_backbone(backbone_name="resnet18", weights=None, returned_layers=[4, 5]),
            r"1…4, got \[4, 5\]",
        ),
        (
            lambda: mobilenet_backbone(
                backbone_name="mobilenet_v3_large", weights=None, fpn=True, returned_layers=[3, 9]
            ),
            r"returned_layers must be of .*got \[3, 9\]",
        ),
        (
            lambda: mobilenet_backbone(backbone_name="mobilenet_v3_large", weights=None, fpn=True, trainable_layers=7),
            r"trainable_layers must be .*0…6, got 7",
        ),
        (lambda: resnet_fpn_backbone(backbone_name="resnet18", weights="NOBODY_V1"), "NOBODY_V1"),
        (lambda: mobilenet_backbone(backbone_name="mobilenet_v2", weights="NOBODY_V1", fpn=True), "NOBODY_V1"),
        (lambda: vgg_backbone(weights="NOBODY_V1", fpn=True), "NOBODY_V1"),
        (lambda: mobilenet_backbone(backbone_name="resnet18", weights=None, fpn=True), r"'resnet18' .*features"),
        (lambda: FeaturePyramidNetwork([64, 0], 256), r"in_channels_list=\[64, 0\]"),
    ],
)
def test_wrong_arguments_are_named(call, message: str) -> None:
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        call()


class Nothing(torchvision.ops.feature_pyramid_network.ExtraFPNBlock):
    def forward(self, results, x, names):
        return results, names


def test_further_levels_can_be_left_to_another_block() -> None:
    backbone = BackboneWithFPN(SlimResNet(), {"layer3": "0", "layer4": "1"}, [96, 128], 16, extra_blocks=Nothing())
    assert list(shapes(backbone)) == ["0", "1"]


@pytest.mark.parametrize(
    "build",
    [
        lambda: resnet_fpn_backbone(backbone_name="resnet18", weights=None, extra_blocks=Nothing()),
        lambda: mobilenet_backbone(
            backbone_name="mobilenet_v3_large", weights=None, fpn=True, returned_layers=[1, 3, 4, 5], extra_blocks=Nothing()
        ),
        lambda: vgg_backbone(weights=None, fpn=True, extra_blocks=Nothing()),
    ],
    ids=["resnet", "mobilenet", "vgg"],
)  # fmt: skip
def test_builders_hand_the_other_block_on(build) -> None:
    with torch.device("meta"):
        assert list(shapes(build())) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(("layers", "fine"), [([-6, 5], True), ([-7, 5], False), ([0, 6], False)])
def test_stages_of_a_mobilenet_are_counted_from_either_end(layers: list[int], fine: bool) -> None:
    def build() -> nn.Module:
        return mobilenet_backbone(backbone_name="mobilenet_v3_large", weights=None, fpn=True, returned_layers=layers)

    with torch.device("meta"):
        if fine:
            assert shapes(build())["0"] == (256, 32, 48)
        else:
            with pytest.raises(ValueError, match=r"returned_layers must be of 0…5, got"):
                build()


def test_a_mobilenet_without_pyramid_says_its_channels() -> None:
    with torch.device("meta"):
        backbone = mobilenet_backbone(backbone_name="mobilenet_v3_small", weights=None, fpn=False)
        assert backbone(torch.zeros(1, 3, 64, 64)).shape[1] == backbone.out_channels == 256
