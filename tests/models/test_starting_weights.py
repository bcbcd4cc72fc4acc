from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import WhisperModel

from earshot.core.errors import EarShotError
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.whisper import WhisperConfig
from earshot.features import LogMelConfig
from earshot.jobs.loading import load
from earshot.models.starting_weights import check_text_is_trained, start_audio, start_text
from earshot.models.towers import (
    AudioTower,
    BpeText,
    PublishedText,
    TextTower,
    TwoTowerConfig,
    build_two_tower,
)

TINY_WHISPER = WhisperConfig(window_frames=40, dim=8, depth=1, n_heads=2)
SENTENCES = replace(PublishedText.sentences(), vocab_size=60, dim=16, depth=1, n_heads=2)
SMALL = TwoTowerConfig(
    features=LogMelConfig.whisper(),
    audio=AudioTower(whisper=TINY_WHISPER),
    text=TextTower(published=SENTENCES),
    projection="linear",
    text_projection="none",
    dim=16,
    window_s=0.4,
    fill="none",
)


def test_the_shipped_text_tower_reads_as_it_does_there() -> None:
    strips = AudioTower(strips=StripTransformerConfig(80, dim=16, depth=1))
    text = TextTower(bpe=BpeText())
    config = replace(
        SMALL, audio=strips, text=text, projection="mlp", text_projection="same", dim=256
    )
    model = build_two_tower(config).eval()
    assert start_text(model, "earshot-small") == []
    texts = ["a dog barks", "turn on the light"]
    with torch.inference_mode():
        rows = model.embed_text(texts)
    torch.testing.assert_close(rows, torch.from_numpy(load().embed_texts(texts)), atol=1e-5, rtol=0)


def test_another_shape_is_refused() -> None:
    with pytest.raises(EarShotError, match="the text tower of earshot-small"):
        start_text(build_two_tower(SMALL), "earshot-small")


def test_a_sentence_encoder_is_the_mean_of_its_tokens_and_starts_from_public_weights(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    source, model = build_two_tower(SMALL).eval(), build_two_tower(SMALL).eval()
    source.text_encoder.model.save_pretrained(tmp_path)
    assert start_text(model, str(tmp_path)) == []
    tokens = torch.tensor([[5, 9, 7, 1, 1], [5, 8, 6, 4, 2]])
    padding = tokens == 1
    with torch.inference_mode():
        row = model.text_encoder(tokens, padding)
        hidden = source.text_encoder.model(
            tokens, attention_mask=(~padding).long()
        ).last_hidden_state
    torch.testing.assert_close(row[0], hidden[0, :3].mean(0), atol=1e-6, rtol=0)
    torch.testing.assert_close(row[1], hidden[1].mean(0), atol=1e-6, rtol=0)
    assert "pooler" not in " ".join(name for name, _ in model.named_parameters())


def test_a_whisper_tower_starts_from_a_published_whisper(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = WhisperModel(TINY_WHISPER.library_config())
    published.save_pretrained(tmp_path)
    model = build_two_tower(SMALL)
    assert start_audio(model, str(tmp_path)) == []
    for one, two in zip(
        model.audio_encoder.model.parameters(), published.encoder.parameters(), strict=True
    ):
        assert torch.equal(one, two)


def test_public_speech_weights_need_a_whisper_tower(tmp_path: Path) -> None:
    strips = AudioTower(strips=StripTransformerConfig(80, dim=16, depth=1))
    with pytest.raises(EarShotError, match="Set model.audio.whisper"):
        start_audio(build_two_tower(replace(SMALL, audio=strips)), str(tmp_path))


def test_a_tower_to_be_locked_must_have_been_trained() -> None:
    check_text_is_trained(SMALL, "some/encoder")
    projected = replace(SMALL, text_projection="same")
    check_text_is_trained(projected, "earshot-small")
    for config, source in ((SMALL, None), (projected, "some/encoder")):
        with pytest.raises(EarShotError, match="Start from a model with --model"):
            check_text_is_trained(config, source)


def test_the_text_side_s_own_space_needs_its_size() -> None:
    with pytest.raises(EarShotError, match="Set model.dim=16"):
        build_two_tower(replace(SMALL, dim=8))
    gpt2 = TextTower(published=replace(SENTENCES, kind="gpt2"))
    with pytest.raises(EarShotError, match="tokens see the whole text"):
        build_two_tower(replace(SMALL, text=gpt2))
