"""Brain signals in, a sequence of speech features out; and the speech side that may learn along."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.shapes import check_shape
from earshot.layers.dilated_convs import GatedConvs
from earshot.layers.spatial_attention import SpatialAttention
from earshot.layers.subject_layer import SubjectLayer


@dataclass(frozen=True)
class DeepMelConfig:
    """Sizes of the speech side that learns along; the defaults are the published ones."""

    n_mels: int = 120
    width: int = 320
    conv_depth: int = 10
    dim: int = 768  # of the last layer, which the brain module must give


class DeepMel(nn.Module):
    """The same convolutions over a log-mel, taught together with the brain module.

    Source: arXiv:2208.12266, Methods ("Deep Mel").
    """

    def __init__(self, config: DeepMelConfig) -> None:
        super().__init__()
        self.config = config
        self.convs = GatedConvs(config.n_mels, config.width, config.conv_depth, out_dim=config.dim)

    def forward(self, log_mel: Tensor) -> Tensor:
        """log_mel [batch, n_mels, samples] -> [batch, dim, samples]."""
        return self.convs(log_mel)


@dataclass(frozen=True)
class BrainModuleConfig:
    """Sizes of a BrainModule; the defaults are the published ones."""

    n_subjects: int = 27
    dim: int = 1_024  # features of speech that it gives
    n_virtual: int = 270  # channels after the attention over sensors
    n_waves: int = 32  # of the attention, along each side
    margin: float = 0.2
    dropout_radius: float = 0.2  # of sensors, in widths of the layout; 0 for none
    subject_layer: bool = True
    width: int = 320
    conv_depth: int = 10
    kernel: int = 3
    period: int = 5  # of dilations: 1, 2, 4, 8, 16, 1, ...
    gate_every: int = 2
    head_width: int = 640
    deep_mel: DeepMelConfig | None = None  # a speech side that learns along

    def __post_init__(self) -> None:
        sizes = (self.n_subjects, self.dim, self.n_virtual, self.n_waves, self.width)
        if min(*sizes, self.conv_depth, self.head_width) < 1:
            raise EarShotError(
                got=f"sizes {sizes}, conv_depth={self.conv_depth}, head_width={self.head_width}",
                expected="sizes from 1 on",
                mend="The published ones are the defaults.",
            )
        if self.deep_mel is not None and self.deep_mel.dim != self.dim:
            raise EarShotError(
                got=f"dim={self.dim} beside deep_mel.dim={self.deep_mel.dim}",
                expected="the same",
                mend="Give both the same.",
            )


class BrainModule(nn.Module):
    """Attention over sensors, a linear map, the subject's own one, convolutions, two last layers.

    Any number and placement of sensors; the number of subjects is fixed. Parameters are named as
    in the published description: `merger.heads`, `initial_linear.0`, `subject_layers.weights`,
    `encoders.meg.sequence.{k}.0`, `encoders.meg.glus.{k}.0`, `final.0`, `final.2`.
    Source: arXiv:2208.12266, Methods.
    """

    def __init__(self, config: BrainModuleConfig) -> None:
        super().__init__()
        self.config = config
        n = config.n_virtual
        self.merger = SpatialAttention(
            n, config.n_waves, margin=config.margin, dropout_radius=config.dropout_radius
        )
        self.initial_linear = nn.Sequential(nn.Conv1d(n, n, 1))
        self.subject_layers = SubjectLayer(config.n_subjects, n) if config.subject_layer else None
        stack = GatedConvs(
            n,
            config.width,
            config.conv_depth,
            kernel=config.kernel,
            period=config.period,
            gate_every=config.gate_every,
        )
        self.encoders = nn.ModuleDict({"meg": stack})
        self.final = nn.Sequential(
            nn.Conv1d(config.width, config.head_width, 1),
            nn.GELU(),
            nn.ConvTranspose1d(config.head_width, config.dim, 1),
        )
        self.deep_mel = DeepMel(config.deep_mel) if config.deep_mel is not None else None

    def forward(
        self, brain: Tensor, positions: Tensor, subject: Tensor, padding: Tensor | None = None
    ) -> Tensor:
        """brain [batch, channels, samples] -> speech features [batch, dim, samples].

        positions [batch, channels, 2] in [0, 1]; subject [batch] int64; padding [batch, channels],
        True where there is no sensor.
        """
        mend = "Give it windows of scaled brain signal: earshot.features.brain."
        check_shape("brain", brain, ("batch", "channels", "samples"), mend=mend)
        check_shape("positions", positions, (*brain.shape[:2], 2), mend=mend)
        hidden = self.initial_linear(self.merger(brain, positions, padding))
        if self.subject_layers is not None:
            hidden = self.subject_layers(hidden, subject)
        return self.final(self.encoders["meg"](hidden))

    def hear(self, speech: Tensor) -> Tensor:
        """What brain signals are compared with: speech [batch, features, samples] itself, or what
        the learnt speech side makes of it."""
        return speech if self.deep_mel is None else self.deep_mel(speech)
