from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoTokenizer, ClapFeatureExtractor

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig, PannsCnn
from earshot.features.log_mel import LogMelConfig, int16_round_trip
from earshot.models.loading.foreign import load_foreign
from published import (
    clip,
    original_htsat,
    shake,
    stored_front_end,
    toy_htsat,
    toy_roberta,
    toy_t5,
    toy_tokenizer,
)

TEXTS = ["a dog barks", "rain falls on a roof, then glass breaks"]
DIM = 32


class Reference:
    """The original's arithmetic by hand, over `transformers`' classes."""

    def __init__(self, tokenizer: Path, fused: bool):
        self.tokenizer = AutoTokenizer.from_pretrained(tokenizer)
        self.audio, self.text = toy_htsat(fused), toy_roberta(len(self.tokenizer))
        self.project = {
            name: shake(nn.Sequential(nn.Linear(width, DIM), nn.ReLU(), nn.Linear(DIM, DIM)), seed)
            for name, width, seed in (("audio", 16, 5), ("text", 64, 6))
        }

    def state(self) -> dict[str, Tensor]:
        named = {f"audio_branch.{n}": t for n, t in original_htsat(self.audio).items()}
        front_end = stored_front_end(LogMelConfig.laion(), changed=False)
        named |= {f"audio_branch.{n}": t for n, t in front_end.items()}
        named |= {f"text_branch.{n}": t for n, t in self.text.state_dict().items()}
        named["text_branch.embeddings.position_ids"] = torch.arange(90)[None]
        for tower, mlp in self.project.items():
            named |= {f"{tower}_projection.{n}": t for n, t in mlp.state_dict().items()}
            named |= {f"{tower}_transform.sequential.0.weight": torch.randn(DIM, DIM)}
        named |= {"logit_scale_a": torch.tensor(3.5), "logit_scale_t": torch.tensor(3.4)}
        return {f"module.{name}": tensor for name, tensor in named.items()}

    @torch.inference_mode()
    def embed_audio(self, waveform: np.ndarray, fused: bool) -> np.ndarray:
        extractor = ClapFeatureExtractor(
            frequency_min=50, truncation="fusion" if fused else "rand_trunc"
        )
        heard = int16_round_trip(torch.from_numpy(waveform)).numpy()
        features = extractor(heard, sampling_rate=48_000, return_tensors="pt")["input_features"]
        hidden = self.audio(features.float(), is_longer=torch.zeros(1, 1, dtype=torch.bool))
        return F.normalize(self.project["audio"](hidden.pooler_output)).numpy()

    @torch.inference_mode()
    def embed_texts(self) -> np.ndarray:
        words = self.tokenizer(
            TEXTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        )
        hidden = self.text(words["input_ids"], attention_mask=words["attention_mask"])
        return F.normalize(self.project["text"](hidden.pooler_output)).numpy()


@pytest.mark.parametrize("fused", [False, True])
def test_embeddings_equal_the_reference(fused: bool, tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer")
    reference = Reference(tokenizer, fused)
    path = tmp_path / "630k-toy.pt"
    torch.save(
        {
            "epoch": 15,
            "name": "toy",
            "state_dict": reference.state(),
            "loss": np.float64(0.5),  # the released files hold NumPy numbers too
            "optimizer": {"state": {0: {"step": 3}}},
        },
        path,
    )
    embedder = load_foreign(path, tokenizer=tokenizer)
    assert (embedder.sample_rate, embedder.window_s, embedder.dim) == (48_000, 10.0, DIM)
    assert embedder.scale == pytest.approx(np.exp(3.5), rel=1e-6)
    for waveform in (clip(480_000), clip(130_000) * np.float32(1e-3)):
        ours, theirs = embedder.embed_waveforms([waveform]), reference.embed_audio(waveform, fused)
        assert np.abs(ours - theirs).max() < 1e-5
    assert np.abs(embedder.embed_texts(TEXTS) - reference.embed_texts()).max() < 1e-5
    assert embedder.model.long_clips is not None if fused else embedder.model.long_clips is None


@pytest.mark.parametrize("twice", [True, False])
def test_a_file_with_t5_reads_texts_as_compa_s_code_does(twice: bool, tmp_path: Path) -> None:
    """Text tower by `transformers`' T5EncoderModel: the mean over 77 places, padding too."""
    tokenizer = toy_tokenizer(tmp_path / "tokenizer")
    reference = Reference(tokenizer, True)
    text = toy_t5(len(reference.tokenizer))
    mlp = shake(nn.Sequential(nn.Linear(48, DIM), nn.ReLU(), nn.Linear(DIM, DIM)), 6)
    state = {n: t for n, t in reference.state().items() if not n.startswith("module.text_")}
    state |= {f"module.text_branch.{n}": t for n, t in text.state_dict().items()}
    state |= {f"module.text_projection.{n}": t for n, t in mlp.state_dict().items()}
    if not twice:  # files of a later `transformers` hold the words once
        del state["module.text_branch.encoder.embed_tokens.weight"]
    torch.save({"state_dict": state}, tmp_path / "compa.pt")
    embedder = load_foreign(tmp_path / "compa.pt", tokenizer=tokenizer)
    with torch.inference_mode():
        words = reference.tokenizer(
            TEXTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        )
        ids = words["input_ids"].masked_fill(words["attention_mask"] == 0, 0)  # T5 pads with 0
        hidden = text(ids, attention_mask=words["attention_mask"]).last_hidden_state
        theirs = F.normalize(mlp(hidden.mean(1))).numpy()
    assert np.abs(embedder.embed_texts(TEXTS) - theirs).max() < 1e-5
    assert "LAION-CLAP, HTSAT with T5, fused" in embedder.report.to_text()
    assert "text_branch.shared.weight" in embedder.report.renamed


def test_the_report_names_every_key(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer")
    state = Reference(tokenizer, False).state()
    torch.save({"state_dict": state}, tmp_path / "toy.pt")
    report = load_foreign(tmp_path / "toy.pt", tokenizer=tokenizer).report
    keys = {name.removeprefix("module.") for name in state}
    assert set(report.renamed) | set(report.unexpected) == keys
    assert not set(report.renamed) & set(report.unexpected)
    assert "text_branch.embeddings.position_ids" in report.unexpected
    assert {"audio_branch.tscam_conv.weight", "logit_scale_t"} <= set(report.unexpected)
    assert report.renamed["audio_branch.layers.0.blocks.1.attn.qkv.weight"].count(",") == 2
    assert "LAION-CLAP, HTSAT with RoBERTa, unfused" in report.to_text()


def test_a_mel_matrix_in_an_unfused_file_is_used_as_it_is(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer")
    state = Reference(tokenizer, False).state()
    torch.save({"state_dict": state}, tmp_path / "plain.pt")
    state["module.audio_branch.logmel_extractor.melW"] *= torch.linspace(0.5, 2.0, 64)
    torch.save({"state_dict": state}, tmp_path / "other.pt")
    plain, other = (
        load_foreign(tmp_path / name, tokenizer=tokenizer).embed_waveforms([clip(48_000)])
        for name in ("plain.pt", "other.pt")
    )
    assert np.abs(plain - other).max() > 1e-4


def test_the_cnn14_variant_loads(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer")
    state = Reference(tokenizer, False).state()
    state = {n: t for n, t in state.items() if not n.startswith("module.audio_branch.")}
    cnn = shake(PannsCnn(CnnConfig(channels=(2, 2, 3, 3, 4, 4), dim=16)), 7)
    audio = cnn.state_dict() | stored_front_end(LogMelConfig.laion())
    state |= {f"module.audio_branch.{n}": t for n, t in audio.items()}
    torch.save({"state_dict": state}, tmp_path / "pann.pt")
    embedder = load_foreign(tmp_path / "pann.pt", tokenizer=tokenizer)
    waveform = torch.from_numpy(clip(480_000))[None]
    with torch.inference_mode():
        log_mel, n_frames = embedder.model.features(waveform, torch.tensor([480_000]))
        hidden = embedder.model.audio_projection(cnn(log_mel, n_frames))
    ours = embedder.embed_waveforms([waveform[0].numpy()])
    assert np.abs(ours - F.normalize(hidden).numpy()).max() < 1e-5
    assert "CNN14" in embedder.report.kind


@pytest.mark.parametrize("iterative", [False, True])
def test_the_other_fusions_are_told_by_their_keys(iterative: bool, tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer")
    state = Reference(tokenizer, True).state()
    stem = "module.audio_branch.patch_embed.fusion_model."
    block = {n.removeprefix(stem): t for n, t in state.items() if n.startswith(stem)}
    for name, tensor in block.items():
        if iterative:
            for att in ("local_att", "global_att"):
                if name.startswith(f"{att}."):
                    state[stem + name.replace(att, f"{att}2")] = tensor.clone()
        else:
            del state[stem + name]
    torch.save({"state_dict": state}, tmp_path / "toy.pt")
    model = load_foreign(tmp_path / "toy.pt", tokenizer=tokenizer).model
    fusion = model.audio_encoder.model.audio_encoder.patch_embed.fusion_model
    assert type(fusion).__name__ == ("Iaff" if iterative else "Daf")


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("audio_branch.layers.0.blocks.0.attn.proj.weight", "without.*attention.output.dense"),
        ("text_branch.pooler.dense.weight", "without.*pooler"),
        ("audio_projection.0.weight", "without projections"),
        ("logit_scale_a", "without.*logit_scale"),
    ],
)
def test_a_file_that_lacks_weights_is_refused(key: str, word: str, tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "tokenizer")
    state = Reference(tokenizer, False).state()
    del state[f"module.{key}"]
    torch.save({"state_dict": state}, tmp_path / "toy.pt")
    with pytest.raises(EarShotError, match=word):
        load_foreign(tmp_path / "toy.pt", tokenizer=tokenizer)


def test_a_missing_tokenizer_says_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_OFFLINE", "1")
    words = toy_tokenizer(tmp_path / "words")
    torch.save({"state_dict": Reference(words, False).state()}, tmp_path / "toy.pt")
    with pytest.raises(EarShotError, match="roberta-base.*offline.*beside the checkpoint"):
        load_foreign(tmp_path / "toy.pt")
    words.rename(tmp_path / "tokenizer")
    assert load_foreign(tmp_path / "toy.pt").dim == DIM
