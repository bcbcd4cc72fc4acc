from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from earshot.core.errors import EarShotError
from earshot.encoders.agnostic import (
    SpectrogramStemConfig,
    TrunkConfig,
    WaveStemConfig,
    WordStemConfig,
)
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.models.three_streams import ThreeStreams, ViewConfig, add_view, load_view, save_view
from earshot.models.towers import AudioTower, TextTower, TwoTowerConfig, WordText, build_two_tower

TRUNK = TrunkConfig(16, 1, 4, 32, dropout=0.0, drop_tokens=0.0)
FEATURES = LogMelConfig(sample_rate=8_000, n_fft=256, hop_length=128, n_mels=16, f_max=4_000.0)
APART = TwoTowerConfig(
    features=FEATURES,
    audio=AudioTower(strips=StripTransformerConfig(16, strip=4, dim=16, depth=1)),
    text=TextTower(words=WordText(64, 8, TextTransformerConfig(16, 1, 4))),
    dim=12,
    window_s=1.0,
    fill="none",
)
SHARED = replace(
    APART,
    audio=AudioTower(agnostic=SpectrogramStemConfig(16, strip=4, max_positions=64)),
    text=TextTower(agnostic=WordStemConfig(64, word_dim=8, max_tokens=8)),
    projection="fine_to_coarse",
    trunk=TRUNK,
)
KINDS = {
    "apart": (APART, ViewConfig(WaveStemConfig(64, 128), trunk=TRUNK)),
    "shared": (SHARED, ViewConfig(WaveStemConfig(64, 128))),
}


def streams_of(kind: str, seed: int = 0) -> ThreeStreams:
    torch.manual_seed(seed)
    model, view = KINDS[kind]
    return add_view(build_two_tower(model), view)


def sounds() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    return torch.randn(3, 8_000) * 0.1, torch.tensor([8_000, 6_000, 3_000])


@pytest.mark.parametrize("kind", KINDS)
def test_the_anchor_leads_to_the_model_s_own_embedding(kind: str) -> None:
    streams = streams_of(kind).eval()
    anchor = streams.anchor(*sounds())
    torch.testing.assert_close(streams.beside_text(anchor), streams.towers.embed_audio(*sounds()))
    view = streams.view(*sounds())
    assert view.shape == streams.beside_view(anchor).shape == (3, 12 if kind == "apart" else 24)
    torch.testing.assert_close(view.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize("kind", KINDS)
def test_the_view_comes_back_from_its_file(kind: str, tmp_path: Path) -> None:
    one, two = streams_of(kind).eval(), streams_of(kind, seed=1).eval()
    save_view(one, tmp_path)
    assert not torch.equal(one.view(*sounds()), two.view(*sounds()))
    two.towers.load_state_dict(one.towers.state_dict())
    load_view(two, tmp_path)
    assert torch.equal(one.view(*sounds()), two.view(*sounds()))


def test_a_shared_trunk_is_counted_and_kept_once(tmp_path: Path) -> None:
    streams = streams_of("shared")
    trunk = streams.towers.audio_encoder.trunk
    assert streams.towers.text_encoder.trunk is streams.view.encoder.trunk is trunk
    save_view(streams, tmp_path)
    size = (tmp_path / "view.safetensors").stat().st_size
    own = sum(p.numel() for p in streams.parameters()) - sum(
        p.numel() for p in streams.towers.parameters()
    )
    assert 4 * own < size < 4 * own + 2_000


def test_noise_is_heard_by_the_view_in_training_alone() -> None:
    streams = streams_of("apart")
    rows = [streams.train(mode).view(*sounds()) for mode in (True, False, False)]
    assert not torch.equal(rows[0], rows[1])
    assert torch.equal(rows[1], rows[2])


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="trunk of its own"):
        add_view(build_two_tower(APART), ViewConfig(WaveStemConfig(64, 128)))
    with pytest.raises(EarShotError, match="no encoders of the second view"):
        ViewConfig()
    with pytest.raises(EarShotError, match="two encoders of the second view"):
        ViewConfig(WaveStemConfig(64, 128), StripTransformerConfig(16))
    with pytest.raises(EarShotError, match="all three together"):
        replace(APART, trunk=TRUNK)
    save_view(streams_of("apart"), tmp_path)
    with pytest.raises(EarShotError, match="other names or shapes"):
        load_view(streams_of("shared"), tmp_path)


def test_fine_and_coarse_rows_are_the_clip_s_own() -> None:
    streams = streams_of("shared").train()
    anchor = streams.anchor(*sounds())
    alone = streams.anchor(*(each[:1] for each in sounds()))
    torch.testing.assert_close(anchor[:1], alone, atol=1e-5, rtol=0)
    given = torch.randn(5, 24)
    rows = streams.beside_text(given)
    torch.testing.assert_close(rows[2:3], F.normalize(
        streams.towers.audio_projection.coarse(given[2:3])))  # fmt: skip
