"""A captioner behind a frozen CLAP: an embedding becomes a soft prompt, its neighbours a hard one.

Source: arXiv:2406.06295.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.core.files import is_folder
from earshot.decoders.choosing import Judge
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.decoders.language_model import LanguageModelConfig, build_language_model
from earshot.decoders.prefix import PrefixDecoder
from earshot.layers.prefix_mapper import PrefixMapper, PrefixMapperConfig
from earshot.models.captioner import Captioner, clap_closeness
from earshot.models.gap_bridge import GapBridgeConfig, inference_bridge
from earshot.models.hard_prompts import HardPromptConfig, TextBank, prompt_text
from earshot.models.towers import TwoTowerConfig, build_two_tower
from earshot.models.two_tower import TwoTower

EVENTS, CAPTIONS, CLAP = "events", "captions", "clap"  # what lies beside the weights


@dataclass(frozen=True)
class SoftHardConfig:
    """What hears, what maps, what writes, and how the gap between sound and text is bridged."""

    clap: TwoTowerConfig | None = None  # None: a published CLAP that lies beside the weights
    clap_dim: int = 1_024  # of a published one's space
    mapper: PrefixMapperConfig = field(default_factory=PrefixMapperConfig)
    writer: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    bridge: GapBridgeConfig = field(default_factory=GapBridgeConfig)
    prompt: HardPromptConfig = field(default_factory=HardPromptConfig)
    most_tokens: int = 64  # of a caption
    most_prompt_tokens: int = 64

    @property
    def in_dim(self) -> int:
        """How many numbers an embedding has."""
        return self.clap_dim if self.clap is None else self.clap.dim


class SoftHardCaptioner(Captioner):
    """CLAP, mapper and language model; banks of texts where the prompt or the bridge needs them.

    `clap` is frozen, and no part of what is trained. `events` and `told` (captions of training)
    are set by who trains, and lie beside the weights of a run.
    """

    def __init__(self, config: SoftHardConfig, clap: TwoTower | None = None) -> None:
        super().__init__()
        self.config = config
        self.decoder = PrefixDecoder(
            build_language_model(config.writer),
            most_tokens=config.most_tokens,
            most_prompt_tokens=config.most_prompt_tokens,
        )
        self.mapper = PrefixMapper(config.in_dim, self.decoder.dim, config.mapper)
        if clap is None and config.clap is not None:
            clap = build_two_tower(config.clap)
        self.events: TextBank | None = None
        self.told: TextBank | None = None
        self.clap: TwoTower | None = None
        self._beside: TwoTower | None = None
        if clap is not None:
            self.hear_with(clap)

    def hear_with(self, clap: TwoTower) -> None:
        """Take a CLAP, which is frozen; a published one is no part of the weights."""
        clap.requires_grad_(False)
        clap.lock("audio").lock("text").eval()
        self.sample_rate, self.window_s = clap.sample_rate, clap.window_s
        if self.config.clap is not None:
            self.clap = clap
        else:
            object.__setattr__(self, "_beside", clap)  # not a submodule: it is saved beside

    @property
    def ears(self) -> TwoTower:
        """The CLAP, wherever it is kept."""
        ears = self.clap or self._beside
        if ears is None:
            raise EarShotError(
                got="a captioner without its CLAP",
                expected=f"a folder {CLAP!r} beside the weights",
                mend="Copy the run's folder again.",
            )
        return ears

    def captions(
        self, waveform: Tensor, n_samples: Tensor, decoding: DecodingConfig
    ) -> list[list[Candidate]]:
        """As `Captioner.captions`."""
        ears = self.ears.to(waveform.device)
        return self.captions_of(ears.embed_audio(waveform, n_samples), decoding)

    @torch.no_grad()
    def captions_of(self, embeddings: Tensor, decoding: DecodingConfig) -> list[list[Candidate]]:
        """Captions of embeddings of sounds [batch, dim]."""
        bank = None if self.told is None else self.told.embeddings
        moved = inference_bridge(self.config.bridge, bank).infer_audio(embeddings)
        prefix = self.mapper(moved)
        n_prefix = torch.full((len(prefix),), prefix.shape[1], device=prefix.device)
        return self.decoder.generate(prefix, n_prefix, self.prompts_of(embeddings), decoding)

    @property
    def judges(self) -> tuple[Judge, ...]:
        """The CLAP that it hears with."""
        return ("clap",)

    def closeness(
        self, waveform: Tensor, n_samples: Tensor, texts: Sequence[Sequence[str]], judge: Judge
    ) -> list[Tensor]:
        """As `Captioner.closeness`."""
        return clap_closeness(self.ears, waveform, n_samples, texts)

    def prompts_of(self, embeddings: Tensor) -> list[str] | None:
        """Hard prompts of embeddings [batch, dim]; None where nothing is to be named."""
        prompt = self.config.prompt
        if prompt.is_none:
            return None
        events = self._named(self.events, EVENTS, embeddings, prompt.n_events)
        alike = self._named(self.told, CAPTIONS, embeddings, prompt.n_similar)
        return [prompt_text(*each) for each in zip(events, alike, strict=True)]

    def loss(self, embeddings: Tensor, prompts: list[str] | None, captions: list[str]) -> Tensor:
        """Mean nats a token of captions, from what stands for them [batch, dim]."""
        prefix = self.mapper(embeddings)
        n_prefix = torch.full((len(prefix),), prefix.shape[1], device=prefix.device)
        return self.decoder.loss(prefix, n_prefix, prompts, captions)

    @property
    def facts(self) -> dict[str, Any]:
        """As `Captioner.facts`, with the banks."""
        from earshot.core.config import to_dict
        from earshot.core.fingerprint import fingerprint

        banks = {
            name: None
            if bank is None
            else fingerprint({"texts": bank.texts}, {"": bank.embeddings})
            for name, bank in ((EVENTS, self.events), (CAPTIONS, self.told))
        }
        beside = None if self._beside is None else fingerprint({}, self._beside.state_dict())
        return {**super().facts, **banks, "clap": beside, "config": to_dict(self.config)}

    def save_beside(self, folder: Path) -> None:
        """As `Captioner.save_beside`, with the banks, and a CLAP that is no part of the weights."""
        super().save_beside(folder)
        for name, bank in ((EVENTS, self.events), (CAPTIONS, self.told)):
            if bank is not None:
                bank.save(folder, name)
        if self._beside is not None:
            from earshot.models.loading import save_transformers

            save_transformers(self._beside, folder / CLAP)

    def load_beside(self, folder: Path) -> None:
        """As `Captioner.load_beside`, with what `save_beside` wrote more."""
        super().load_beside(folder)
        prompt, bridge = self.config.prompt, self.config.bridge
        if prompt.n_events:
            self.events = TextBank.load(folder, EVENTS)
        if prompt.n_similar or bridge.sounds != "as they are":
            self.told = TextBank.load(folder, CAPTIONS)
        if self.config.clap is None and is_folder(folder / CLAP):
            from earshot.models.loading.foreign import read_foreign

            clap, _ = read_foreign(folder / CLAP)
            if isinstance(clap, TwoTower):
                self.hear_with(clap)
        _ = self.ears  # raises without one

    def _named(
        self, bank: TextBank | None, name: str, embeddings: Tensor, n: int
    ) -> list[list[str]]:
        """The `n` closest texts of each."""
        if not n:
            return [[] for _ in embeddings]
        if bank is None:
            raise EarShotError(
                got=f"a hard prompt without its bank of {name}",
                expected="texts and their embeddings",
                mend="Load the run with earshot caption, or set the captioner's banks.",
            )
        return [[bank.texts[i] for i in row] for row in bank.closest(embeddings, n).tolist()]
