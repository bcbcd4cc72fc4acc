from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertModel

from earshot.core.errors import EarShotError
from earshot.encoders.conformer import Conformer, ConformerConfig
from earshot.features import KaldiFbank, KaldiFbankConfig
from earshot.layers.conv_subsampling import ConvSubsampling

TINY = ConformerConfig(
    n_mels=8, conv_dim=4, dim=16, depth=2, n_heads=2, inner_dim=24, kernel=5, left=6, right=2
)
CONV = replace(TINY, subsampling="conv")


def conformer(config: ConformerConfig = TINY) -> Conformer:
    torch.manual_seed(0)
    return Conformer(config).eval()


def test_it_is_transformers_model_on_its_own_extractor_s_features() -> None:
    """Two sounds of different length, of an odd number of frames, on random weights."""
    config = replace(TINY, n_mels=80)
    torch.manual_seed(0)
    library = Wav2Vec2BertModel(config.library_config()).eval()
    ours = conformer(config)
    ours.model.load_state_dict(library.state_dict())
    rng = np.random.default_rng(0)
    sounds = [rng.normal(size=n).astype(np.float32) * 0.1 for n in (9_000, 5_700)]
    assert ((5_700 - 400) // 160 + 1) % 2 == 0
    assert ((9_000 - 400) // 160 + 1) % 2 == 0
    sounds.append(rng.normal(size=7_000).astype(np.float32) * 0.1)  # 42 frames
    sounds.append(rng.normal(size=7_100).astype(np.float32) * 0.1)  # 42
    sounds.append(rng.normal(size=7_300).astype(np.float32) * 0.1)  # 44
    sounds.append(rng.normal(size=7_120).astype(np.float32) * 0.1)  # 43: the rest is dropped
    extractor = SeamlessM4TFeatureExtractor(padding_value=1)  # as released
    given = extractor(sounds, sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        theirs = library(**given, output_hidden_states=True)
        features = KaldiFbank(KaldiFbankConfig.w2v_bert())
        n_samples = torch.tensor([len(each) for each in sounds])
        waveform = torch.zeros(len(sounds), int(n_samples.max()))
        for row, sound in zip(waveform, sounds, strict=True):
            row[: len(sound)] = torch.from_numpy(sound)
        log_mel, n_frames = features(waveform, n_samples)
        assert bool((n_frames % 2).any())
        states = ours.layers(log_mel, n_frames)
    real = ~states.padding
    assert torch.equal(real.sum(1), given["attention_mask"].sum(1))
    assert len(states.hidden) == len(theirs.hidden_states) == 3
    for found, wanted in zip(states.hidden, theirs.hidden_states, strict=True):
        torch.testing.assert_close(found[real], wanted[real], atol=1e-4, rtol=1e-4)
    mean = theirs.last_hidden_state[3][real[3]].mean(0)
    torch.testing.assert_close(ours(log_mel, n_frames)[3], mean, atol=1e-4, rtol=1e-4)


def test_hiding_is_transformers_masking() -> None:
    ours = conformer()
    log_mel, masked = torch.randn(2, 8, 40), torch.rand(2, 20) < 0.5
    features, n_positions = ours.positions(log_mel, torch.tensor([40, 40]))
    found = ours.encode(features, n_positions, masked).last
    library = ours.model
    library.config.apply_spec_augment = True
    stacked = log_mel.transpose(1, 2).reshape(2, 20, 16)
    wanted = library(stacked, mask_time_indices=masked).last_hidden_state
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@settings(deadline=None, derandomize=True, max_examples=20)
@given(n=st.integers(1, 40), more=st.integers(0, 30), conv=st.booleans(), seed=st.integers(0, 99))
def test_neither_padding_nor_batch_mates_change_a_row(
    n: int, more: int, conv: bool, seed: int
) -> None:
    ours = conformer(CONV if conv else TINY)
    draw = torch.Generator().manual_seed(seed)
    clip = torch.randn(1, 8, n, generator=draw)
    mates = torch.randn(3, 8, n + more, generator=draw) * 9  # what is past the end is loud
    mates[:1, :, :n] = clip
    n_frames = torch.tensor([n, n + more, 1])
    with torch.no_grad():
        alone, among = ours(clip, torch.tensor([n])), ours(mates, n_frames)
        states = ours.layers(mates, n_frames)
        own = ours.layers(clip, torch.tensor([n]))
    torch.testing.assert_close(among[:1], alone, atol=1e-5, rtol=1e-5)
    k = int(own.n_positions[0])
    assert k == (max(1, -(-n // 4)) if conv else max(1, n // 2))
    for whole, part in zip(states.hidden, own.hidden, strict=True):
        torch.testing.assert_close(whole[:1, :k], part[:, :k], atol=1e-5, rtol=1e-5)


def test_convolutions_are_causal_and_attention_is_not() -> None:
    ours = conformer().double()
    log_mel = torch.randn(1, 8, 24, dtype=torch.float64, requires_grad=True)
    hidden = log_mel.transpose(1, 2).reshape(1, 12, 16) @ torch.randn(16, 16).double()
    block = ours.model.encoder.layers[0].conv_module
    want = torch.randn(16).double()  # a norm's plain sum has no gradient
    (block(hidden)[0, 5] * want).sum().backward()
    touched = log_mel.grad[0].abs().sum(0).view(12, 2).sum(1) > 0
    assert touched.nonzero().flatten().tolist() == [1, 2, 3, 4, 5]  # a kernel of five, looking back
    log_mel.grad = None
    (ours.layers(log_mel, torch.tensor([24])).hidden[1][0, 5] * want).sum().backward()
    assert bool((log_mel.grad[0].abs().sum(0) > 0).all())


def test_the_published_sizes() -> None:
    for config, n in ((ConformerConfig.v2(), 580.49e6), (ConformerConfig.xl(), 0.6e9)):
        with torch.device("meta"):
            model = Conformer(config)
        size = sum(each.numel() for each in model.parameters())
        assert size == pytest.approx(n, rel=2e-5 if n < 0.6e9 else 0.05)
    assert Conformer(TINY).position_frames == 2
    assert Conformer(CONV).position_frames == 4


def test_four_frames_become_one_by_two_convolutions() -> None:
    torch.manual_seed(0)
    layer = ConvSubsampling(9, 3)
    out, n = layer(torch.randn(2, 9, 13), torch.tensor([13, 6]))
    assert out.shape == (2, 4, layer.dim)
    assert layer.dim == 3 * 3
    assert n.tolist() == [4, 2]


@pytest.mark.parametrize("wrong", [{"n_heads": 3}, {"kernel": 4}, {"depth": 0}, {"n_stacked": 0}])
def test_impossible_sizes_are_refused(wrong: dict) -> None:
    with pytest.raises(EarShotError, match="w2v-BERT 2.0 has 1024, 16, 31, 2 and 24"):
        replace(TINY, **wrong)


def test_other_bands_are_refused() -> None:
    with pytest.raises(EarShotError, match="the same n_mels"):
        conformer()(torch.zeros(1, 9, 20), torch.tensor([20]))
