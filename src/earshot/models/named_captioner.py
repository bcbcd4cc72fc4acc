"""The captioner that ships: it names what it is sure of, then writes a sentence of those names.

Source: after arXiv:2406.06295, soft and hard prompts. Differs: the soft prompt is of whole and
halves, the hard one is what a namer with thresholds says, and both were taught by sounds too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from earshot.core.checkpoint import Checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.fingerprint import fingerprint
from earshot.decoders.choosing import Judge
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.decoders.language_model import LanguageModelConfig, build_language_model
from earshot.decoders.prefix import PrefixDecoder
from earshot.layers.prefix_mapper import PrefixMapper, PrefixMapperConfig
from earshot.models.captioner import Captioner, clap_closeness
from earshot.models.event_namer import EventNamer, EventNamerConfig
from earshot.models.halves import PARTS, halves_of
from earshot.models.restoring import restore
from earshot.models.shipped import shipped_start
from earshot.models.two_tower import TwoTower

KIND = "named_captioner"  # what its checkpoints say in the place of a recipe
NOTHING = 10 ** (-70 / 20)  # of full scale: a sound whose peak lies below is heard as silence


@dataclass(frozen=True)
class NamedCaptionerConfig:
    """What hears, what names and what writes."""

    namer: EventNamerConfig
    ears: str = "earshot-small"  # the name of a model that ships: its weights stay where they are
    ears_dim: int = 256
    mapper: PrefixMapperConfig = field(default_factory=PrefixMapperConfig)
    writer: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    most_tokens: int = 48  # of a caption
    most_prompt_tokens: int = 32


class NamedCaptioner(Captioner):
    """Frozen ears, a namer, a mapper and a small language model.

    The ears are no part of the weights: they are set by `hear_with` or `load_beside`.
    """

    def __init__(self, config: NamedCaptionerConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = PrefixDecoder(
            build_language_model(config.writer),
            most_tokens=config.most_tokens,
            most_prompt_tokens=config.most_prompt_tokens,
        )
        self.mapper = PrefixMapper(config.ears_dim, self.decoder.dim, config.mapper)
        self.part = nn.Parameter(torch.zeros(len(PARTS), 1, self.decoder.dim))
        self.namer = EventNamer(config.ears_dim, config.namer)
        self.ears: TwoTower

    def hear_with(self, ears: TwoTower) -> None:
        """Take the ears, which are frozen and not saved with this."""
        ears.requires_grad_(False)
        self.sample_rate, self.window_s = ears.sample_rate, ears.window_s
        object.__setattr__(self, "ears", ears.eval())  # not a submodule

    @torch.no_grad()
    def captions(
        self, waveform: Tensor, n_samples: Tensor, decoding: DecodingConfig
    ) -> list[list[Candidate]]:
        """As `Captioner.captions`; a sound that stays below -70 dB of full scale is silence."""
        real = torch.arange(waveform.shape[1], device=waveform.device) < n_samples[:, None]
        peaks = (waveform.abs() * real).amax(1, keepdim=True)
        heard = waveform * (peaks > NOTHING)
        return self.captions_of(
            halves_of(self.ears.to(waveform.device), heard, n_samples), decoding
        )

    @property
    def judges(self) -> tuple[Judge, ...]:
        """The CLAP that it hears with."""
        return ("clap",)

    def closeness(
        self, waveform: Tensor, n_samples: Tensor, texts: Sequence[Sequence[str]], judge: Judge
    ) -> list[Tensor]:
        """As `Captioner.closeness`."""
        return clap_closeness(self.ears, waveform, n_samples, texts)

    @torch.no_grad()
    def captions_of(self, heard: Tensor, decoding: DecodingConfig) -> list[list[Candidate]]:
        """Captions of what was heard, [batch, 3, dim]: whole and halves."""
        prefix, n_prefix = self._prefix(heard)
        return self.decoder.generate(prefix, n_prefix, self.namer.prompts(heard), decoding)

    def loss(self, heard: Tensor, prompts: list[str], captions: list[str]) -> Tensor:
        """Mean nats a token of captions, after what was heard [batch, 3, dim] and prompts."""
        return self.decoder.loss(*self._prefix(heard), prompts, captions)

    @property
    def facts(self) -> dict[str, Any]:
        """As `Captioner.facts`, with the ears."""
        ears = fingerprint({}, self.ears.state_dict())
        return {**super().facts, "ears": ears, "config": to_dict(self.config)}

    def load_beside(self, folder: Path) -> None:
        """As `Captioner.load_beside`, with the ears that ship."""
        super().load_beside(folder)
        self.hear_with(shipped_start(self.config.ears).model)

    def _prefix(self, heard: Tensor) -> tuple[Tensor, Tensor]:
        """What the writer reads first, [batch, positions, dim], and how much of it is real."""
        vectors = self.mapper(heard.flatten(0, 1)).unflatten(0, heard.shape[:2])
        prefix = (vectors + self.part).flatten(1, 2)
        return prefix, torch.full((len(prefix),), prefix.shape[1], device=prefix.device)


def restore_named(checkpoint: Checkpoint) -> NamedCaptioner:
    """The captioner of a checkpoint of this kind, on the CPU, with its ears and its tokenizer."""
    config = from_dict(NamedCaptionerConfig, checkpoint.config["model"], "model")
    captioner = restore(checkpoint, lambda: NamedCaptioner(config))
    captioner.load_beside(checkpoint.folder)
    return captioner
