from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from earshot.core.checkpoint import read_checkpoint, save_checkpoint
from earshot.core.errors import EarShotError
from earshot.decoders.decoding import DecodingConfig
from earshot.decoders.language_model import LanguageModelConfig
from earshot.jobs.caption import load_writer
from earshot.layers.prefix_mapper import PrefixMapperConfig
from earshot.models.event_namer import EventNamerConfig
from earshot.models.named_captioner import (
    KIND,
    NamedCaptioner,
    NamedCaptionerConfig,
    restore_named,
)
from earshot.models.shipped import shipped_start
from earshot.text.caption_tokenizer import train_caption_tokenizer

DECODING = DecodingConfig.by_beams(2, max_tokens=8)
SAID = ("a bell rings", "a dog barks", "a dog barks, then a bell rings", "something sounds")


@dataclass(frozen=True)
class Run:
    model: NamedCaptionerConfig


def tiny() -> NamedCaptionerConfig:
    return NamedCaptionerConfig(
        namer=EventNamerConfig(names=("bell", "dog"), hidden=8),
        mapper=PrefixMapperConfig(n_vectors=2, hidden=16, depth=0),
        writer=LanguageModelConfig(
            dim=32, depth=1, n_heads=2, vocab_size=300, max_positions=96, dropout=0.0
        ),
    )


def captioner() -> NamedCaptioner:
    torch.manual_seed(0)
    made = NamedCaptioner(tiny())
    made.decoder.tokenizer = train_caption_tokenizer(SAID, 300)
    made.hear_with(shipped_start().model)
    return made.eval()


@pytest.fixture(scope="module")
def taught() -> NamedCaptioner:
    """One that has learnt four sounds by heart."""
    made, optimizer = captioner(), None
    heard = torch.nn.functional.normalize(
        torch.randn(4, 3, 256, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    prompts = ["bell:", "dog:", "dog, then bell:", ""]
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = made.loss(heard, prompts, list(SAID))
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    made.heard = heard
    return made.eval()


def test_it_learns_sounds_by_heart(taught: NamedCaptioner) -> None:
    prefix = taught._prefix(taught.heard)
    prompts = ["bell:", "dog:", "dog, then bell:", ""]
    found = taught.decoder.generate(*prefix, prompts, DECODING)
    assert [each[0].text for each in found] == list(SAID)


def test_the_ears_are_no_part_of_the_weights(taught: NamedCaptioner, tmp_path: Path) -> None:
    assert {name.split(".")[0] for name in taught.state_dict()} == {
        "decoder", "mapper", "namer", "part",
    }  # fmt: skip
    save_checkpoint(tmp_path, KIND, Run(taught.config), taught)
    taught.save_beside(tmp_path)
    again = restore_named(read_checkpoint(tmp_path))
    assert again.eval().captions_of(taught.heard, DECODING) == taught.captions_of(
        taught.heard, DECODING
    )
    assert again.facts == taught.facts
    assert load_writer(tmp_path).model.facts == taught.facts


def test_batch_mates_and_padding_change_nothing(taught: NamedCaptioner) -> None:
    rate = taught.sample_rate
    noise = torch.randn(3, 2 * rate, generator=torch.Generator().manual_seed(0)) * 0.1
    n_samples = torch.tensor([2 * rate, rate, rate // 3])
    together = taught.captions(noise, n_samples, DECODING)
    for row, n in enumerate(n_samples.tolist()):
        [alone] = taught.captions(noise[row : row + 1, :n], torch.tensor([n]), DECODING)
        assert alone[0].text == together[row][0].text
        assert alone[0].score == pytest.approx(together[row][0].score, abs=1e-4)


def test_what_stays_below_70_db_is_silence(taught: NamedCaptioner) -> None:
    n_samples = torch.tensor([32_000])
    noise = torch.rand(1, 32_000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    nothing = taught.captions(torch.zeros(1, 32_000), n_samples, DECODING)
    assert taught.captions(noise * 3e-4, n_samples, DECODING) == nothing
    assert taught.captions(noise * 4e-4, n_samples, DECODING) != nothing


def test_weights_of_another_shape_are_refused(taught: NamedCaptioner, tmp_path: Path) -> None:
    save_checkpoint(tmp_path, KIND, Run(taught.config), taught.mapper)
    taught.save_beside(tmp_path)
    with pytest.raises(EarShotError, match="tensors that its config asks for"):
        restore_named(read_checkpoint(tmp_path))
