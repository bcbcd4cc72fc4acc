from __future__ import annotations

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.encoders.agnostic import (
    AgnosticEncoder,
    SpectrogramStem,
    SpectrogramStemConfig,
    Trunk,
    TrunkConfig,
    WaveStem,
    WaveStemConfig,
    WordStem,
    WordStemConfig,
    drop_tokens,
)

SMALL = TrunkConfig(dim=16, depth=2, n_heads=4, mlp_dim=32, dropout=0.1, drop_tokens=0.5)


def stems() -> dict:
    return {
        "spectrogram": SpectrogramStem(SpectrogramStemConfig(8, strip=4, max_positions=20), 16),
        "waveform": WaveStem(WaveStemConfig(patch=8, max_positions=20), 16),
        "words": WordStem(WordStemConfig(50, word_dim=6, max_tokens=20), 16),
    }


def given(kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Two inputs of which the second is the first's equal in its real part alone."""
    torch.manual_seed(1)
    if kind == "words":
        tokens = torch.randint(1, 50, (2, 12))
        tokens[1, :5] = tokens[0, :5]
        return tokens, torch.arange(12)[None] >= torch.tensor([[12], [5]])
    values = torch.randn(2, 40) if kind == "waveform" else torch.randn(2, 8, 40) * 30
    return values, torch.tensor([40, 18])


@pytest.mark.parametrize("kind", ["spectrogram", "waveform", "words"])
def test_padding_and_batch_mates_change_nothing(kind: str) -> None:
    torch.manual_seed(0)
    encoder = AgnosticEncoder(stems()[kind], Trunk(SMALL)).eval()
    values, extent = given(kind)
    both = encoder(values, extent)
    n_real = 5 if kind == "words" else 18
    alone = encoder(values[1:, ..., :n_real], extent[1:, ..., :n_real] if kind == "words"
                    else extent[1:])  # fmt: skip
    torch.testing.assert_close(both[1:], alone, atol=1e-5, rtol=0)
    other = values.clone()
    other[1, ..., n_real:] = 3
    assert torch.equal(encoder(other, extent), both)
    other[1, ..., n_real - 1] = 7
    assert not torch.equal(encoder(other, extent)[1], both[1])


def test_one_trunk_learns_from_every_stem() -> None:
    trunk = Trunk(SMALL)
    encoders = {kind: AgnosticEncoder(stem, trunk) for kind, stem in stems().items()}
    together = torch.nn.ModuleDict(encoders)
    own = sum(p.numel() for stem in stems().values() for p in stem.parameters()) + 3 * 16
    n_trunk = sum(p.numel() for p in trunk.parameters())
    assert sum(p.numel() for p in together.parameters()) == own + n_trunk
    for kind, encoder in encoders.items():
        trunk.zero_grad()
        encoder(*given(kind))[:, 0].sum().backward()
        assert trunk.encoder.layers[0].mlp.fc1.weight.grad.abs().sum() > 0, kind


def test_tokens_of_sound_are_dropped_in_training_alone() -> None:
    torch.manual_seed(0)
    encoder = AgnosticEncoder(stems()["waveform"], Trunk(SMALL))
    seen = []
    encoder.trunk.register_forward_pre_hook(lambda _, taken: seen.append(taken[0].shape[1]))
    for mode in (True, False):
        encoder.train(mode)(*given("waveform"))
    assert seen == [1 + 5 // 2, 1 + 5]  # the gathering token is never dropped


def test_dropping_keeps_order_and_takes_real_ones_first() -> None:
    torch.manual_seed(0)
    hidden = torch.arange(10.0).repeat(3, 1)[..., None]
    padding = torch.arange(10)[None] >= torch.tensor([[10], [5], [2]])
    kept, still = drop_tokens(hidden, padding, 0.5)
    assert kept.shape == (3, 5, 1)
    assert (kept[:, 1:] > kept[:, :-1]).all()
    assert sorted(kept[1].flatten().tolist()) == [0, 1, 2, 3, 4]
    assert still.sum(1).tolist() == [0, 0, 3]
    assert drop_tokens(hidden, padding, 0.0)[0] is hidden


def test_faults_say_what_to_mend() -> None:
    with pytest.raises(EarShotError, match="divisors"):
        TrunkConfig(dim=10, n_heads=4)
    with pytest.raises(EarShotError, match="VATT drops"):
        TrunkConfig(drop_tokens=1.0)
    encoder = AgnosticEncoder(stems()["waveform"], Trunk(SMALL))
    with pytest.raises(EarShotError, match="max_positions"):
        encoder(torch.zeros(1, 21 * 8), torch.tensor([168]))
    with pytest.raises(EarShotError, match="n_mels"):
        stems()["spectrogram"](torch.zeros(1, 9, 4), torch.tensor([4]))
