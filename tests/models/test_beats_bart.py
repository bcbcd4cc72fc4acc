from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from decoders.tiny_writer import tiny_tokenizer
from earshot.core.errors import EarShotError
from earshot.decoders.choosing import CaptionPlan
from earshot.decoders.cross_attention import CrossDecoderConfig
from earshot.decoders.decoding import DecodingConfig
from earshot.encoders.beats import BeatsConfig
from earshot.encoders.post_encoder import PostEncoderConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.features import KaldiFbankConfig, LogMelConfig
from earshot.layers.deepnorm_transformer import DeepNormConfig
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig
from earshot.models.beats_bart import BeatsBart, BeatsBartConfig
from earshot.models.caption_sentences import CaptionSentences
from published import shake

MEL = LogMelConfig(sample_rate=8_000, n_fft=256, hop_length=200, n_mels=16, f_max=4_000.0)
TINY = BeatsBartConfig(
    encoder=SoundEncoderConfig(
        audio=AudioTower(strips=StripTransformerConfig(16, strip=2, dim=16, depth=1)),
        features=MEL,
        window_s=2.0,
    ),
    post=PostEncoderConfig(dim=16, depth=1, n_heads=2, mlp_dim=24, depthwise_kernel=5),
    head_dim=12,
    sentence_dim=3,
    decoder=CrossDecoderConfig(
        vocab_size=280, dim=16, depth=1, n_heads=2, mlp_dim=24, most_tokens=16, most_positions=64
    ),
)
N = torch.tensor([16_000, 5_000, 9_000])
NUCLEUS = DecodingConfig("nucleus", n_samples=4, max_tokens=6)


def captioner(config: BeatsBartConfig = TINY) -> BeatsBart:
    torch.manual_seed(0)
    model = BeatsBart(config)
    shake(model, 0)
    model.decoder.tokenizer = tiny_tokenizer()
    return model.eval()


def sounds() -> Tensor:
    return 0.1 * torch.randn(3, 16_000, generator=torch.Generator().manual_seed(1))


def by_length(texts: list[str]) -> Tensor:
    """Sentences on an arc, the longer the further along."""
    angle = torch.tensor([float(len(text)) for text in texts]) / 20
    return torch.stack([angle.cos(), angle.sin(), 0 * angle], 1)


@pytest.mark.parametrize("decoding", [DecodingConfig(max_tokens=6), NUCLEUS])
def test_batch_mates_and_padding_change_nothing(decoding: DecodingConfig) -> None:
    model, waveform = captioner(), sounds()
    whole = model.captions(waveform, N, decoding)
    with torch.no_grad():
        rows = model.sentence(*model.hear(*model.encoder_states(waveform, N)))
    for i, n in enumerate(N.tolist()):
        alone, length = waveform[i : i + 1, :n], N[i : i + 1]
        [found] = model.captions(alone, length, decoding)
        assert [each.text for each in found] == [each.text for each in whole[i]]
        with torch.no_grad():
            [row] = model.sentence(*model.hear(*model.encoder_states(alone, length)))
        assert torch.allclose(row, rows[i], atol=1e-5)


def test_the_head_reads_the_mean_of_what_is_real() -> None:
    model, waveform = captioner(), sounds()
    with torch.no_grad():
        memory, n = model.hear(*model.encoder_states(waveform, N))
        pooled = torch.stack(
            [row[:real].mean(0) for row, real in zip(memory, n.tolist(), strict=True)]
        )
        head = model.encoder_embed_mlp
        expected = F.normalize(head.fc2(F.gelu(head.bn(head.fc1(pooled)))))
        assert torch.allclose(model.sentence(memory, n), expected, atol=1e-6)


def test_what_was_drawn_is_ordered_by_decoder_and_head_together() -> None:
    model, waveform = captioner(), sounds()
    drawn = model.captions(waveform, N, NUCLEUS)
    assert all(len(row) == 4 for row in drawn)
    model.sentences = CaptionSentences("arc", by_length)
    with torch.no_grad():
        rows = model.sentence(*model.hear(*model.encoder_states(waveform, N)))
    assert model.captions(waveform, N, NUCLEUS) == drawn
    plan = CaptionPlan((NUCLEUS, NUCLEUS), "hybrid")  # the second finds the same once more
    for before, after, row in zip(drawn, model.chosen(waveform, N, plan), rows, strict=True):
        scores = {
            each.text: 0.3 * each.score + 0.7 * float(by_length([each.text])[0] @ row)
            for each in before
        }
        told = [each.text for each in after]
        assert sorted(told) == sorted(scores)
        assert told == sorted(scores, key=lambda text: (not text, -scores[text]))
        refused = [r[0].text for r in model.chosen(waveform, N, plan, lambda text: False)]
        assert told[0] in refused
    beam = DecodingConfig("beam", n_best=3, max_tokens=6)
    searched = model.captions(waveform, N, beam)[0]
    assert [e.score for e in searched] == sorted((e.score for e in searched), reverse=True)


def test_the_encoder_stays_frozen_and_is_masked_only_where_asked() -> None:
    augmented = replace(TINY, spec_augment=SpecAugmentConfig(time_width=30, mel_width=8))
    model, waveform = captioner(augmented).train(), sounds()
    assert not model.encoder.training
    assert model.post.training
    states, n = model.encoder_states(waveform, N)
    assert not torch.equal(states, model.encoder_states(waveform, N)[0])
    loss = model.decoder.loss(*model.hear(states, n), ["a dog", "rain", "a cat"])
    loss.backward()
    assert all(value.grad is None for value in model.encoder.parameters())
    assert model.post.downsample_conv.weight.grad is not None
    model.eval()
    assert torch.equal(model.encoder_states(waveform, N)[0], model.encoder_states(waveform, N)[0])


def test_patches_are_positions_and_layers_are_counted_from_what_goes_in() -> None:
    beats = BeatsConfig(embed_dim=12, n_mels=32, transformer=DeepNormConfig(
        dim=16, depth=3, n_heads=2, mlp_dim=24, conv_width=8, conv_groups=4))  # fmt: skip
    encoder = SoundEncoderConfig(
        audio=AudioTower(beats=beats), fbank=replace(KaldiFbankConfig.beats(), n_mels=32),
        window_s=2.0,
    )  # fmt: skip
    waveform, n = sounds(), N * 2
    waveform = torch.cat([waveform, waveform], 1)
    by_patch = captioner(replace(TINY, encoder=encoder, patches=True, layer=2))
    over_time = captioner(replace(TINY, encoder=encoder, layer=2))
    (one, n_one), (other, n_other) = (m.encoder_states(waveform, n) for m in (by_patch, over_time))
    assert torch.equal(n_one, 2 * n_other)  # two bands of patches
    assert torch.allclose(one.unflatten(1, (-1, 2)).mean(2), other, atol=1e-6)
    last = captioner(replace(TINY, encoder=encoder, layer=3)).encoder_states(waveform, n)[0]
    unset = captioner(replace(TINY, encoder=encoder))
    assert torch.equal(last, unset.encoder_states(waveform, n)[0])
    assert not torch.allclose(last, other, atol=1e-3)


def test_tokenizer_and_sentences_are_kept_beside_the_weights(tmp_path: Path) -> None:
    model = captioner()
    model.sentences = CaptionSentences("nowhere", by_length, prompt="p: ")
    model.save_beside(tmp_path)
    other = BeatsBart(TINY)
    other.load_beside(tmp_path)
    assert other.decoder.tokenizer is not None
    assert other.decoder.tokenizer.facts == model.decoder.tokenizer.facts
    assert other.sentences is None  # that encoder is not here: nothing is reranked
    (tmp_path / "sentences.json").write_text('{"source": "earshot-small", "prompt": "p: "}')
    other.load_beside(tmp_path)
    assert other.sentences is not None
    assert other.sentences.prompt == "p: "


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(EarShotError, match="the same width"):
        replace(TINY, post=replace(TINY.post, dim=32))
    with pytest.raises(EarShotError, match="patches=false"):
        replace(TINY, patches=True)
    with pytest.raises(EarShotError, match="layers 0 to 0"):
        captioner(replace(TINY, layer=4)).encoder_states(sounds(), N)
