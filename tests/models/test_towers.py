from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from earshot.core.config import from_dict, override, to_dict
from earshot.core.errors import EarShotError
from earshot.encoders.earshot_cnn import EarshotCnnConfig
from earshot.encoders.htsat import HtsatConfig
from earshot.encoders.panns import CnnConfig
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.text_transformer import TextTransformerConfig
from earshot.features import LogMelConfig
from earshot.models.towers import (
    AudioTower,
    BpeText,
    PublishedText,
    TextTower,
    TwoTowerConfig,
    WordText,
    build_two_tower,
    start_text_from,
)
from earshot.text.tokenizer import BpeTokenizer

FEATURES = LogMelConfig(sample_rate=16_000, n_fft=512, hop_length=256, n_mels=32, f_max=8_000.0)
WORDS = TextTower(words=WordText(vocab_size=50, transformer=TextTransformerConfig(16, 1, 2)))
TINY = PublishedText.roberta()
TINY = replace(TINY, vocab_size=60, dim=16, depth=1, n_heads=2)
SMALL = TwoTowerConfig(
    features=FEATURES, audio=AudioTower(htsat=HtsatConfig.nano()), text=WORDS, dim=8, window_s=2.0
)
AUDIO = {
    "htsat": (AudioTower(htsat=HtsatConfig.nano()), "Htsat"),
    "cnn": (AudioTower(cnn=CnnConfig(32, (4, 8), n_pools=2, dim=16, n_classes=0)), "PannsCnn"),
    "earshot": (
        AudioTower(earshot=EarshotCnnConfig(32, widths=(4, 8), dim=16, n_heads=2)),
        "EarshotCnn",
    ),
    "strips": (AudioTower(strips=StripTransformerConfig(32, dim=16, depth=1)), "StripTransformer"),
}


@pytest.mark.parametrize("name", AUDIO)
def test_each_audio_tower_is_built_and_embeds(name: str) -> None:
    tower, encoder = AUDIO[name]
    model = build_two_tower(replace(SMALL, audio=tower)).eval()
    assert type(model.audio_encoder).__name__ == encoder
    rows = model.embed_audio(torch.randn(2, 20_000) * 0.1, torch.tensor([20_000, 9_000]))
    assert rows.shape == (2, 8)
    assert rows.norm(dim=1).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


@pytest.mark.parametrize(("kind", "n_texts"), [("roberta", 2), ("bert", 2), ("gpt2", 2)])
def test_published_text_towers_take_tokens(kind: str, n_texts: int) -> None:
    config = replace(SMALL, text=TextTower(published=replace(TINY, kind=kind)))
    encoder = build_two_tower(config).text_encoder
    tokens = torch.randint(3, 60, (n_texts, 7))
    hidden = encoder(tokens, torch.zeros(n_texts, 7, dtype=torch.bool))
    assert hidden.shape == (n_texts, 16)


def test_a_text_tower_of_pieces_reads_its_tokenizer(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    BpeTokenizer.train(["a dog barks", "a cat meows"], vocab_size=300).save(file)
    pieces = BpeText(str(file), max_tokens=8, transformer=TextTransformerConfig(16, 1, 2))
    model = build_two_tower(replace(SMALL, text=TextTower(bpe=pieces))).eval()
    rows = model.embed_text(["a dog barks", "a cat meows", "a dog barks"])
    assert torch.equal(rows[0], rows[2])
    assert not torch.allclose(rows[0], rows[1])


def test_a_tokenizer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="tokenizer.json of the tokenizers library"):
        build_two_tower(replace(SMALL, text=TextTower(bpe=BpeText(str(tmp_path / "gone.json")))))


@pytest.mark.parametrize("fusion", ["daf", "aff", "iaff"])
def test_fusions_take_clips_longer_than_the_window(fusion: str) -> None:
    audio = AudioTower(htsat=replace(HtsatConfig.nano(), fusion=fusion))
    model = build_two_tower(replace(SMALL, audio=audio, long_clips="fusion")).eval()
    waveform = torch.randn(2, 80_000) * 0.1  # 5 s and 1 s, in a window of 2 s
    rows = model.embed_audio(waveform, torch.tensor([80_000, 16_000]))
    again = model.embed_audio(waveform, torch.tensor([80_000, 16_000]))
    assert torch.equal(rows, again)
    assert rows.shape == (2, 8)


def test_fusion_without_a_fusing_encoder_is_refused() -> None:
    with pytest.raises(EarShotError, match="fusion=aff"):
        build_two_tower(replace(SMALL, long_clips="fusion"))
    fusing = AudioTower(htsat=replace(HtsatConfig.nano(), fusion="aff"))
    with pytest.raises(EarShotError, match="or neither"):
        build_two_tower(replace(SMALL, audio=fusing))


def test_configs_survive_json_and_change_their_tower_by_words() -> None:
    assert from_dict(TwoTowerConfig, to_dict(SMALL)) == SMALL
    changed = override(SMALL, ["audio.htsat=none", "audio.strips.dim=64", "projection=residual"])
    assert changed.audio.strips is not None
    assert changed.audio.strips.dim == 64
    assert changed.audio.htsat is None


def test_none_or_two_towers_are_refused() -> None:
    with pytest.raises(EarShotError, match="nothing as the audio tower"):
        AudioTower()
    with pytest.raises(EarShotError, match="htsat and strips as the audio tower"):
        AudioTower(htsat=HtsatConfig.nano(), strips=StripTransformerConfig())


def test_text_starts_from_public_weights(tmp_path: Path) -> None:
    config = replace(SMALL, text=TextTower(published=TINY))
    source, model = build_two_tower(config), build_two_tower(config)
    source.text_encoder.model.save_pretrained(tmp_path)
    assert start_text_from(model, str(tmp_path)) == []
    for one, two in zip(
        source.text_encoder.parameters(), model.text_encoder.parameters(), strict=True
    ):
        assert torch.equal(one, two)


def test_public_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    config = replace(SMALL, text=TextTower(published=TINY))
    build_two_tower(config).text_encoder.model.save_pretrained(tmp_path)
    other = build_two_tower(replace(SMALL, text=TextTower(published=replace(TINY, dim=32))))
    with pytest.raises(EarShotError, match="of the sizes in the config"):
        start_text_from(other, str(tmp_path))


def test_public_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    model = build_two_tower(replace(SMALL, text=TextTower(published=TINY)))
    with pytest.raises(EarShotError, match="Put config.json and model.safetensors"):
        start_text_from(model, str(tmp_path))


def test_public_weights_need_a_published_tower() -> None:
    with pytest.raises(EarShotError, match="a published text tower"):
        start_text_from(build_two_tower(SMALL), "roberta-base")
