from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from decoders.tiny_writer import tiny_config
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.decoders.language_model import (
    LanguageModelConfig,
    LoraSettings,
    build_language_model,
    embedding_dim,
    pinned,
)


def n_parameters(config: LanguageModelConfig) -> int:
    with torch.device("meta"):
        return sum(each.numel() for each in build_language_model(config).parameters())


def test_published_sizes() -> None:
    assert n_parameters(LanguageModelConfig.gpt2()) == 124_439_808
    assert n_parameters(LanguageModelConfig.llama_7b()) == 6_738_415_616
    lora = replace(LanguageModelConfig.llama_7b(), lora=LoraSettings())
    assert n_parameters(lora) - 6_738_415_616 == 4_194_304


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_folder_is_that_model_and_a_run_does_without_it(kind: str, tmp_path: Path) -> None:
    saved = build_language_model(tiny_config(kind))
    saved.save_pretrained(tmp_path)  # type: ignore[operator]
    config = LanguageModelConfig(folder=str(tmp_path))
    loaded = build_language_model(config)
    assert all(
        torch.equal(value, loaded.state_dict()[name]) for name, value in saved.state_dict().items()
    )
    kept = pinned(config)
    assert not kept.folder
    assert from_dict(LanguageModelConfig, to_dict(kept)) == kept
    (tmp_path / "config.json").unlink()
    again = build_language_model(kept)
    again.load_state_dict(loaded.state_dict())
    assert embedding_dim(again) == 32


def test_lora_leaves_only_its_own_to_train() -> None:
    model = build_language_model(tiny_config("llama", LoraSettings(r=2)))
    names = [name for name, each in model.named_parameters() if each.requires_grad]
    assert len(names) == 8  # A and B of two matrices in two layers
    assert all("lora" in name for name in names)


def test_faults_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="share dim evenly"):
        LanguageModelConfig(dim=30, n_heads=4)
    with pytest.raises(EarShotError, match="a rank of at least 1"):
        LoraSettings(r=0)
    with pytest.raises(EarShotError, match="without config"):
        build_language_model(LanguageModelConfig(folder=str(tmp_path)))
    with pytest.raises(EarShotError, match="c_attn"):
        build_language_model(tiny_config("gpt2", LoraSettings(targets=("nothing",))))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(EarShotError, match="a whole causal language model"):
        build_language_model(LanguageModelConfig(folder=str(tmp_path)))
