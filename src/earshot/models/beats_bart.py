"""A frozen encoder's states through a Conformer to a BART decoder: the BEATs-BART captioner."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.files import write_text
from earshot.decoders.choosing import Judge
from earshot.decoders.cross_attention import CrossDecoder, CrossDecoderConfig
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.decoders.reranking import cosines
from earshot.encoders.beats import BeatsEncoder
from earshot.encoders.post_encoder import PostEncoder, PostEncoderConfig
from earshot.layers.pooling import mean_of_real, padding_of
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig
from earshot.models.audio_tower import SoundEncoderConfig, build_sound_encoder
from earshot.models.caption_sentences import CaptionSentences, load_caption_sentences
from earshot.models.captioner import Captioner

SENTENCES = "sentences.json"  # beside a run's weights: which sentence encoder its head speaks to


@dataclass(frozen=True)
class BeatsBartConfig:
    """A captioner: the encoder that hears, what is trained behind it, and what writes."""

    encoder: SoundEncoderConfig  # frozen
    layer: int | None = None  # of its states, 0 for what goes into the first; the last if none
    patches: bool = False  # of BEATs: a position for every patch, not for every moment
    post: PostEncoderConfig = field(default_factory=PostEncoderConfig)
    head_dim: int = 3_072  # between the two linear maps to the sentence's space
    sentence_dim: int = 768
    decoder: CrossDecoderConfig = field(default_factory=CrossDecoderConfig)
    spec_augment: SpecAugmentConfig | None = None  # of the front end, in training

    def __post_init__(self) -> None:
        if self.post.dim != self.decoder.dim:
            raise EarShotError(
                got=f"post.dim={self.post.dim} with decoder.dim={self.decoder.dim}",
                expected="the same width in both",
                mend="Change one of them.",
            )
        if self.patches and self.encoder.audio.beats is None:
            raise EarShotError(
                got="patches=true without BEATs",
                expected="encoder.audio.beats",
                mend="Set patches=false: positions are then the encoder's own.",
            )


class SentenceHead(nn.Module):
    """From the mean of a sound's states to a sentence's embedding. Names as released."""

    def __init__(self, dim: int, hidden_dim: int, out_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim, bias=False)
        self.bn = nn.BatchNorm1d(hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, out_dim, bias=False)

    def forward(self, pooled: Tensor) -> Tensor:
        """pooled [batch, dim] -> [batch, out_dim], of any length."""
        return self.fc2(F.gelu(self.bn(self.fc1(pooled))))


class BeatsBart(Captioner):
    """Encoder, frozen; convolution and Conformer; sentence head; BART decoder over all positions.

    `encoder_states` is what the frozen part says, which may be kept; `hear` goes on from there.
    Where `sentences` is set, its head tells how close texts are to a sound.
    Source: arXiv:2309.17352, section 2. Differs: padding is masked exactly, in the mean as well,
    which the released code divides by real positions but sums over all.
    """

    def __init__(self, config: BeatsBartConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_sound_encoder(config.encoder).requires_grad_(False).eval()
        dim = self.encoder.audio_encoder.dim
        self.post = PostEncoder(_width(config, dim), config.post)
        self.encoder_embed_mlp = SentenceHead(config.post.dim, config.head_dim, config.sentence_dim)
        self.decoder = CrossDecoder(config.decoder)
        self.spec_augment = SpecAugment(config.spec_augment) if config.spec_augment else None
        self.sample_rate, self.window_s = self.encoder.sample_rate, self.encoder.window_s
        self.sentences: CaptionSentences | None = None

    def train(self, mode: bool = True) -> BeatsBart:
        """As `nn.Module.train`, but for the frozen encoder, which stays in eval mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    @torch.no_grad()
    def encoder_states(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """States [batch, positions, encoder dim] of waveform [batch, samples], and how many."""
        log_mel, n_frames = self.encoder.frames(waveform, n_samples)
        if self.spec_augment is not None:
            log_mel = self.spec_augment(log_mel, n_frames)
        ears = self.encoder.audio_encoder
        if self.config.patches:
            assert isinstance(ears, BeatsEncoder)
            states = ears.patch_layers(log_mel, n_frames)
        else:
            states = ears.layers(log_mel, n_frames)
        which = len(states.hidden) - 1 if self.config.layer is None else self.config.layer
        if not 0 <= which < len(states.hidden):
            raise EarShotError(
                got=f"layer={which} of {type(ears).__name__}",
                expected=f"one of its layers 0 to {len(states.hidden) - 1}",
                mend="Set model.layer=none for the last one.",
            )
        return states.hidden[which], states.n_positions

    def hear(self, states: Tensor, n_positions: Tensor) -> tuple[Tensor, Tensor]:
        """What the decoder looks at, [batch, fewer positions, dim], and how many are real."""
        return self.post(states, n_positions)

    def sentence(self, memory: Tensor, n_positions: Tensor) -> Tensor:
        """Unit rows [batch, sentence_dim]: where the head puts the sound among sentences."""
        pooled = mean_of_real(memory, padding_of(n_positions, memory.shape[1]))
        return F.normalize(self.encoder_embed_mlp(pooled).float())

    @torch.no_grad()
    def captions(
        self, waveform: Tensor, n_samples: Tensor, decoding: DecodingConfig
    ) -> list[list[Candidate]]:
        """Captions of each sound, the best first."""
        memory, n_positions = self.hear(*self.encoder_states(waveform, n_samples))
        return self.decoder.generate(memory, n_positions, decoding)

    @property
    def judges(self) -> tuple[Judge, ...]:
        """Its head, where the sentence encoder that it speaks to is at hand."""
        return () if self.sentences is None else ("encoder",)

    @torch.no_grad()
    def closeness(
        self, waveform: Tensor, n_samples: Tensor, texts: Sequence[Sequence[str]], judge: Judge
    ) -> list[Tensor]:
        """Cosines of the head's output for each sound with its texts' embeddings."""
        if judge not in self.judges or self.sentences is None:
            return super().closeness(waveform, n_samples, texts, judge)
        rows = self.sentence(*self.hear(*self.encoder_states(waveform, n_samples))).cpu()
        embedded = self.sentences.embed([text for each in texts for text in each])
        split = embedded.split([len(each) for each in texts])
        return [cosines(row, own) for row, own in zip(rows, split, strict=True)]

    def save_beside(self, folder: Path) -> None:
        """Tokenizer, and which sentence encoder the head speaks to."""
        super().save_beside(folder)
        if self.sentences is not None:
            facts = {"source": self.sentences.source, "prompt": self.sentences.prompt}
            write_text(folder / SENTENCES, json.dumps(facts, indent=2) + "\n")

    def load_beside(self, folder: Path) -> None:
        """As `save_beside` left it; the head judges nothing where that encoder is not here."""
        super().load_beside(folder)
        if (folder / SENTENCES).is_file():
            facts = json.loads((folder / SENTENCES).read_text("utf-8"))
            try:
                self.sentences = load_caption_sentences(facts["source"], facts["prompt"])
            except EarShotError:
                self.sentences = None


def _width(config: BeatsBartConfig, dim: int) -> int:
    """Width of the encoder's states: its own, or of a CNN that of its last block."""
    cnn = config.encoder.audio.cnn
    return dim if cnn is None else cnn.channels[-1]
