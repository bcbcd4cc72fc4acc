"""What encoders that were taught without labels, and their tokenizers, turn out to know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from earshot.audio import AudioError
from earshot.data import Clip, ClipSet
from earshot.metrics import accuracy
from earshot.metrics.label_information import LabelInformation, label_information
from earshot.models.sound_encoder import SoundEncoder
from earshot.training.layer_probe import LayerProbeConfig, fit_layer_probe
from earshot.training.layer_states import clip_states

AT_ONCE = 64  # clips in memory
Codes = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # -> codes [batch, n], padding [batch, n]


@dataclass(frozen=True)
class Task:
    """Clips with one label each: what a probe learns from, and what it is asked."""

    train: ClipSet
    test: ClipSet


def labelled_task(train: ClipSet, test: ClipSet) -> Task | None:
    """The clips with one label each, where there are two labels or more to tell apart."""
    one = [part.select(lambda clip: len(clip.labels) == 1) for part in (train, test)]
    known = {clip.labels[0] for clip in one[0]}
    asked = one[1].select(lambda clip: clip.labels[0] in known)
    return Task(one[0], asked) if len(known) > 1 and len(asked) else None


@dataclass
class Heard:
    """A split as every model hears it; clips that cannot be read are in `faults`."""

    states: dict[str, list[Tensor]] = field(default_factory=dict)  # [clips, layers, dim] in parts
    codes: dict[str, list[np.ndarray]] = field(default_factory=dict)
    classes: list[int] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def hear_clips(
    clips: ClipSet, models: Mapping[str, SoundEncoder], tokenizers: Mapping[str, Codes]
) -> Heard:
    """Every clip read once, for all models and tokenizers; the front end is that of the models.

    A clip longer than the window is the mean of its whole windows, a rest is left out.
    """
    heard = Heard()
    for sounds, chosen in _parts(clips, next(iter(models.values())), heard.faults):
        heard.classes += [clips.labels.index(clip.labels[0]) for clip in chosen]
        heard.groups += [clip.group or clip.id for clip in chosen]
        size = next(iter(models.values())).window_samples
        windows = [cut_windows(sound, size) for sound in sounds]
        flat = [window for each in windows for window in each]
        for name, model in models.items():
            parts = clip_states(model, flat).split([len(each) for each in windows])
            rows = torch.stack([part.mean(0) for part in parts])
            heard.states.setdefault(name, []).append(rows)
        for name, codes in tokenizers.items():
            model = next(iter(models.values()))
            heard.codes.setdefault(name, []).extend(_codes(model, sounds, codes))
    return heard


def task_figures(
    task: Task,
    models: Mapping[str, SoundEncoder],
    tokenizers: Mapping[str, Codes],
    n_codes: int,
    probe: LayerProbeConfig,
    seed: int,
) -> tuple[dict[str, float], list[str]]:
    """ "accuracy_NAME" of a frozen probe on each model; what each tokenizer's labels say.

    The probe learns from the training clips alone. "information_NAME" is the share of the classes'
    entropy, over all patches of the test clips, and "perplexity_NAME" how many codes are in use.
    """
    train, test = hear_clips(task.train, models, {}), hear_clips(task.test, models, tokenizers)
    figures: dict[str, float] = {}
    target = torch.tensor(train.classes)
    for name in models:
        fitted = fit_layer_probe(
            torch.cat(train.states[name]),
            target,
            len(task.train.labels),
            groups=np.array(train.groups),
            config=probe,
            seed=seed,
        )
        logits = fitted.logits(torch.cat(test.states[name]))
        figures[f"accuracy_{name}"] = accuracy(logits.numpy(), np.array(test.classes))
    for name in tokenizers:
        said = codes_say(test.codes[name], test.classes, n_codes)
        figures |= {f"information_{name}": said.share, f"perplexity_{name}": said.perplexity}
    return figures, train.faults + test.faults


def cut_windows(sound: np.ndarray, size: int) -> list[np.ndarray]:
    """Whole windows of sound [samples], one after another; the sound itself where it has none."""
    whole = len(sound) // size * size
    return [sound[start : start + size] for start in range(0, whole, size)] or [sound]


def codes_say(
    codes: Sequence[np.ndarray], classes: Sequence[int], n_codes: int
) -> LabelInformation:
    """What the codes of each clip's patches say of the clip's class."""
    beside = [np.full(len(each), one) for each, one in zip(codes, classes, strict=True)]
    return label_information(np.concatenate(codes), np.concatenate(beside), n_codes)


def _parts(
    clips: ClipSet, model: SoundEncoder, faults: list[str]
) -> Iterator[tuple[list[np.ndarray], list[Clip]]]:
    """Waveforms at the model's rate with their clips, some at a time."""
    for start in range(0, len(clips), AT_ONCE):
        sounds, kept = [], []
        for clip in clips[start : start + AT_ONCE]:
            try:
                sounds.append(clip.read(sample_rate=model.sample_rate).waveform)
            except AudioError as fault:
                faults.append(f"{clip.id}: {fault}")
                continue
            kept.append(clip)
        if kept:
            yield sounds, kept


@torch.inference_mode()
def _codes(model: SoundEncoder, sounds: Sequence[np.ndarray], codes: Codes) -> list[np.ndarray]:
    """The codes of each clip's first window."""
    device = next(model.parameters(), torch.empty(0)).device
    cut = [torch.from_numpy(sound[: model.window_samples].copy()) for sound in sounds]
    n_samples = torch.tensor([len(each) for each in cut], device=device)
    waveform = torch.nn.utils.rnn.pad_sequence(cut, batch_first=True).to(device)
    found, padding = codes(*model.frames(waveform, n_samples))
    return [row[~absent].cpu().numpy() for row, absent in zip(found, padding, strict=True)]
