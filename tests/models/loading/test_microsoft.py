from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoTokenizer

from earshot.core.errors import EarShotError
from earshot.encoders.panns import CnnConfig, PannsCnn
from earshot.features.log_mel import LogMelConfig
from earshot.models.loading.foreign import load_foreign
from published import (
    clip,
    original_htsat,
    shake,
    stored_front_end,
    toy_bert,
    toy_gpt2,
    toy_htsat,
    toy_tokenizer,
)

TEXTS = ["a dog barks", "this is the sound of glass", "wow! rain"]
DIM = 24


class Projection(nn.Module):
    """The closed form."""

    def __init__(self, width: int):
        super().__init__()
        self.linear1 = nn.Linear(width, DIM, bias=False)
        self.linear2 = nn.Linear(DIM, DIM, bias=False)
        self.layer_norm = nn.LayerNorm(DIM)

    def forward(self, hidden: Tensor) -> Tensor:
        first = self.linear1(hidden)
        return F.normalize(self.layer_norm(first + self.linear2(F.gelu(first))))


def log_mel(waveform: np.ndarray, stored: dict[str, Tensor], window: int) -> Tensor:
    """Microsoft's front end by hand from the stored tensors: [1, 1, frames, 64]."""
    tiled = np.tile(waveform, -(-window // len(waveform)))[:window]
    padded = F.pad(torch.from_numpy(tiled)[None, None].double(), (512, 512), mode="reflect")
    stem = "spectrogram_extractor.stft.conv_"
    kernels = [stored[f"{stem}{part}.weight"].double() for part in ("real", "imag")]
    parts = [F.conv1d(padded, kernel, stride=320) for kernel in kernels]
    power = (parts[0] ** 2 + parts[1] ** 2).transpose(1, 2)
    mel = power @ stored["logmel_extractor.melW"].double()
    return (10 * mel.clamp(min=1e-10).log10()).float()[:, None]


def published(year: int, tokenizer: Path, folder: Path) -> tuple[Path, dict[str, nn.Module], dict]:
    """The file of that year, the modules of its weights, and its front end."""
    vocab = len(AutoTokenizer.from_pretrained(tokenizer))
    front_end = LogMelConfig.msclap_2022() if year == 2022 else LogMelConfig.msclap_2023()
    stored = stored_front_end(front_end)
    modules: dict[str, nn.Module] = {
        "text": toy_bert(vocab) if year == 2022 else toy_gpt2(vocab),
        "audio_projection": shake(Projection(16), 8),
        "text_projection": shake(Projection(64), 9),
    }
    if year == 2022:
        modules["audio"] = shake(PannsCnn(CnnConfig(channels=(2, 2, 3, 3, 4, 4), dim=16)), 7)
        audio, stem = modules["audio"].state_dict(), "audio_encoder.base."
    else:
        modules["audio"] = toy_htsat()
        audio, stem = original_htsat(modules["audio"]), "audio_encoder.base.htsat."
    state = {f"{stem}{n}": t for n, t in (audio | stored).items()}
    state |= {f"caption_encoder.base.{n}": t for n, t in modules["text"].state_dict().items()}
    if year == 2022:
        state["caption_encoder.base.embeddings.position_ids"] = torch.arange(120)[None]
    else:
        state["caption_encoder.base.h.0.attn.bias"] = torch.ones(1, 1, 90, 90).tril()
        state["caption_encoder.base.h.0.attn.masked_bias"] = torch.tensor(-1e4)
    for name, prefix in (("audio_projection", "audio"), ("text_projection", "caption")):
        values = modules[name].state_dict().items()
        state |= {f"{prefix}_encoder.projection.{n}": t for n, t in values}
    state["logit_scale"] = torch.tensor(3.2)
    path = folder / f"CLAP_weights_{year}.pth"
    torch.save({"epoch": 1, "model": state}, path)
    return path, modules, stored


@torch.inference_mode()
def reference_audio(year: int, modules: dict, stored: dict, waveform: np.ndarray) -> np.ndarray:
    mel = log_mel(waveform, stored, 44_100 * (5 if year == 2022 else 7))
    if year == 2022:
        hidden = modules["audio"](mel[:, 0].transpose(1, 2), torch.tensor([mel.shape[2]]))
    else:
        hidden = modules["audio"](mel).pooler_output
    return modules["audio_projection"](hidden).numpy()


@torch.inference_mode()
def reference_texts(year: int, modules: dict, folder: Path) -> np.ndarray:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = []
    for text in TEXTS:
        if year == 2022:
            words = tokenizer(text, max_length=100, padding="max_length", return_tensors="pt")
            hidden = modules["text"](words["input_ids"], attention_mask=words["attention_mask"])
            rows.append(hidden.last_hidden_state[:, 0])
        else:
            ids = tokenizer(text + " <|endoftext|>")["input_ids"]
            padded = torch.tensor([ids + [0] * (77 - len(ids))])
            seen = torch.tensor([[1] * len(ids) + [0] * (77 - len(ids))])
            hidden = modules["text"](padded, attention_mask=seen).last_hidden_state
            rows.append(hidden[:, int((padded != 0).sum()) - 1])
    return modules["text_projection"](torch.cat(rows)).numpy()


@pytest.mark.parametrize("year", [2022, 2023])
def test_embeddings_equal_the_closed_forms(year: int, tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "words", kind="bert" if year == 2022 else "gpt2")
    path, modules, stored = published(year, tokenizer, tmp_path)
    embedder = load_foreign(path, tokenizer=tokenizer)
    assert (embedder.sample_rate, embedder.dim) == (44_100, DIM)
    assert embedder.window_s == (5.0 if year == 2022 else 7.0)
    assert embedder.scale == pytest.approx(np.exp(3.2), rel=1e-6)
    for waveform in (clip(round(44_100 * embedder.window_s)), clip(100_000)):
        ours = embedder.embed_waveforms([waveform])
        theirs = reference_audio(year, modules, stored, waveform)
        assert np.abs(ours - theirs).max() < 1e-5
    ours = embedder.embed_texts(TEXTS)
    assert np.abs(ours - reference_texts(year, modules, tokenizer)).max() < 1e-5


def test_a_window_has_the_published_number_of_frames(tmp_path: Path) -> None:
    for year, frames in ((2022, 690), (2023, 965)):
        tokenizer = toy_tokenizer(tmp_path / f"{year}", kind="bert" if year == 2022 else "gpt2")
        model = load_foreign(published(year, tokenizer, tmp_path)[0], tokenizer=tokenizer).model
        assert model.window_frames == frames


@pytest.mark.parametrize("year", [2022, 2023])
def test_the_report_names_every_key(year: int, tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "words", kind="bert" if year == 2022 else "gpt2")
    path, _, _ = published(year, tokenizer, tmp_path)
    report = load_foreign(path, tokenizer=tokenizer).report
    keys = set(torch.load(path, weights_only=True)["model"])
    assert set(report.renamed) | set(report.unexpected) == keys
    assert report.renamed[next(k for k in keys if k.endswith("melW"))] == "features.mel_matrix"


def test_the_captioner_file_gives_its_clap(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "words", kind="gpt2")
    path, _, _ = published(2023, tokenizer, tmp_path)
    state = torch.load(path, weights_only=True)["model"]
    inside = {f"clap.{name}": tensor for name, tensor in state.items()}
    torch.save({"model": inside | {"gpt.lm_head.weight": torch.ones(2, 2)}}, tmp_path / "cap.pth")
    plain, cap = (load_foreign(p, tokenizer=tokenizer) for p in (path, tmp_path / "cap.pth"))
    assert np.array_equal(plain.embed_texts(TEXTS), cap.embed_texts(TEXTS))
    assert "gpt.lm_head.weight" in cap.report.unexpected


def test_a_file_without_its_text_tower_is_refused(tmp_path: Path) -> None:
    tokenizer = toy_tokenizer(tmp_path / "words", kind="gpt2")
    path, _, _ = published(2023, tokenizer, tmp_path)
    state = torch.load(path, weights_only=True)["model"]
    audio = {name: tensor for name, tensor in state.items() if name.startswith("audio_encoder")}
    torch.save({"model": audio}, path)
    with pytest.raises(EarShotError, match="without a text tower"):
        load_foreign(path, tokenizer=tokenizer)
