from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BartConfig, BartForConditionalGeneration

import earshot
from decoders.tiny_writer import CAPTIONS, tiny_tokenizer
from earshot.audio import write_audio
from earshot.core.errors import EarShotError
from earshot.decoders.decoding import DecodingConfig
from earshot.features.log_mel import LogMel, LogMelConfig
from earshot.models.htsat_bart import HtsatBart
from earshot.models.loading.captioners import read_captioner
from native_htsat import NativeHtsat
from published import clip, shake, stored_front_end

FRONT_END = LogMelConfig(sample_rate=32_000)
VOCABULARY, DIM, N_TOKENS = 280, 64, 256  # a head for 64 numbers: one


class Reference:
    """The captioner by hand: its own HTSAT, a linear map, and all of the library's BART."""

    def __init__(self) -> None:
        config = BartConfig(
            vocab_size=VOCABULARY, d_model=DIM, encoder_layers=2, decoder_layers=2,
            encoder_attention_heads=1, decoder_attention_heads=1, encoder_ffn_dim=24,
            decoder_ffn_dim=40, max_position_embeddings=N_TOKENS, pad_token_id=0, bos_token_id=1,
            eos_token_id=2, decoder_start_token_id=2, forced_bos_token_id=1,
            forced_eos_token_id=None,
        )  # fmt: skip
        self.audio = shake(NativeHtsat(8, (2, 1), (2, 4)), 1)
        self.project = shake(nn.Linear(16, DIM), 2)
        self.bart = shake(BartForConditionalGeneration(config), 3)
        self.bart.final_logits_bias.normal_(generator=torch.Generator().manual_seed(4))

    def save(self, path: Path) -> Path:
        audio = dict(self.audio.state_dict())
        for name, tensor in stored_front_end(FRONT_END).items():
            part, _, rest = name.partition(".")
            trans = "mel_trans" if part == "spectrogram_extractor" else "log_trans"
            audio[f"audio_feats_extractor.{trans}.{rest}"] = tensor
        state: dict[str, Tensor] = {f"encoder.audio_enc.{n}": t for n, t in audio.items()}
        state |= {f"enc_to_dec_proj.{n}": t for n, t in self.project.state_dict().items()}
        state |= {f"decoder.{n}": t for n, t in self.bart.state_dict().items()}
        path.parent.mkdir(exist_ok=True)
        torch.save({"model": state, "beam_size": 3, "epoch": 9}, path)
        tiny_tokenizer().save(path.parent / "tokenizer")
        return path

    def tokens(self, waveform: Tensor) -> Tensor:
        whole = F.pad(waveform, (0, 320_000 - len(waveform)))[None]
        matrix = stored_front_end(FRONT_END)["logmel_extractor.melW"]
        log_mel, _ = LogMel(FRONT_END, mel_matrix=matrix)(whole, torch.tensor([320_000]))
        _, fine = self.audio(log_mel)
        return self.project(fine.repeat_interleave(N_TOKENS // fine.shape[1], 1))


@torch.no_grad()
def test_the_released_file_says_what_the_library_s_bart_does(tmp_path: Path) -> None:
    made = Reference()
    path = made.save(tmp_path / "model" / "HTSAT_BART_AudioCaps.pt")
    model, report = read_captioner(path)
    assert isinstance(model, HtsatBart)
    assert (model.sample_rate, model.window_s) == (32_000, 10.0)
    assert "BART" in report.kind
    heads = ("tscam_conv", "head.", "attn_mask", "logmel", "spectrogram", "log_trans", "embed_tok")
    assert all(any(part in name for part in heads) for name in report.unexpected)
    waveform = torch.from_numpy(clip(90_000))
    memory, n = model.hear(waveform[None], torch.tensor([len(waveform)]))
    tokens = made.tokens(waveform)
    theirs = made.bart.model.encoder(inputs_embeds=tokens).last_hidden_state
    assert n.tolist() == [N_TOKENS]
    assert torch.allclose(memory, theirs, atol=1e-4)
    words = model.decoder.tokenizer
    for caption in CAPTIONS:
        [ids] = words.encode([caption], max_tokens=40)
        given = torch.tensor([[2, 1, *ids[:-1]]])  # the end, the beginning, the caption
        logits = made.bart(encoder_outputs=(theirs,), decoder_input_ids=given).logits[0, 1:]
        expected = -F.cross_entropy(logits, torch.tensor(ids))
        found = model.decoder.log_probability(memory, n, [caption])[0]
        assert torch.allclose(found, expected, atol=1e-4)
    greedy = model.captions(waveform[None], torch.tensor([90_000]), DecodingConfig(max_tokens=8))
    told = [2, 1]  # no end at once, nor padding and beginning within
    for step in range(8):
        logits = made.bart(encoder_outputs=(theirs,), decoder_input_ids=torch.tensor([told])).logits
        logits[0, -1, [0, 1] if step else [0, 1, 2]] = -torch.inf
        told.append(int(logits[0, -1].argmax()))
        if told[-1] == 2:
            break
    assert greedy[0][0].text == words.decode(told[2:])
    write_audio(tmp_path / "a.wav", waveform.numpy(), 32_000)
    found = earshot.caption(tmp_path / "a.wav", model=path.parent, n_beams=1, max_tokens=8)
    assert found[0].caption == greedy[0][0].text


def test_other_parts_and_incomplete_files_are_refused(tmp_path: Path) -> None:
    path = Reference().save(tmp_path / "model" / "captioner.pt")
    held = torch.load(path)
    without = {n: t for n, t in held["model"].items() if "layers.1.fc2" not in n}
    torch.save({"model": without}, path)
    with pytest.raises(EarShotError, match="The file is incomplete"):
        read_captioner(path)
    cnn = {n: t for n, t in held["model"].items() if "patch_embed" not in n}
    torch.save({"model": cnn}, path)
    with pytest.raises(EarShotError, match="CNN14 and BERT have no loader"):
        read_captioner(path)
