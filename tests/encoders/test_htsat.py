from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import ClapAudioModel

from earshot.core.errors import EarShotError
from earshot.encoders.htsat import Htsat, HtsatConfig
from published import shake

NANO = HtsatConfig.nano()


def test_unfused_equals_the_library() -> None:
    ours = Htsat(NANO)
    shake(ours, 1)
    theirs = ClapAudioModel(NANO.to_transformers()).eval()
    theirs.load_state_dict(ours.model.state_dict())
    log_mel = torch.randn(2, 32, 126) * 20 - 40
    expected = theirs(log_mel[:, None].transpose(2, 3)).pooler_output
    assert torch.equal(ours(log_mel, torch.tensor([126, 126])), expected)


def test_aff_equals_the_library_and_only_longer_rows_are_fused() -> None:
    config = replace(NANO, fusion="aff")
    ours = Htsat(config)
    shake(ours, 1)
    theirs = ClapAudioModel(config.to_transformers()).eval()
    theirs.load_state_dict(ours.model.state_dict())
    views = torch.randn(3, 4, 32, 126) * 20 - 40
    longer = torch.tensor([True, False, True])
    full = torch.full((3,), 126)
    fused = ours(views, full, longer)
    expected = theirs(views.transpose(2, 3), is_longer=longer[:, None]).pooler_output
    assert torch.allclose(fused, expected, atol=1e-6)
    plain = ours(views[:, 0], full)
    assert torch.allclose(fused[1], plain[1], atol=1e-6)
    assert not torch.allclose(fused[0], plain[0], atol=1e-3)


def test_nano_has_the_size_of_its_card() -> None:
    model = Htsat(NANO)
    assert model.dim == 96
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(0.28, abs=0.01)


def test_time_reaches_the_embedding() -> None:
    model = shake(Htsat(NANO), 1)
    log_mel = torch.randn(1, 32, 128) * 20 - 40
    full = torch.tensor([128])
    assert not torch.allclose(model(log_mel, full), model(log_mel.flip(2), full), atol=1e-3)


def test_what_would_be_folded_wrongly_is_refused() -> None:
    model = Htsat(NANO)
    with pytest.raises(EarShotError, match="repeatpad"):
        model(torch.zeros(2, 32, 126), torch.tensor([126, 90]))
    with pytest.raises(EarShotError, match="at most 128"):
        model(torch.zeros(1, 32, 129), torch.tensor([129]))
    with pytest.raises(EarShotError, match="n_mels"):
        model(torch.zeros(1, 64, 126), torch.tensor([126]))
    with pytest.raises(EarShotError, match="views"):
        model(torch.zeros(1, 4, 32, 126), torch.tensor([126]))


@pytest.mark.parametrize(
    "change",
    [{"depths": (1, 1, 1, 1), "n_heads": (2, 2, 2, 2)}, {"n_mels": 24}, {"window_size": 8}],
)
def test_impossible_sizes_are_refused(change: dict) -> None:
    with pytest.raises(EarShotError, match="last grid"):
        replace(NANO, **change)


def test_unknown_fusions_are_refused() -> None:
    config = replace(NANO, fusion="aff").to_transformers()
    config.fusion_type = "channel_map"
    with pytest.raises(EarShotError, match="channel_map"):
        Htsat(config)
