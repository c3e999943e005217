"""The names of the models, and the path of the weights in this package, without importing PyTorch."""

from pathlib import Path

MODEL_NAMES = (  # `frcnn_edu.MODELS` has the builder of each
    "small",
    "resnet50_fpn",
    "mobilenet_v3_large_fpn",
    "resnet50_fpn_v2",
    "mobilenet_v3_large_320_fpn",
)
TIMM = "timm:"  # prefix of the name of a timm backbone
SHIPPED_WEIGHTS = Path(__file__).parent / "assets" / "shapes_small.safetensors"  # of the small model
COINS_WEIGHTS = SHIPPED_WEIGHTS.with_name(
    "coins_small.safetensors"
)  # of the same model, trained on photographs of coins


def check_model_name(name: str) -> None:
    """Make sure that there is a model of that name. Whether timm has the backbone in "timm:resnet18" is checked later.

    Raises:
        ValueError: there is none.
    """
    if name not in MODEL_NAMES and not name.startswith(TIMM):
        raise ValueError(f"there is no model {name!r}; choose one of: {', '.join(MODEL_NAMES)}, or {TIMM}BACKBONE")
