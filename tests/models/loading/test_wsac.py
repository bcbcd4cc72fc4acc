from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from earshot.core.errors import EarShotError
from earshot.decoders.decoding import DecodingConfig
from earshot.models.loading.wsac import load_wsac
from earshot.text.caption_tokenizer import train_caption_tokenizer
from tiny_models import strip_model

DIM = 24  # of strip_model's space


def checkpoint(path: Path, clap_dim: int = DIM) -> tuple[GPT2LMHeadModel, torch.nn.Linear]:
    """Weights as wsac names them."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 300, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    decoder, lift = GPT2LMHeadModel(GPT2Config(**sizes)).eval(), torch.nn.Linear(clap_dim, 32)
    state = {f"decoder.{name}": value for name, value in decoder.state_dict().items()}
    state |= {f"clap_project.model.0.{name}": value for name, value in lift.state_dict().items()}
    state["decoder.transformer.h.0.attn.bias"] = torch.ones(1, 1, 64, 64)  # of older releases
    torch.save(state, path)
    return decoder, lift


def test_its_logits_are_the_library_s(tmp_path: Path) -> None:
    decoder, lift = checkpoint(tmp_path / "wsac.pt")
    captioner = load_wsac(tmp_path / "wsac.pt", strip_model())
    embeddings, ids = torch.randn(3, DIM), torch.randint(0, 300, (3, 5))
    expected = decoder(
        inputs_embeds=torch.cat([lift(embeddings)[:, None], decoder.transformer.wte(ids)], 1)
    ).logits
    language_model = captioner.decoder.language_model
    prefix = captioner.mapper(embeddings)
    words = language_model.get_input_embeddings()(ids)
    found = language_model(inputs_embeds=torch.cat([prefix, words], 1)).logits
    assert torch.allclose(found, expected, atol=1e-6)


def test_it_captions(tmp_path: Path) -> None:
    checkpoint(tmp_path / "wsac.pt")
    captioner = load_wsac(tmp_path / "wsac.pt", strip_model())
    captioner.decoder.tokenizer = train_caption_tokenizer(["a dog barks"], 270)
    found = captioner.captions(
        torch.randn(2, 4_000), torch.tensor([4_000, 3_000]), DecodingConfig(max_tokens=4)
    )
    assert [len(each) for each in found] == [1, 1]


def test_faults_are_sentences(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(1)}, tmp_path / "other.pt")
    with pytest.raises(EarShotError, match="wsac's training saved"):
        load_wsac(tmp_path / "other.pt", strip_model())
    checkpoint(tmp_path / "wide.pt", clap_dim=30)
    with pytest.raises(EarShotError, match="a CLAP of 24 dimensions"):
        load_wsac(tmp_path / "wide.pt", strip_model())
