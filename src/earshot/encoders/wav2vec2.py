"""wav2vec 2.0 and its kin as an encoder: over the waveform, or over stacked log-mel frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.encoders.states import LayerStates
from earshot.layers.pooling import mean_of_real, padding_of
from earshot.layers.span_mask import SpanMaskConfig, span_mask

LEAST_SAMPLES = 400  # what one frame of the published convolutions hears, 25 ms at 16 kHz
LEAST_VARIANCE = 1e-5  # of a band of a log-mel, in dB squared
Kind = Literal["wav2vec2", "hubert", "wavlm", "data2vec-audio"]


@dataclass(frozen=True)
class Wav2Vec2EncoderConfig:
    """Sizes of the encoder; the defaults are wav2vec 2.0 base. Source: arXiv:2006.11477."""

    kind: Kind = "wav2vec2"
    dim: int = 768
    depth: int = 12
    n_heads: int = 12
    mlp_dim: int = 3_072
    n_mels: int | None = None  # of a log-mel that takes the place of the convolutions
    stack: int = 2  # frames of that log-mel to a position
    conv_dim: int = 512
    conv_kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)  # 320 samples to a position
    conv_norm: Literal["group", "layer"] = "group"  # group: one norm over the whole clip
    conv_bias: bool = False
    pre_norm: bool = False  # norms before each layer's parts, and one at the end
    feature_norm: bool = True  # a layer norm before the projection
    position_kernel: int = 128  # of the convolution that tells positions
    position_groups: int = 16
    position_depth: int = 1  # such convolutions: 5 of kernel 19 in data2vec
    position_batch_norm: bool = False  # in the place of the weight norm
    dropout: float = 0.1
    layer_drop: float = 0.0  # share of layers that a training step leaves out
    time_mask: SpanMaskConfig | None = None  # of positions, in training
    channel_mask: SpanMaskConfig | None = None  # of the dim channels, in training

    def __post_init__(self) -> None:
        if len(self.conv_kernels) != len(self.conv_strides) or self.stack < 1:
            raise EarShotError(
                got=f"{len(self.conv_kernels)} conv_kernels, {len(self.conv_strides)} conv_strides "
                f"and stack={self.stack}",
                expected="a stride for each kernel, and stack of at least 1",
                mend="wav2vec 2.0 has seven of both.",
            )
        if self.dim % self.n_heads or self.dim % self.position_groups:
            raise EarShotError(
                got=f"dim={self.dim} with n_heads={self.n_heads} and "
                f"position_groups={self.position_groups}",
                expected="a dim that heads and groups share evenly",
                mend="The published sizes are 768 with 12 heads and 1024 with 16, both 16 groups.",
            )

    @classmethod
    def large(cls) -> Wav2Vec2EncoderConfig:
        """XLSR-53, 315.4 M parameters: layer norms, and norms first. Source: arXiv:2006.13979."""
        return cls(
            dim=1_024,
            depth=24,
            n_heads=16,
            mlp_dim=4_096,
            conv_norm="layer",
            conv_bias=True,
            pre_norm=True,
        )

    @property
    def feature_dim(self) -> int:
        """Channels of a position before the projection."""
        return self.conv_dim if self.n_mels is None else self.n_mels * self.stack

    def library_config(self, **more: Any) -> Any:
        """The same in transformers' words; its own masking never runs here."""
        names = CLASSES[self.kind][0]
        import transformers

        options = {
            "feat_proj_layer_norm": self.feature_norm,
            "conv_pos_batch_norm": self.position_batch_norm,
            "conv_pos_kernel_size": self.position_kernel,
        }
        library = getattr(transformers, names)
        convs = range(len(self.conv_kernels))
        by_mel = self.n_mels is not None
        sizes = {
            "hidden_size": self.dim,
            "num_hidden_layers": self.depth,
            "num_attention_heads": self.n_heads,
            "intermediate_size": self.mlp_dim,
            "conv_dim": (self.feature_dim,) if by_mel else tuple(self.conv_dim for _ in convs),
            "conv_kernel": (1,) if by_mel else self.conv_kernels,
            "conv_stride": (1,) if by_mel else self.conv_strides,
            "conv_bias": self.conv_bias,
            "feat_extract_norm": self.conv_norm,
            "do_stable_layer_norm": self.pre_norm,
            "num_conv_pos_embeddings": (
                self.position_depth if self.kind == "data2vec-audio" else self.position_kernel
            ),
            "num_conv_pos_embedding_groups": self.position_groups,
            "hidden_dropout": self.dropout,
            "attention_dropout": self.dropout,
            "activation_dropout": self.dropout,
            "feat_proj_dropout": self.dropout,
            "layerdrop": self.layer_drop,
            "mask_time_prob": 0.05,  # above 0: the model has the vector that stands for masks
        }
        return library(**{**sizes, **options, **more})


# of each kind: transformers' config and its model
CLASSES: dict[str, tuple[str, str]] = {
    "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2Model"),
    "hubert": ("HubertConfig", "HubertModel"),
    "wavlm": ("WavLMConfig", "WavLMModel"),
    "data2vec-audio": ("Data2VecAudioConfig", "Data2VecAudioModel"),
}


class Wav2Vec2Encoder(nn.Module):
    """`transformers`' model over clips of any length: neither padding nor batch-mates change a row.

    Where a norm runs over the whole clip (group norm) the convolutions take one clip at a time;
    where padding would be heard between layers (data2vec, batch norm) all of it does. A log-mel in
    the place of the convolutions has each band brought to mean 0 and variance 1, and `stack`
    frames side by side to a position.
    """

    def __init__(self, config: Wav2Vec2EncoderConfig) -> None:
        super().__init__()
        import transformers

        self.config, self.dim = config, config.dim
        self.model = getattr(transformers, CLASSES[config.kind][1])(config.library_config())
        if config.n_mels is not None:
            self.model.feature_extractor = nn.Identity()

    @property
    def position_frames(self) -> float:
        """Front-end frames (samples, of a waveform) that a position stands for."""
        if self.config.n_mels is not None:
            return float(self.config.stack)
        step = 1
        for stride in self.config.conv_strides:
            step *= stride
        return float(step)

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """log_mel [batch, 1 or n_mels, frames], n_frames [batch] -> [batch, dim], the mean."""
        hidden, n_positions = self.features(log_mel, n_frames)
        hidden, _ = self.project(hidden)
        seen = self.contextual(self.masked(hidden, n_positions), n_positions)
        return mean_of_real(seen, padding_of(n_positions, seen.shape[1]))

    def layers(self, log_mel: Tensor, n_frames: Tensor) -> LayerStates:
        """The projected features, and the states after each layer; padded ones are 0."""
        features, n_positions = self.features(log_mel, n_frames)
        hidden, _ = self.project(features)
        kept: list[Tensor] = []
        hooks = [
            layer.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
            for layer in self.model.encoder.layers
        ]
        try:
            last = self.contextual(self.masked(hidden, n_positions), n_positions, kept)
        finally:
            for hook in hooks:
                hook.remove()
        padding = padding_of(n_positions, last.shape[1])[..., None]
        return LayerStates(tuple(h.masked_fill(padding, 0.0) for h in [*kept, last]), n_positions)

    def features(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        """Convolved, or stacked: [batch, positions, feature_dim], n_positions [batch]."""
        config = self.config
        n_channels = config.n_mels or 1
        check_shape(
            "log_mel",
            log_mel,
            (len(n_frames), n_channels, "frames"),
            mend="Give the front end and this encoder the same n_mels; 1 for a waveform.",
        )
        if config.n_mels is not None:
            return stacked(log_mel, n_frames, config.stack)
        waveform = log_mel[:, 0]
        extractor = self.model.feature_extractor
        if config.conv_norm == "group":
            return convolve_each(extractor, waveform, n_frames)
        hidden = extractor(at_least(waveform, LEAST_SAMPLES)).transpose(1, 2)
        n_positions = n_frames.clamp(min=LEAST_SAMPLES)
        for kernel, stride in zip(config.conv_kernels, config.conv_strides, strict=True):
            n_positions = (n_positions - kernel) // stride + 1
        return hidden, n_positions

    def project(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [batch, positions, feature_dim] to `dim`; and themselves, normalised."""
        found = self.model.feature_projection(features)
        return found if isinstance(found, tuple) else (found, features)

    def masked(self, hidden: Tensor, n_positions: Tensor) -> Tensor:
        """In training: some spans of positions hidden, some of channels 0. Else the same."""
        config = self.config
        if not self.training:
            return hidden
        if config.time_mask is not None:
            hidden = self.hide(hidden, span_mask(n_positions, hidden.shape[1], config.time_mask))
        if config.channel_mask is not None:
            channels = torch.full_like(n_positions, self.dim)
            gone = span_mask(channels, self.dim, config.channel_mask)
            hidden = hidden.masked_fill(gone[:, None], 0.0)
        return hidden

    def hide(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The learnt mask vector where `mask` [batch, positions] is True."""
        vector = self.model.masked_spec_embed.to(hidden.dtype)
        return torch.where(mask[..., None], vector, hidden)

    def contextual(
        self, hidden: Tensor, n_positions: Tensor, kept: list[Tensor] | None = None
    ) -> Tensor:
        """Hidden [batch, positions, dim] through positions, layers and norm.

        `kept` is what hooks on the layers have noted, one for each; of clips that pass one at a
        time it is put together.
        """
        config = self.config
        if config.kind != "data2vec-audio" and not config.position_batch_norm:
            padding = padding_of(n_positions, hidden.shape[1])
            hidden = hidden.masked_fill(padding[..., None], 0.0)
            return self.model.encoder(hidden, attention_mask=~padding).last_hidden_state
        rows, noted = [], []
        for row, n in zip(hidden, n_positions.tolist(), strict=True):
            rows.append(self.model.encoder(row[None, :n]).last_hidden_state[0])
            if kept is not None:
                noted.append([each[0] for each in kept])
                kept.clear()
        if kept is not None:
            kept += [
                pad_sequence(list(each), batch_first=True) for each in zip(*noted, strict=True)
            ]
        return pad_sequence(rows, batch_first=True)

    def freeze_convolutions(self) -> None:
        """The front end learns no more; of a log-mel there is nothing to learn."""
        if self.config.n_mels is None:
            self.model.freeze_feature_encoder()


def convolve_each(
    extractor: nn.Module, waveform: Tensor, n_samples: Tensor
) -> tuple[Tensor, Tensor]:
    """One clip at a time, for norms over a whole clip: [batch, positions, channels], n_positions.

    waveform [batch, samples], n_samples [batch]. A clip shorter than a frame has silence after it.
    """
    clips = zip(waveform, n_samples.tolist(), strict=True)
    rows = [extractor(at_least(clip[None, :n], LEAST_SAMPLES))[0].T for clip, n in clips]
    n_positions = torch.tensor([len(row) for row in rows], device=waveform.device)
    return pad_sequence(rows, batch_first=True), n_positions


def at_least(waveform: Tensor, n_samples: int) -> Tensor:
    """The waveform [batch, samples], followed by silence where it is shorter than that."""
    return nn.functional.pad(waveform, (0, max(0, n_samples - waveform.shape[1])))


def stacked(log_mel: Tensor, n_frames: Tensor, stack: int) -> tuple[Tensor, Tensor]:
    """Frames [batch, n_mels, frames] side by side: [batch, positions, stack * n_mels], n_positions.

    Each band is brought to mean 0 and variance 1 over the real frames of its clip. The frames that
    fill no position are left out, but a clip has one position at least.
    """
    padding = padding_of(n_frames, log_mel.shape[2])[:, None]  # [batch, 1, frames]
    count = n_frames[:, None, None].clamp(min=1)
    mean = log_mel.masked_fill(padding, 0.0).sum(2, keepdim=True) / count
    frames = (log_mel - mean).masked_fill(padding, 0.0)
    frames = frames / (frames.square().sum(2, keepdim=True) / count + LEAST_VARIANCE).sqrt()
    width = max(1, log_mel.shape[2] // stack) * stack
    frames = nn.functional.pad(frames, (0, max(0, width - frames.shape[2])))[..., :width]
    rows = frames.transpose(1, 2).unflatten(1, (-1, stack)).flatten(2)
    return rows, (n_frames // stack).clamp(min=1)
