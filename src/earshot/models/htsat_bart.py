"""HTSAT's tokens through BART, encoder and decoder: the captioner of WavCaps and AudioSetCaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.decoders.cross_attention import CrossDecoder, CrossDecoderConfig
from earshot.decoders.decoding import Candidate, DecodingConfig
from earshot.models.captioner import Captioner

if TYPE_CHECKING:
    from earshot.models.sound_encoder import SoundEncoder


@dataclass(frozen=True)
class BartReaderConfig:
    """Sizes of BART's encoder, which reads the tokens; the defaults are BART-base's."""

    dim: int = 768
    depth: int = 6
    n_heads: int = 12
    mlp_dim: int = 3_072
    most_positions: int = 1_024
    n_tokens: int = 1_024  # what the encoder's positions are repeated to

    def library_config(self) -> Any:
        """The encoder in transformers' words."""
        from transformers import BartConfig

        return BartConfig(
            vocab_size=4,  # it reads no words
            d_model=self.dim,
            encoder_layers=self.depth,
            encoder_attention_heads=self.n_heads,
            encoder_ffn_dim=self.mlp_dim,
            max_position_embeddings=self.most_positions,
            encoder_layerdrop=0.0,
            pad_token_id=None,
            forced_eos_token_id=None,
        )


class HtsatBart(Captioner):
    """HTSAT, a linear map, BART's encoder and its decoder.

    Each position of HTSAT's last stage, mean over its rows of frequency, stands `n_tokens` /
    positions times in a row, as the released weights were taught; captions begin with both the
    end's id and the beginning's. Source: arXiv:2303.17395, released code.
    """

    def __init__(
        self, encoder: SoundEncoder, reader: BartReaderConfig, decoder: CrossDecoderConfig
    ) -> None:
        super().__init__()
        from transformers.models.bart.modeling_bart import BartEncoder

        self.encoder, self.reader = encoder, reader
        ears: Any = encoder.audio_encoder
        self.enc_to_dec_proj = nn.Linear(ears.dim, reader.dim)
        bart: Any = BartEncoder(reader.library_config())
        bart.embed_tokens = None  # what it reads are sounds
        self.text_encoder = bart
        self.decoder = CrossDecoder(decoder)
        self.sample_rate, self.window_s = encoder.sample_rate, encoder.window_s

    @torch.no_grad()
    def hear(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """What the decoder looks at, [batch, n_tokens, dim], all of it real."""
        log_mel, n_frames = self.encoder.frames(waveform, n_samples)
        ears: Any = self.encoder.audio_encoder
        states = ears.layers(log_mel, n_frames).hidden[-1]
        times, rest = divmod(self.reader.n_tokens, states.shape[1])
        if rest or not times:
            raise EarShotError(
                got=f"{states.shape[1]} positions of the encoder",
                expected=f"a number that divides {self.reader.n_tokens}",
                mend="Set n_tokens of BartReaderConfig to a multiple.",
            )
        tokens = self.enc_to_dec_proj(states.repeat_interleave(times, 1))
        memory = self.text_encoder(inputs_embeds=tokens).last_hidden_state
        return memory, torch.full_like(n_samples, memory.shape[1])

    @torch.no_grad()
    def captions(
        self, waveform: Tensor, n_samples: Tensor, decoding: DecodingConfig
    ) -> list[list[Candidate]]:
        """Captions of each sound, the best first."""
        return self.decoder.generate(*self.hear(waveform, n_samples), decoding)
