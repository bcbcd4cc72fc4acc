"""What a frozen speech encoder lets be read: phones of frames, and facts of whole clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from earshot.core.seed import generator
from earshot.models.sound_encoder import SoundEncoder
from earshot.training.layer_probe import FittedProbe, LayerProbeConfig, fit_layer_probe
from earshot.training.layer_states import clip_states, frame_states


def _quick() -> LayerProbeConfig:
    return LayerProbeConfig(learning_rates=(3e-3, 1e-2), steps=200, batch_size=256, hidden=128)


@dataclass(frozen=True)
class SpeechProbeConfig:
    """How much is read, and by what."""

    n_frames: int = 8_000  # of the training utterances
    probe: LayerProbeConfig = field(default_factory=_quick)
    sanity: bool = True  # phones again: labels shuffled, 10 times the learning rate, a hidden layer


@dataclass(frozen=True, eq=False)
class Spoken:
    """Utterances with what is known of them."""

    waveforms: list[np.ndarray]  # each [samples], at the model's rate
    phones: list[np.ndarray]  # each [frames], a label for every `frame_s`
    facts: dict[str, np.ndarray]  # such as "speaker" -> [utterances], int64
    frame_s: float = 0.01


def speech_figures(
    model: SoundEncoder, train: Spoken, test: Spoken, config: SpeechProbeConfig, seed: int
) -> dict[str, float]:
    """Accuracies by name: `phones`, each of `facts`, and `phones_...` of the sanity probes.

    Beside them what each layer counted for, such as `phones_layer2`. Whole utterances are kept
    apart between the rows that teach and those that choose.
    """
    heard = [_Heard.of(model, each) for each in (train, test)]
    rows = generator(seed, "probed frames").permutation(len(heard[0].labels))[: config.n_frames]
    chosen = torch.from_numpy(np.sort(rows))
    states, labels = heard[0].frames[chosen], heard[0].labels[chosen]
    groups = heard[0].owner[chosen.numpy()]
    n_phones = 1 + max(int(each.labels.max()) for each in heard)

    def phones(probe: LayerProbeConfig, target: Tensor = labels) -> tuple[float, FittedProbe]:
        fitted = fit_layer_probe(states, target, n_phones, groups=groups, config=probe, seed=seed)
        return accuracy(fitted, heard[1].frames, heard[1].labels), fitted

    figures, plain = {}, config.probe
    figures["phones"], fitted = phones(plain)
    figures |= shares("phones", fitted)
    for name in train.facts:
        targets = [torch.from_numpy(each.facts[name]) for each in (train, test)]
        fitted = fit_layer_probe(
            heard[0].means,
            targets[0],
            1 + int(max(map(torch.max, targets))),
            config=plain,
            seed=seed,
        )
        figures[name] = accuracy(fitted, heard[1].means, targets[1])
        figures |= shares(name, fitted)
    if config.sanity:
        draw = torch.Generator().manual_seed(seed)
        shuffled = labels[torch.randperm(len(labels), generator=draw)]
        faster = tuple(10 * rate for rate in plain.learning_rates)
        figures["phones_shuffled"], _ = phones(plain, shuffled)
        figures["phones_fast"], _ = phones(replace(plain, learning_rates=faster))
        figures["phones_mlp"], _ = phones(replace(plain, head="mlp"))
    return figures


def clip_figures(
    model: SoundEncoder,
    train: tuple[Sequence[np.ndarray], Sequence[int]],
    test: tuple[Sequence[np.ndarray], Sequence[int]],
    name: str,
    config: SpeechProbeConfig,
    seed: int,
) -> dict[str, float]:
    """The accuracy `name` of one label a clip, from waveforms and labels; and what layers count."""
    states = [clip_states(model, waveforms) for waveforms, _ in (train, test)]
    targets = [torch.tensor(list(labels)) for _, labels in (train, test)]
    n_classes = 1 + int(torch.cat(targets).max())
    fitted = fit_layer_probe(states[0], targets[0], n_classes, config=config.probe, seed=seed)
    return {name: accuracy(fitted, states[1], targets[1]), **shares(name, fitted)}


def accuracy(fitted: FittedProbe, states: Tensor, target: Tensor) -> float:
    """Share of rows whose likeliest class is the true one."""
    return float((fitted.logits(states).argmax(1) == target).float().mean())


def shares(name: str, fitted: FittedProbe) -> dict[str, float]:
    """What each layer counts for, named `name_layer0` and on; nothing for a single layer."""
    weights = fitted.layer_weights
    return {f"{name}_layer{i}": w for i, w in enumerate(weights)} if len(weights) > 1 else {}


@dataclass(frozen=True, eq=False)
class _Heard:
    """States of utterances: of every position, and their means."""

    frames: Tensor  # [positions of all, n_layers, dim]
    labels: Tensor  # [positions of all]
    owner: np.ndarray  # [positions of all], the utterance
    means: Tensor  # [utterances, n_layers, dim]

    @classmethod
    def of(cls, model: SoundEncoder, spoken: Spoken) -> _Heard:
        """A position's label is that of its middle."""
        frames, labels, owner, means = [], [], [], []
        pairs = zip(spoken.waveforms, spoken.phones, strict=True)
        for number, (waveform, phones) in enumerate(pairs):
            found = frame_states(model, waveform)
            n = len(found.states)
            middle = (np.arange(n) + 0.5) * found.position_s - spoken.frame_s / 2
            place = np.floor(middle / spoken.frame_s + 1e-6).astype(int)
            labels.append(torch.from_numpy(phones[np.clip(place, 0, len(phones) - 1)]))
            frames.append(found.states)
            owner.append(np.full(n, number))
            means.append(found.states.mean(0))
        return cls(torch.cat(frames), torch.cat(labels), np.concatenate(owner), torch.stack(means))
