"""A frozen encoder, a projector and a language model under LoRA: the captioner SLAM-AAC.

Source: arXiv:2410.09503.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earshot.core.errors import EarShotError
from earshot.decoders.choosing import Judge
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.decoders.language_model import LanguageModelConfig, build_language_model
from earshot.decoders.prefix import PrefixDecoder
from earshot.encoders.eat import EatEncoder
from earshot.layers.joined_tokens import JoinedTokens
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig
from earshot.models.audio_tower import SoundEncoderConfig, build_sound_encoder
from earshot.models.caption_judge import CaptionJudge, load_beside
from earshot.models.captioner import Captioner

PROMPT = "USER: Describe the audio you hear. \n ASSISTANT:"  # of the released code


@dataclass(frozen=True)
class SlamConfig:
    """What hears, what leads from there to the writer, and the writer."""

    encoder: SoundEncoderConfig  # frozen
    n_joined: int = 5  # tokens that become one vector
    hidden: int = 2_048  # between the projector's two maps
    writer: LanguageModelConfig = field(default_factory=LanguageModelConfig.llama_7b)
    prompt: str = PROMPT  # between sound and caption
    most_tokens: int = 200  # of a caption
    most_prompt_tokens: int = 64
    spec_augment: SpecAugmentConfig | None = None  # of the front end, in training


class SlamCaptioner(Captioner):
    """Tokens of an encoder, joined and projected, before prompt and caption.

    The encoder is frozen and stays in eval mode; of the writer LoRA alone is trained, and nothing
    where its config has none. `encoder_states` is what the frozen part says, which may be kept;
    `prefix` goes on from there. `clap` judges captions where it is set; it lies beside a run.
    """

    def __init__(self, config: SlamConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_sound_encoder(config.encoder).requires_grad_(False).eval()
        writer = build_language_model(config.writer)
        for name, value in writer.named_parameters():
            value.requires_grad_("lora_" in name)
        self.decoder = PrefixDecoder(
            writer, most_tokens=config.most_tokens, most_prompt_tokens=config.most_prompt_tokens
        )
        self.encoder_projector = JoinedTokens(
            _width(config.encoder, self.encoder.audio_encoder.dim),
            self.decoder.dim,
            n_joined=config.n_joined,
            hidden=config.hidden,
        )
        self.spec_augment = SpecAugment(config.spec_augment) if config.spec_augment else None
        self.sample_rate, self.window_s = self.encoder.sample_rate, self.encoder.window_s
        self.clap: CaptionJudge | None = None

    def train(self, mode: bool = True) -> SlamCaptioner:
        """As `nn.Module.train`, but for the frozen encoder, which stays in eval mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    @torch.no_grad()
    def encoder_states(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [batch, tokens, encoder dim] of waveform [batch, samples], and how many are real.

        EAT's are its patches, time after time, behind its learnt token; of another encoder the
        last layer's positions.
        """
        log_mel, n_frames = self.encoder.frames(waveform, n_samples)
        if self.spec_augment is not None:
            log_mel = self.spec_augment(log_mel, n_frames)
        ears = self.encoder.audio_encoder
        if isinstance(ears, EatEncoder):
            hidden, padding = ears.hidden(log_mel, n_frames)
            n_real = (~padding).sum(1)
            return hidden, n_real
        if not hasattr(ears, "layers"):
            raise EarShotError(
                got=f"{type(ears).__name__}, which hears a clip as a whole",
                expected="an encoder with states over time",
                mend="Pass another --audio-model, such as an EAT or a BEATs file.",
            )
        states = ears.layers(log_mel, n_frames)
        return states.last, states.n_positions

    def prefix(self, states: Tensor, n_states: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors [batch, vectors, writer dim] of what the encoder said, and how many are real."""
        return self.encoder_projector(states, n_states)

    def loss(self, states: Tensor, n_states: Tensor, captions: list[str]) -> Tensor:
        """Mean nats a token of captions and their ends, after sounds and prompt."""
        vectors, n_vectors = self.prefix(states, n_states)
        return self.decoder.loss(vectors, n_vectors, self.prompts(len(captions)), captions)

    @torch.no_grad()
    def captions(
        self, waveform: Tensor, n_samples: Tensor, decoding: DecodingConfig
    ) -> list[list[Candidate]]:
        """As `Captioner.captions`."""
        return self.captions_of(*self.encoder_states(waveform, n_samples), decoding)

    @torch.no_grad()
    def captions_of(
        self, states: Tensor, n_states: Tensor, decoding: DecodingConfig
    ) -> list[list[Candidate]]:
        """Captions of what `encoder_states` gave."""
        vectors, n_vectors = self.prefix(states, n_states)
        return self.decoder.generate(vectors, n_vectors, self.prompts(len(states)), decoding)

    def prompts(self, n: int) -> list[str] | None:
        """The prompt, once a row."""
        return [self.config.prompt] * n if self.config.prompt else None

    @property
    def judges(self) -> tuple[Judge, ...]:
        """A CLAP, where there is one."""
        return () if self.clap is None else ("clap",)

    def closeness(
        self, waveform: Tensor, n_samples: Tensor, texts: Sequence[Sequence[str]], judge: Judge
    ) -> list[Tensor]:
        """As `Captioner.closeness`, by the CLAP, a sound at a time."""
        assert self.clap is not None
        return self.clap.closeness(waveform, n_samples, self.sample_rate, texts)

    @property
    def facts(self) -> dict[str, Any]:
        """As `Captioner.facts`, with prompt, joints and judge."""
        own = {"prompt": self.config.prompt, "joined": self.config.n_joined}
        return {**super().facts, **own, **({} if self.clap is None else self.clap.facts)}

    def save_beside(self, folder: Path) -> None:
        """As `Captioner.save_beside`, with the judge."""
        super().save_beside(folder)
        if self.clap is not None:
            self.clap.save_beside(folder)

    def load_beside(self, folder: Path) -> None:
        """As `Captioner.load_beside`, with the judge, where it is at hand."""
        super().load_beside(folder)
        self.clap = load_beside(folder)


def _width(config: SoundEncoderConfig, dim: int) -> int:
    """Width of the encoder's states: its own, or of a CNN that of its last block."""
    cnn = config.audio.cnn
    return dim if cnn is None else cnn.channels[-1]
