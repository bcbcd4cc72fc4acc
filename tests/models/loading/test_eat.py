"""EAT checkpoints as they are released, at a toy size: no fairseq, no code."""

import argparse
from pathlib import Path

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.encoders.eat import EatConfig, EatEncoder
from earshot.layers.post_norm_transformer import PostNormConfig
from earshot.models.loading.fairseq_file import read_fairseq
from earshot.models.loading.foreign import read_foreign
from earshot.models.loading.weights import read_torch

IMAGE = "modality_encoders.IMAGE."
RELEASED = {
    "proj.": f"{IMAGE}local_encoder.proj.",
    "extra_tokens": f"{IMAGE}extra_tokens",
    "positions": f"{IMAGE}fixed_positional_encoder.positions",
    "norm.": f"{IMAGE}context_encoder.norm.",
}


def encoder(n_classes: int = 0) -> EatEncoder:
    torch.manual_seed(3)
    transformer = PostNormConfig(dim=64, depth=2, n_heads=1, mlp_dim=96)
    config = EatConfig(
        most_times=96, fill=4.268 / (2 * 4.569), n_classes=n_classes, transformer=transformer
    )
    return EatEncoder(config).eval()


def released(model: EatEncoder, prefix: str = "") -> dict[str, torch.Tensor]:
    state = {}
    for name, tensor in model.state_dict().items():
        old = next(
            (to + name[len(of) :] for of, to in RELEASED.items() if name.startswith(of)), name
        )
        state[prefix + old] = tensor
    return state


def save(path: Path, state, **more) -> Path:
    torch.save({"model": state, **more}, path)
    return path


@pytest.mark.parametrize(("n_classes", "prefix"), [(0, ""), (5, "model.")])
@torch.inference_mode()
def test_a_released_file_gives_its_encoder(tmp_path, n_classes, prefix) -> None:
    wanted = encoder(n_classes)
    state = released(wanted, prefix)
    state[f"{prefix}{IMAGE}decoder.blocks.0.0.weight"] = torch.ones(2)
    state["_ema"] = torch.ones(2)
    model, report = read_foreign(save(tmp_path / "eat.pt", state, cfg={"lr": 1}))
    log_mel, n_frames = torch.randn(1, 128, 500), torch.tensor([500])
    torch.testing.assert_close(model.audio_encoder(log_mel, n_frames), wanted(log_mel, n_frames))
    if n_classes:
        found = model.audio_encoder.class_probabilities(log_mel, n_frames)
        torch.testing.assert_close(found, wanted.class_probabilities(log_mel, n_frames))
    assert report.unexpected == ()
    assert report.missing == ()
    assert report.kind.startswith("EAT")
    assert model.window_s == 10.24


def test_settings_of_fairseq_are_inert_and_weights_whole(tmp_path) -> None:
    state = released(encoder())
    path = save(tmp_path / "eat.pt", state, args=argparse.Namespace(lr=1), extra_state={"a": 1})
    with pytest.raises(EarShotError):
        read_torch(path)
    held = read_fairseq(path)
    assert held["extra_state"] == {"a": 1}
    assert not hasattr(held["args"], "lr")
    torch.testing.assert_close(held["model"]["blocks.0.norm1.weight"], torch.ones(64))
    assert read_foreign(path)[1].unexpected == ()


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_the_file_is_refused_and_not_run(tmp_path) -> None:
    trap = Trap(tmp_path / "ran")
    path = save(tmp_path / "eat.pt", released(encoder()), args=argparse.Namespace(), task=trap)
    with pytest.raises(EarShotError, match="more than data"):
        read_foreign(path)
    assert not (tmp_path / "ran").exists()


def test_a_file_that_lacks_weights_is_refused(tmp_path) -> None:
    state = released(encoder())
    del state["blocks.1.mlp.fc2.weight"]
    with pytest.raises(EarShotError, match=r"without.*blocks\.1\.mlp\.fc2\.weight"):
        read_foreign(save(tmp_path / "eat.pt", state))
    del state["blocks.0.mlp.fc1.weight"]
    with pytest.raises(EarShotError, match="not those of an EAT"):
        read_foreign(save(tmp_path / "eat.pt", state))
