import pytest

from frcnn_edu.training import TrainConfig


@pytest.fixture
def config() -> TrainConfig:
    return TrainConfig(
        model_args={"min_size": 64, "max_size": 80}, epochs=3, batch_size=3, warmup_steps=2, workers=0, lr=0.01
    )
