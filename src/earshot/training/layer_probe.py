"""What can be read out of frozen layers: learnt layer weights and a small head, as in SUPERB."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from earshot.core.errors import EarShotError
from earshot.core.seed import generator


@dataclass(frozen=True)
class LayerProbeConfig:
    """How a probe is trained; only the learning rate is searched. Source: arXiv:2105.01051, 3."""

    learning_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)  # the best on validation rows is kept
    steps: int = 300
    batch_size: int = 512
    hidden: int = 256  # of the projector
    head: Literal["linear", "mlp"] = "linear"  # mlp: a ReLU between projector and classifier
    normalize: bool = True  # every state to mean 0, variance 1 over its numbers
    validation: float = 0.2  # of the groups
    check_every: int = 25  # steps between looks at the validation rows

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch_size, self.hidden, self.check_every)
        if not self.learning_rates or min(self.learning_rates) <= 0 or min(counts) < 1:
            raise EarShotError(
                got=f"learning_rates={self.learning_rates}, steps={self.steps}, "
                f"batch_size={self.batch_size}, hidden={self.hidden}",
                expected="learning rates above 0 and counts of 1 or more",
                mend="The defaults are a start.",
            )
        if not 0 < self.validation < 1:
            raise EarShotError(
                got=f"validation={self.validation:g}",
                expected="a share between 0 and 1",
                mend="0.2 keeps a fifth of the training rows to choose by.",
            )


class LayerProbe(nn.Module):
    """Weighted sum of layers, projector, classifier, under the names that `transformers` has.

    Its heads of audio classification average over time between the two; both are linear, so states
    that were averaged before give the same. Source: arXiv:2105.01051, section 3.2.
    """

    def __init__(
        self, n_layers: int, dim: int, n_classes: int, config: LayerProbeConfig | None = None
    ) -> None:
        super().__init__()
        self.config = config or LayerProbeConfig()
        self.layer_weights = nn.Parameter(torch.zeros(n_layers))
        self.projector = nn.Linear(dim, self.config.hidden)
        self.classifier = nn.Linear(self.config.hidden, n_classes)

    def forward(self, states: Tensor) -> Tensor:
        """Logits [..., n_classes] of states [..., n_layers, dim]."""
        return self.read(normalized(states) if self.config.normalize else states)

    def read(self, states: Tensor) -> Tensor:
        """As `forward`, of states that need no more than reading."""
        mixed = (self.weights[:, None] * states).sum(-2)  # [..., dim]
        hidden = self.projector(mixed)
        return self.classifier(F.relu(hidden) if self.config.head == "mlp" else hidden)

    @property
    def weights(self) -> Tensor:
        """What each layer counts for, [n_layers]; they sum to 1."""
        return self.layer_weights.softmax(0)


def normalized(states: Tensor) -> Tensor:
    """Every state at mean 0 and variance 1 over its numbers: [..., dim] -> the same."""
    return F.layer_norm(states.float(), states.shape[-1:])


@dataclass(frozen=True)
class FittedProbe:
    """A trained probe, and what it was chosen by."""

    probe: LayerProbe
    learning_rate: float
    validation_loss: float  # mean nats of the validation rows

    @property
    def layer_weights(self) -> list[float]:
        """What each layer counts for; they sum to 1."""
        return [float(each) for each in self.probe.weights.detach()]

    @torch.inference_mode()
    def logits(self, states: Tensor) -> Tensor:
        """Of states [n, n_layers, dim] -> [n, n_classes]."""
        return torch.cat([self.probe(part.float()) for part in states.split(4_096)])


def fit_layer_probe(
    states: Tensor,
    target: Tensor,
    n_classes: int,
    *,
    groups: np.ndarray | None = None,
    config: LayerProbeConfig | None = None,
    seed: int = 0,
) -> FittedProbe:
    """The probe of the learning rate and step with the least loss on validation rows.

    states [n, n_layers, dim]: of clips (means over time) or of frames. target [n] int64 is one
    class a row; [n, n_classes] of 0 and 1 is any number of them. Rows of one of `groups` [n] (of
    one recording, speaker, utterance) are never parted between training and validation.
    """
    config = config or LayerProbeConfig()
    _check(states, target, n_classes)
    validated = _validation_rows(len(states), groups, config.validation, seed)
    states = normalized(states) if config.normalize else states.float()  # once, for all steps
    kept = [_fit_one(states, target, n_classes, validated, rate, config, seed)
            for rate in config.learning_rates]  # fmt: skip
    return min(kept, key=lambda fitted: fitted.validation_loss)


def _fit_one(
    states: Tensor,
    target: Tensor,
    n_classes: int,
    validated: Tensor,
    learning_rate: float,
    config: LayerProbeConfig,
    seed: int,
) -> FittedProbe:
    """One learning rate: the state of the least validation loss."""
    train = (~validated).nonzero()[:, 0]
    checked = states[validated], target[validated]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        probe = LayerProbe(states.shape[1], states.shape[2], n_classes, config)
    draw = generator(seed, "layer probe")
    optimizer = torch.optim.Adam(probe.parameters(), learning_rate)
    best, best_loss = copy.deepcopy(probe.state_dict()), float("inf")
    order = np.empty(0, np.int64)
    for step in range(1, config.steps + 1):
        if len(order) < min(config.batch_size, len(train)):
            order = np.concatenate([order, draw.permutation(len(train))])
        chosen, order = order[: config.batch_size], order[config.batch_size :]
        rows = train[torch.from_numpy(chosen)]
        loss = _loss(probe.read(states[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(probe.parameters(), 1.0)
        optimizer.step()
        if step % config.check_every == 0 or step == config.steps:
            with torch.inference_mode():
                now = float(_loss(probe.read(checked[0]), checked[1]))
            if now < best_loss:
                best, best_loss = copy.deepcopy(probe.state_dict()), now
    probe.load_state_dict(best)
    return FittedProbe(probe.eval(), learning_rate, best_loss)


def _loss(logits: Tensor, target: Tensor) -> Tensor:
    if target.ndim == 2:
        return F.binary_cross_entropy_with_logits(logits, target.float())
    return F.cross_entropy(logits, target)


def _validation_rows(n: int, groups: np.ndarray | None, share: float, seed: int) -> Tensor:
    """True for the rows that choose and do not teach: whole groups, one at the least."""
    names = np.arange(n) if groups is None else np.asarray(groups)
    different = np.unique(names)
    if len(different) < 2:  # one recording alone: its rows have to be parted
        names = np.arange(n)
        different = names
    n_kept = min(max(1, round(share * len(different))), len(different) - 1)
    drawn = generator(seed, "validation groups").permutation(len(different))[:n_kept]
    return torch.from_numpy(np.isin(names, different[drawn]))


def _check(states: Tensor, target: Tensor, n_classes: int) -> None:
    if states.ndim != 3 or len(states) < 2 or len(states) != len(target):
        raise EarShotError(
            got=f"states {list(states.shape)} with {len(target)} targets",
            expected="[n, n_layers, dim] and a target each, of two rows or more",
            mend="Stack the layers of every clip or frame.",
        )
    if not bool(torch.isfinite(states).all()):
        raise EarShotError(
            got="states with NaN or infinite values",
            expected="finite numbers",
            mend="Check the encoder: a diverged training gives such states.",
        )
    if target.ndim == 1 and not 0 <= int(target.min()) <= int(target.max()) < n_classes:
        raise EarShotError(
            got=f"targets from {int(target.min())} to {int(target.max())}",
            expected=f"classes from 0 to {n_classes - 1}",
            mend="Number the classes from 0.",
        )
