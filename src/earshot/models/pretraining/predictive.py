"""Targets that another function makes: clusters (HuBERT), random codes (BEST-RQ), a teacher."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.encoders.frame_encoder import FrameEncoder
from earshot.features.cepstra import cepstra
from earshot.features.cmvn import utterance_cmvn
from earshot.layers.kmeans import nearest_centroid
from earshot.layers.pooling import padding_of
from earshot.layers.random_projection import RandomProjection, RandomProjectionConfig
from earshot.layers.span_mask import SpanMaskConfig
from earshot.models.pretraining.frame_objective import FrameObjective, HidesSpans
from earshot.objectives.masked_units import MaskedUnits


@dataclass(frozen=True)
class UnitsConfig:
    """Masked prediction of labels. Source: arXiv:2106.07447, 2-3."""

    n_units: int = 64  # HuBERT has 100 clusters of cepstra, then 500 of states
    unit_dim: int = 64
    temperature: float = 0.1
    weight: float = 1.0  # alpha: of hidden positions; 1 - alpha of the others
    mask: SpanMaskConfig = field(default_factory=SpanMaskConfig)


class CepstralLabels(nn.Module):
    """The cluster of each position's cepstra: HuBERT's first iteration.

    Cepstra are divided by their spread over the data. Differs: the mean over a position's frames.
    """

    centroids: Tensor  # [n_units, n_features]
    spread: Tensor  # [n_features]

    def __init__(self, stack: int, n_units: int, n_features: int = 39) -> None:
        super().__init__()
        self.stack = stack
        self.register_buffer("centroids", torch.zeros(n_units, n_features))
        self.register_buffer("spread", torch.ones(n_features))

    def describe(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """What is clustered: [batch, positions, 39]."""
        found = cepstra(log_mel, n_frames)
        found = F.pad(found, (0, -found.shape[2] % self.stack), "replicate")
        return found.unflatten(2, (-1, self.stack)).mean(3).transpose(1, 2) / self.spread

    @torch.no_grad()
    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """Labels [batch, positions]."""
        return nearest_centroid(self.describe(log_mel, n_frames), self.centroids)


class StateLabels(nn.Module):
    """The cluster of each position's state in one layer of a taught encoder: the second iteration.

    The encoder is frozen, and saved with the rest.
    """

    centroids: Tensor  # [n_units, dim]

    def __init__(self, encoder: FrameEncoder, layer: int, n_units: int) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).requires_grad_(False).eval()
        self.layer = layer
        self.register_buffer("centroids", torch.zeros(n_units, encoder.dim))

    def train(self, mode: bool = True) -> StateLabels:
        """Never: labels are made in eval mode."""
        return super().train(False)

    def describe(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """What is clustered: [batch, positions, dim]."""
        return self.encoder.layers(log_mel, n_frames).hidden[self.layer]

    @torch.no_grad()
    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """Labels [batch, positions]."""
        return nearest_centroid(self.describe(log_mel, n_frames), self.centroids)


class RandomLabels(nn.Module):
    """The random code of each position's frames, normalised by utterance: BEST-RQ.

    Source: arXiv:2202.01855, 3.1.
    """

    def __init__(self, encoder: FrameEncoder, n_units: int, code_dim: int, seed: int) -> None:
        super().__init__()
        self.stack = encoder.config.stack
        self.quantizer = RandomProjection(
            RandomProjectionConfig(
                n_inputs=encoder.n_inputs, n_codes=n_units, code_dim=code_dim, seed=seed
            )
        )

    @torch.no_grad()
    def forward(self, log_mel: Tensor, n_frames: Tensor) -> Tensor:
        """Labels [batch, positions]."""
        level = utterance_cmvn(log_mel, n_frames)
        level = F.pad(level, (0, -level.shape[2] % self.stack))
        stacked = level.transpose(1, 2).reshape(len(level), -1, self.quantizer.config.n_inputs)
        return self.quantizer(stacked)


class MaskedPrediction(FrameObjective):
    """The label of each hidden position, by what `labels(log_mel, n_frames)` says of it unhidden.

    Source: arXiv:2106.07447, Eqs. 1-3; arXiv:2202.01855. Differs from BEST-RQ: spans are hidden by
    a learnt vector, as for the other objectives, not by noise.
    """

    def __init__(
        self, encoder: FrameEncoder, config: UnitsConfig, labels: Callable[[Tensor, Tensor], Tensor]
    ) -> None:
        super().__init__(encoder)
        self.labels = labels
        self.hide = HidesSpans(encoder.dim, config.mask)
        self.units = MaskedUnits(
            encoder.dim,
            config.n_units,
            config.unit_dim,
            temperature=config.temperature,
            weight=config.weight,
        )

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """Loss in nats, the accuracy over hidden positions, and how many labels are in use."""
        inputs, n_positions = self.encoder.stacked(log_mel, n_frames)
        labels = self.labels(log_mel, n_frames)
        hidden, masked = self.hide(self.encoder.embed(inputs), n_positions)
        states = self.encoder.contextualise(hidden, n_positions)
        score = self.units(states.last, labels, masked, states.padding)
        used = torch.bincount(labels[masked], minlength=len(self.units.units)) / masked.sum()
        perplexity = torch.special.entr(used).sum().exp()
        return {"loss": score.loss, "accuracy": score.accuracy, "perplexity": perplexity}


@dataclass(frozen=True)
class Data2VecConfig:
    """The teacher and what is taken from it. Source: arXiv:2202.03555, 3."""

    n_layers: int = 2  # the top ones, whose mean is the target; the paper has 8 of 12
    decay: float = 0.99  # of the teacher at first ...
    end_decay: float = 0.999  # ... and from `decay_updates` on; the paper has 0.999 to 0.9999
    decay_updates: int = 400
    mask: SpanMaskConfig = field(default_factory=SpanMaskConfig)
    least_variance: float = 1e-4  # of targets over time; below it the teacher has collapsed

    def __post_init__(self) -> None:
        if not 0 <= self.decay <= self.end_decay < 1 or min(self.n_layers, self.decay_updates) < 1:
            raise EarShotError(
                got=f"decay={self.decay:g} to {self.end_decay:g} over {self.decay_updates}, "
                f"n_layers={self.n_layers}",
                expected="decays that rise below 1, over at least 1 update, of 1 layer or more",
                mend="The paper has 0.999 to 0.9999 over 30 000, and 8 layers.",
            )


class Data2Vec(FrameObjective):
    """The mean of a teacher's top layers, which hears all; the teacher follows the pupil.

    Targets are the outputs of feed-forward parts, each normalised over time. The teacher's latents
    are the pupil's own: only what is above follows slowly. L = |W c_t - y_t|^2 / sqrt(dim) over
    hidden positions. Source: arXiv:2202.03555, Eq. 1, 3.3.
    """

    n_updates: Tensor  # [] int64

    def __init__(self, encoder: FrameEncoder, config: Data2VecConfig) -> None:
        super().__init__(encoder)
        if encoder.config.kind != "transformer" or config.n_layers > encoder.config.depth:
            raise EarShotError(
                got=f"the top {config.n_layers} of {encoder.config.depth} layers of a "
                f"{encoder.config.kind}",
                expected="a transformer of at least as many layers",
                mend="Set model.audio.frames.kind=transformer, or lower n_layers.",
            )
        self.config = config
        self.hide = HidesSpans(encoder.dim, config.mask)
        self.head = nn.Linear(encoder.dim, encoder.dim)
        self.teacher = copy.deepcopy(encoder).requires_grad_(False).eval()
        self.register_buffer("n_updates", torch.zeros((), dtype=torch.int64))

    def train(self, mode: bool = True) -> Data2Vec:
        """The teacher stays in eval mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, log_mel: Tensor, n_frames: Tensor) -> dict[str, Tensor]:
        """The loss, and the variance over time of targets and of guesses, to see a collapse."""
        inputs, n_positions = self.encoder.stacked(log_mel, n_frames)
        latents = self.encoder.embed(inputs)
        hidden, masked = self.hide(latents, n_positions)
        found = self.head(self.encoder.contextualise(hidden, n_positions).last)
        wanted = self.targets(latents.detach(), n_positions)
        off = (found.float() - wanted)[masked].square().sum(-1)
        variance = wanted[masked].var(0).mean()
        if float(variance) < self.config.least_variance:
            raise EarShotError(
                got=f"targets of variance {float(variance):.2g}",
                expected=f"at least {self.config.least_variance:g}: the teacher has collapsed",
                mend="Raise decay and end_decay, or lower fit.learning_rate.",
            )
        figures = {"target_variance": variance, "guess_variance": found[masked].var(0).mean()}
        return {"loss": off.mean() / self.encoder.dim**0.5, **figures}

    @torch.no_grad()
    def targets(self, latents: Tensor, n_positions: Tensor) -> Tensor:
        """y [batch, positions, dim] from unhidden latents."""
        outputs: list[Tensor] = []
        blocks: list[nn.Module] = list(self.teacher.blocks.blocks.children())
        hooks = [
            block.get_submodule("mlp").register_forward_hook(
                lambda part, given, found: outputs.append(found)
            )
            for block in blocks[-self.config.n_layers :]
        ]
        try:
            self.teacher.contextualise(latents, n_positions)
        finally:
            for hook in hooks:
                hook.remove()
        padding = padding_of(n_positions, latents.shape[1])
        return torch.stack([over_time(each, padding) for each in outputs]).mean(0)

    @torch.no_grad()
    def after_update(self) -> None:
        """The teacher follows; its latents are the pupil's at once."""
        config = self.config
        share = min(int(self.n_updates) / config.decay_updates, 1.0)
        decay = config.decay + share * (config.end_decay - config.decay)
        own = dict(self.encoder.named_parameters())
        for name, value in self.teacher.named_parameters():
            above = not name.startswith(("projection.", "embed_norm."))
            value.lerp_(own[name], 1 - decay if above else 1.0)
        self.n_updates += 1


def over_time(hidden: Tensor, padding: Tensor) -> Tensor:
    """Each of dim to mean 0 and variance 1 over the real positions of its row, float32."""
    real = ~padding[..., None]  # [batch, positions, 1]
    count = real.sum(1, keepdim=True).clamp(min=1)
    hidden = hidden.float()
    centred = (hidden - (hidden * real).sum(1, keepdim=True) / count) * real
    return centred / (centred.square().sum(1, keepdim=True) / count + 1e-5).sqrt()
