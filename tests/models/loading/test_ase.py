from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BertModel

import earshot
from earshot.core.errors import EarShotError
from earshot.encoders.htsat import Htsat
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.models.loading.foreign import load_foreign
from earshot.models.loading.htsat_keys import htsat_sizes, rename_htsat
from native_htsat import NativeHtsat
from published import clip, shake, stored_front_end, toy_bert, toy_roberta, toy_tokenizer

TEXTS = ["A dog barks , twice.", "rain falls on a roof, then glass breaks"]
READ = ["a dog barks twice", "rain falls on a roof then glass breaks"]
DIM, TEMP = 24, 0.05
FRONT_END = LogMelConfig(sample_rate=32_000)


class Reference:
    """A retriever by hand: its own HTSAT, a text tower of `transformers`, two MLPs and `temp`."""

    def __init__(self, tokenizer: Path, kind: str) -> None:
        from transformers import AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(tokenizer)
        self.audio = shake(NativeHtsat(8, (2, 1), (2, 4)), 1)
        make = toy_bert if kind == "bert" else toy_roberta
        self.text = make(len(self.tokenizer))
        self.project = {
            name: shake(nn.Sequential(nn.Linear(width, DIM), nn.ReLU(), nn.Linear(DIM, DIM)), seed)
            for name, width, seed in (("audio", 16, 5), ("text", 64, 6))
        }

    def state(self) -> dict[str, Tensor]:
        """All that a released file holds: fixed front end, tagging head and masks too."""
        audio = dict(self.audio.state_dict())
        for name, tensor in stored_front_end(FRONT_END).items():
            part, _, rest = name.partition(".")
            trans = "mel_trans" if part == "spectrogram_extractor" else "log_trans"
            audio[f"audio_feats_extractor.{trans}.{rest}"] = tensor
        named = {f"audio_encoder.audio_enc.{n}": t for n, t in audio.items()}
        text = {n: t for n, t in self.text.state_dict().items() if not n.startswith("pooler")}
        named |= {f"text_encoder.text_encoder.{n}": t for n, t in text.items()}
        named["text_encoder.text_encoder.embeddings.position_ids"] = torch.arange(90)[None]
        for tower, mlp in self.project.items():
            named |= {f"{tower}_proj.{n}": t for n, t in mlp.state_dict().items()}
        return named | {"temp": torch.tensor(TEMP)}

    def save(self, path: Path, **changes: Tensor | None) -> Path:
        state = self.state() | changes
        kept = {n: t for n, t in state.items() if t is not None}
        torch.save(
            {
                "model": kept,
                "optimizer": {"state": {}, "param_groups": [{"lr": 5e-5}]},
                "config": {"embed_size": DIM, "audio_args": {"sr": 32_000}},
                "epoch": 15,
            },
            path,
        )
        return path

    @torch.inference_mode()
    def embed_audio(self, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        whole = F.pad(torch.from_numpy(waveform), (0, 320_000 - len(waveform)))[None]
        matrix = stored_front_end(FRONT_END)["logmel_extractor.melW"]
        log_mel, _ = LogMel(FRONT_END, mel_matrix=matrix)(whole, torch.tensor([320_000]))
        pooled, fine = self.audio(log_mel)
        return F.normalize(self.project["audio"](pooled)).numpy(), fine.numpy()

    @torch.inference_mode()
    def embed_texts(self) -> np.ndarray:
        words = self.tokenizer(
            READ, padding="longest", truncation=True, max_length=30, return_tensors="pt"
        )
        hidden = self.text(words["input_ids"], attention_mask=words["attention_mask"])
        return F.normalize(self.project["text"](hidden.last_hidden_state[:, 0])).numpy()


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_embeddings_equal_the_reference(kind: str, tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer", kind=kind)
    reference = Reference(tokenizer, kind)
    path = reference.save(tmp_path / "HTSAT-BERT-PT.pt")
    embedder = earshot.load(path)  # the tokenizer lies beside it
    assert (embedder.sample_rate, embedder.window_s, embedder.dim) == (32_000, 10.0, DIM)
    assert embedder.scale == pytest.approx(1 / TEMP, rel=1e-5)  # temp divides
    for waveform in (clip(320_000), clip(90_000) * np.float32(1e-2)):
        theirs, fine = reference.embed_audio(waveform)
        assert np.abs(embedder.embed_waveforms([waveform]) - theirs).max() < 1e-5
        sound = torch.from_numpy(waveform)[None]
        with torch.inference_mode():
            states = embedder.model.layers(sound, torch.tensor([len(waveform)]))
        assert np.abs(states.hidden[-1].numpy() - fine).max() < 1e-5
    assert np.abs(embedder.embed_texts(TEXTS) - reference.embed_texts()).max() < 1e-5
    assert ("BERT" if kind == "bert" else "RoBERTa") in embedder.report.kind


def test_htsat_with_published_depths_equals_the_original() -> None:
    """Four stages, 2-2-6-2 blocks, 4-8-16-32 heads, both outputs; 32 numbers a patch."""
    native = shake(NativeHtsat(32, (2, 2, 6, 2), (4, 8, 16, 32)), 3)
    with torch.no_grad():
        for value in native.parameters():
            value.mul_(0.3)  # twelve blocks of the toys' weights would overflow single precision
    ours = Htsat(htsat_sizes(native.state_dict())).eval()
    state: dict[str, Tensor] = {}
    for name, tensor in native.state_dict().items():
        state |= rename_htsat(name, tensor)
    lacking = ours.model.audio_encoder.load_state_dict(state, strict=False)
    assert not lacking.unexpected_keys
    assert not lacking.missing_keys
    log_mel = torch.randn(2, 64, 1001, generator=torch.Generator().manual_seed(0)) * 20 - 40
    n_frames = torch.tensor([1001, 1001])
    with torch.inference_mode():
        pooled, fine = native(log_mel)
        assert (ours(log_mel, n_frames) - pooled).abs().max() < 1e-5
        assert (ours.layers(log_mel, n_frames).hidden[-1] - fine).abs().max() < 1e-5
    assert pooled.std() > 0.01


def test_the_report_names_every_key(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer", kind="bert")
    reference = Reference(tokenizer, "bert")
    report = load_foreign(reference.save(tmp_path / "a.pt")).report
    keys = set(reference.state())
    assert set(report.renamed) | set(report.unexpected) == keys
    assert not set(report.renamed) & set(report.unexpected)
    audio = "audio_encoder.audio_enc."
    assert report.renamed["temp"] == "logit_scale"
    assert report.renamed[f"{audio}audio_feats_extractor.log_trans.melW"] == "features.mel_matrix"
    assert report.renamed["audio_proj.2.bias"] == "audio_projection.linear2.bias"
    assert report.renamed[f"{audio}layers.0.blocks.1.attn.qkv.weight"].count(",") == 2
    assert {f"{audio}tscam_conv.weight", f"{audio}head.bias"} <= set(report.unexpected)


def test_a_stored_mel_matrix_is_used_as_it_is(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer", kind="bert")
    reference = Reference(tokenizer, "bert")
    name = "audio_encoder.audio_enc.audio_feats_extractor.log_trans.melW"
    own = load_foreign(reference.save(tmp_path / "a.pt"))
    without = load_foreign(reference.save(tmp_path / "b.pt", **{name: None}))
    sound = [clip(64_000)]
    assert np.abs(own.embed_waveforms(sound) - without.embed_waveforms(sound)).max() > 1e-4
    assert any("mel matrix" in note for note in without.report.notes)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("temp", torch.tensor(-0.07), "above 0"),
        ("temp", None, "without.*logit_scale"),
        ("audio_proj.0.weight", None, "whole retriever"),
        ("audio_encoder.audio_enc.patch_embed.proj.weight", None, "HTSAT with BERT or RoBERTa"),
        ("audio_encoder.audio_enc.norm.bias", None, "without"),
        ("text_proj.0.bias", torch.zeros(3), "another shape"),
    ],
)
def test_files_that_cannot_be_used_are_refused(
    name: str, value: Tensor | None, word: str, tmp_path: Path
) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer", kind="bert")
    path = Reference(tokenizer, "bert").save(tmp_path / "a.pt", **{name: value})
    with pytest.raises(EarShotError, match=f"(?s){word}"):
        load_foreign(path)


def test_a_temperature_below_our_scale_s_end_is_told(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer", kind="bert")
    path = Reference(tokenizer, "bert").save(tmp_path / "a.pt", temp=torch.tensor(0.004))
    embedder = load_foreign(path)
    assert embedder.scale == pytest.approx(100)
    assert any("0.004" in note for note in embedder.report.notes)


def test_a_text_tower_without_pooler_is_built_without_one(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer", kind="bert")
    embedder = load_foreign(Reference(tokenizer, "bert").save(tmp_path / "a.pt"))
    text = embedder.model.text_encoder.model
    assert isinstance(text, BertModel)
    assert text.pooler is None
