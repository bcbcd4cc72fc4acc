"""Sound to an intent and its words, with a vector for each: what COCONUT trains."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from earshot.layers.pooling import mean_of_real
from earshot.models.speech_to_text import SpeechToText, SpeechToTextConfig, States
from earshot.models.wav2vec2 import Wav2Vec2Sizes, Wav2Vec2ToText
from earshot.text.vocabulary import EOS, PAD


@dataclass(frozen=True)
class SpokenIntentConfig:
    """An encoder-decoder that writes, and the shared space of sound and text."""

    writer: SpeechToTextConfig
    wav2vec2: Wav2Vec2Sizes | None = None  # the encoder; None: the writer's own
    contrast_dim: int = 128


class SpokenIntent(nn.Module):
    """Writes the intent, then the words; embeds a sound and what is to be written of it.

    The text side has no encoder of its own: it is the decoder's token embedding with positions.
    Source: arXiv:2310.02699, section 3.
    """

    def __init__(self, config: SpokenIntentConfig) -> None:
        super().__init__()
        self.config = config
        sizes = config.wav2vec2
        self.writer = (
            SpeechToText(config.writer) if sizes is None else Wav2Vec2ToText(config.writer, sizes)
        )
        self.audio_head = nn.Linear(config.writer.dim, config.contrast_dim)
        self.text_head = nn.Linear(config.writer.dim, config.contrast_dim)

    @property
    def sample_rate(self) -> int:
        """Hz."""
        rate = self.writer.sample_rate
        assert rate is not None  # a config of frames is refused by the recipe
        return rate

    def hear(self, waveform: Tensor, n_samples: Tensor) -> States:
        """Encoder states of waveform [batch, samples] with n_samples [batch] real ones."""
        return self.writer.hear(waveform, n_samples)

    def features(self, states: States) -> Tensor:
        """Mean-pooled encoder states [batch, dim], by which a memory is chosen."""
        return mean_of_real(states.hidden, states.padding)

    def audio_embeddings(self, states: States) -> Tensor:
        """[batch, contrast_dim], unit rows."""
        return F.normalize(self.audio_head(self.features(states)), dim=-1)

    def text_embeddings(self, tokens: Tensor) -> Tensor:
        """[batch, contrast_dim], unit rows, of tokens [batch, tokens]; EOS and PAD do not count."""
        decoder = self.writer.decoder
        hidden = decoder.embed_tokens(tokens) * decoder.embed_scale + decoder.embed_positions(
            tokens
        )
        pooled = mean_of_real(hidden, (tokens == PAD) | (tokens == EOS))
        return F.normalize(self.text_head(pooled), dim=-1)

    def first_ids(self, states: States) -> Tensor:
        """The likeliest first id of each clip [batch]: its intent, read greedily."""
        start = states.n_positions.new_full((len(states.hidden), 1), EOS)
        return self.writer.logits(states, start)[:, 0].argmax(-1)
