"""Speech in, text out: the encoder-decoder of fairseq's S2T and transformers' Speech2Text."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Speech2TextConfig, Speech2TextForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.features import KaldiFbank, KaldiFbankConfig, LogMel, LogMelConfig, utterance_cmvn
from earshot.layers.spec_augment import SpecAugment, SpecAugmentConfig
from earshot.objectives.ctc import ctc_greedy
from earshot.text.vocabulary import BOS, EOS, PAD


@dataclass(frozen=True)
class SpeechToTextConfig:
    """Sizes of the encoder-decoder, and what it hears: at most one front end, else frames."""

    vocab_size: int = 10_000  # of the decoder
    n_ctc: int | None = None  # classes of the CTC head, the blank (0) included; None: no head
    log_mel: LogMelConfig | None = None
    fbank: KaldiFbankConfig | None = None
    cmvn: bool = True  # each band of each utterance to mean 0, variance 1
    spec_augment: SpecAugmentConfig | None = None  # in training
    n_features: int = 80  # of a frame; the front end's n_mels where there is one
    dim: int = 256
    mlp_dim: int = 2_048
    n_heads: int = 4
    encoder_depth: int = 12
    decoder_depth: int = 6
    conv_dim: int = 1_024  # channels between the convolutions
    conv_kernels: tuple[int, ...] = (5, 5)  # odd; each halves the frames
    dropout: float = 0.1
    most_tokens: int = 200  # that are written for one clip

    def __post_init__(self) -> None:
        fronts = [front for front in (self.log_mel, self.fbank) if front is not None]
        if len(fronts) > 1 or any(front.n_mels != self.n_features for front in fronts):
            raise EarShotError(
                got=f"n_features={self.n_features} with "
                f"{' and '.join(f'{front.n_mels} bands' for front in fronts)}",
                expected="one front end, whose n_mels is n_features",
                mend="Set n_features to its n_mels and the other front end to none.",
            )
        if self.dim % self.n_heads or self.dim % 2 or any(k % 2 == 0 for k in self.conv_kernels):
            raise EarShotError(
                got=f"dim={self.dim}, n_heads={self.n_heads}, conv_kernels={self.conv_kernels}",
                expected="an even dim that the heads share evenly, and odd kernels",
                mend="The published sizes are 256 with 4 heads, 512 with 8 and 1024 with 16.",
            )

    @classmethod
    def small(cls) -> SpeechToTextConfig:
        """s2t_transformer_s. Source: fairseq's S2T, arXiv:2010.05171."""
        return cls(fbank=s2t_fbank())

    @classmethod
    def medium(cls) -> SpeechToTextConfig:
        """siamese_st2t_transformer_m. Source: arXiv:2301.11716, its code."""
        return cls(fbank=s2t_fbank(), dim=512, n_heads=8, dropout=0.15)

    @classmethod
    def large(cls) -> SpeechToTextConfig:
        """The large model. Source: arXiv:2301.11716, its code."""
        return cls(fbank=s2t_fbank(), dim=1_024, mlp_dim=4_096, n_heads=16, dropout=0.25)


def s2t_fbank() -> KaldiFbankConfig:
    """80 Kaldi bands of 16-bit samples at 16 kHz, as fairseq's S2T and transformers hear speech."""
    return KaldiFbankConfig(n_mels=80, gain=2.0**15)


@dataclass(frozen=True)
class States:
    """Sequences of states of a batch: hidden [batch, positions, dim], n_positions [batch] real."""

    hidden: Tensor
    n_positions: Tensor

    @property
    def padding(self) -> Tensor:
        """[batch, positions], True where there is no state."""
        place = torch.arange(self.hidden.shape[1], device=self.hidden.device)
        return place >= self.n_positions[:, None]


class SpeechToText(nn.Module):
    """Frames to states to tokens; states do not depend on padding nor on batch-mates.

    `model` is transformers' own Speech2TextForConditionalGeneration and takes its weights as they
    are. Differs from it: padded frames and positions are zeroed before every convolution, where
    transformers lets the last real position of a padded clip hear the bias of its padding.
    Ids of tokens are those of a `Vocabulary`: 0 BOS and CTC blank, 1 PAD, 2 EOS, 3 unknown.
    """

    def __init__(self, config: SpeechToTextConfig) -> None:
        super().__init__()
        self.config = config
        self.front_end = front_end_of(config)
        self.spec_augment = (
            None if config.spec_augment is None else SpecAugment(config.spec_augment)
        )
        self.model = Speech2TextForConditionalGeneration(transformers_config(config))
        self.ctc_head = None if config.n_ctc is None else nn.Linear(config.dim, config.n_ctc)
        begin_as_fairseq(self)

    @property
    def sample_rate(self) -> int | None:
        """What `hear` expects in Hz; None for a model of frames."""
        front = self.config.log_mel or self.config.fbank
        return None if front is None else front.sample_rate

    @property
    def encoder(self) -> nn.Module:
        """What is taken from pre-training: convolutions, layers, norm."""
        return self.model.model.encoder

    @property
    def decoder(self) -> nn.Module:
        """Embedding, layers and norm; the output projection is the embedding's own matrix."""
        return self.model.model.decoder

    def frames(self, waveform: Tensor, n_samples: Tensor) -> tuple[Tensor, Tensor]:
        """waveform [batch, samples], n_samples [batch] -> [batch, n_features, frames], n_frames."""
        if self.front_end is None:
            raise EarShotError(
                got="a waveform for a model of frames",
                expected="frames",
                mend="Give the config a front end, or call encode with frames.",
            )
        return self.front_end(waveform, n_samples)

    def hear(self, waveform: Tensor, n_samples: Tensor) -> States:
        """States of sound: waveform [batch, samples] at `sample_rate`, n_samples [batch]."""
        return self.encode(*self.frames(waveform, n_samples))

    def encode(self, frames: Tensor, n_frames: Tensor) -> States:
        """States of frames [batch, n_features, frames] with n_frames [batch] real ones.

        Each convolution leaves (n - 1) // 2 + 1 of n positions. Padded states are 0.
        """
        config, encoder = self.config, self.encoder
        check_shape(
            "frames",
            frames,
            (len(n_frames), config.n_features, "frames"),
            mend="Give the front end and the model the same number of bands.",
        )
        n_real = n_frames.to(frames.device)
        hidden = utterance_cmvn(frames, n_real) if config.cmvn else frames
        if self.spec_augment is not None:
            hidden = self.spec_augment(hidden, n_real)
        for conv in encoder.conv.conv_layers:
            hidden = hidden.masked_fill(_padding(n_real, hidden.shape[2])[:, None], 0.0)
            hidden = F.glu(conv(hidden), dim=1)  # [batch, channels, positions]
            n_real = (n_real - 1) // 2 + 1
        padding = _padding(n_real, hidden.shape[2])  # [batch, positions]
        hidden = hidden.transpose(1, 2) * encoder.embed_scale
        hidden = run_layers(encoder, hidden, padding, config.dropout)
        return States(hidden, n_real)

    def logits(self, states: States, tokens: Tensor) -> Tensor:
        """Teacher-forced scores [batch, tokens, vocab] of tokens [batch, tokens].

        Place t sees the tokens before t, EOS first of all. Rows hold PAD after their end.
        """
        start = torch.full_like(tokens[:, :1], EOS)
        seen = self.decoder(
            input_ids=torch.cat([start, tokens[:, :-1]], 1),
            encoder_hidden_states=states.hidden,
            encoder_attention_mask=(~states.padding).long(),
            use_cache=False,
        )
        return self.model.lm_head(seen.last_hidden_state)

    def loss(self, states: States, tokens: Tensor, *, label_smoothing: float = 0.1) -> Tensor:
        """Mean nats a token of tokens [batch, tokens], which end in EOS; PAD does not count."""
        logits = self.logits(states, tokens).float()
        return F.cross_entropy(
            logits.transpose(1, 2), tokens, ignore_index=PAD, label_smoothing=label_smoothing
        )

    def ctc_logits(self, states: States) -> Tensor:
        """[batch, positions, n_ctc] of the CTC head; class 0 is the blank."""
        if self.ctc_head is None:
            raise EarShotError(
                got="a model without a CTC head", expected="one", mend="Set n_ctc in its config."
            )
        return self.ctc_head(states.hidden)

    @torch.no_grad()
    def read_ctc(self, states: States) -> list[list[int]]:
        """What the CTC head hears, greedily: ids of each clip."""
        return ctc_greedy(self.ctc_logits(states), states.n_positions)

    @torch.no_grad()
    def write(
        self,
        states: States,
        *,
        n_beams: int = 5,
        length_penalty: float = 1.0,
        most_tokens: int | None = None,
    ) -> list[list[int]]:
        """The likeliest tokens of each clip by beam search, without BOS and EOS; nothing is drawn.

        The score of a text is its log-probability over its length to the power length_penalty.
        """
        halvings = len(self.config.conv_kernels)
        n_frames = (states.n_positions - 1) * 2**halvings + 1  # transformers halves them again
        seen = ~_padding(n_frames, int(n_frames.max()))
        written = self.model.generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=states.hidden),
            attention_mask=seen.long(),
            num_beams=n_beams,
            length_penalty=length_penalty,
            max_new_tokens=most_tokens or self.config.most_tokens,
            do_sample=False,
        )
        return [[each for each in row if each not in (BOS, PAD, EOS)] for row in written.tolist()]


def run_layers(encoder: nn.Module, hidden: Tensor, padding: Tensor, dropout: float) -> Tensor:
    """Positions, then the pre-norm layers and the norm of a Speech2Text encoder.

    hidden [batch, positions, dim], already scaled; padding [batch, positions] True where padded,
    and zero there in the result.
    """
    hidden = hidden + encoder.embed_positions(padding.long())  # PAD is 1, anything else a token
    hidden = F.dropout(hidden, dropout, encoder.training)
    unseen = torch.zeros_like(padding, dtype=hidden.dtype)
    unseen = unseen.masked_fill(padding, torch.finfo(hidden.dtype).min)[:, None, None]
    for layer in encoder.layers:
        hidden = layer(hidden, unseen)
    return encoder.layer_norm(hidden).masked_fill(padding[..., None], 0.0)


def transformers_config(config: SpeechToTextConfig) -> Speech2TextConfig:
    """The same model in transformers' words."""
    return Speech2TextConfig(
        vocab_size=config.vocab_size,
        d_model=config.dim,
        encoder_layers=config.encoder_depth,
        decoder_layers=config.decoder_depth,
        encoder_ffn_dim=config.mlp_dim,
        decoder_ffn_dim=config.mlp_dim,
        encoder_attention_heads=config.n_heads,
        decoder_attention_heads=config.n_heads,
        dropout=config.dropout,
        num_conv_layers=len(config.conv_kernels),
        conv_kernel_sizes=config.conv_kernels,
        conv_channels=config.conv_dim,
        input_feat_per_channel=config.n_features,
        bos_token_id=BOS,
        pad_token_id=PAD,
        eos_token_id=EOS,
        decoder_start_token_id=EOS,
    )


def begin_as_fairseq(module: nn.Module) -> None:
    """Random weights as fairseq draws them: Xavier for matrices, dim ** -0.5 for embeddings."""
    for part in module.modules():
        if isinstance(part, nn.Conv1d):
            part.reset_parameters()
        elif isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    for part in module.modules():  # last: the output projection shares its matrix with one
        if isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight, std=part.embedding_dim**-0.5)
            nn.init.zeros_(part.weight[PAD])


def front_end_of(config: SpeechToTextConfig) -> nn.Module | None:
    """What makes frames of sound; None for a model of frames."""
    with torch.device("cpu"):  # tables, not weights: they have values on the meta device too
        if config.log_mel is not None:
            return LogMel(config.log_mel)
        return None if config.fbank is None else KaldiFbank(config.fbank)


def _padding(n_real: Tensor, size: int) -> Tensor:
    return torch.arange(size, device=n_real.device) >= n_real[:, None]
