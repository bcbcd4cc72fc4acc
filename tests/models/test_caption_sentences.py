from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from earshot.core.errors import EarShotError
from earshot.jobs.loading import load
from earshot.models.caption_sentences import load_caption_sentences
from earshot.text.caption_tokenizer import train_caption_tokenizer

SAID = ["a dog barks", "rain", "rain falls while a dog barks"]


def test_the_shipped_tower_s_rows_are_its_embedder_s() -> None:
    found = load_caption_sentences("earshot-small").embed([*SAID, SAID[0]])
    assert found.shape == (4, 256)
    assert torch.allclose(found[:3], torch.from_numpy(load().embed_texts(SAID)), atol=1e-5)
    assert torch.equal(found[0], found[3])


def folder_of(path: Path) -> Path:
    """A BERT of next to nothing with a tokenizer, as sentence-transformers lays it out."""
    words = train_caption_tokenizer(SAID, 280)
    words.save(path)
    torch.manual_seed(0)
    BertModel(
        BertConfig(vocab_size=280, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                   intermediate_size=16, max_position_embeddings=40)
    ).save_pretrained(path)  # fmt: skip
    return path


def test_a_folder_is_read_as_its_pooling_says(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "sentences")
    model = BertModel.from_pretrained(folder).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    encoder = load_caption_sentences(str(folder), prompt="about: ")
    assert encoder.dim == 16
    with torch.no_grad():
        states = [
            model(**tokenizer(["about: " + text], return_tensors="pt",
                              return_token_type_ids=False)).last_hidden_state[0]
            for text in SAID
        ]  # fmt: skip
    expected = F.normalize(torch.stack([each.mean(0) for each in states]))
    assert torch.allclose(encoder.embed(SAID), expected, atol=1e-5)
    other = folder_of(tmp_path / "first")
    (other / "1_Pooling").mkdir()
    (other / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    expected = F.normalize(torch.stack([each[0] for each in states]))
    found = load_caption_sentences(str(other), prompt="about: ").embed(SAID)
    assert torch.allclose(found, expected, atol=1e-5)


def test_nothing_is_fetched_and_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="into a folder and name that"):
        load_caption_sentences("hkunlp/instructor-xl")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EarShotError, match="Copy its folder again"):
        load_caption_sentences(str(tmp_path))
