"""Twins: two clips and two captions that differ in order or in who has which attribute alone."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.synth.captions import THEN, WHILE, captions_of, fill
from earshot.synth.kind import AXES
from earshot.synth.phrases import word
from earshot.synth.scene_config import SceneConfig
from earshot.synth.scenes import Scene, Segment, arrange, draw_rooms, render_segment
from earshot.synth.sounds import SOUNDS


@dataclass(frozen=True)
class TwinPair:
    """`caption` is true of `scene` and false of `swapped_scene`, and the other way round.

    Both captions have the same template and the same words but for the swap, both clips the same
    background.
    """

    scene: Scene
    caption: str
    swapped_scene: Scene
    swapped_caption: str


def order_pairs(n: int, seed: int, config: SceneConfig | None = None) -> Iterator[TwinPair]:
    """`n` scenes "A then B", each with its twin "B then A" made of the same two segments.

    Neither level nor length tells the two apart. Source: arXiv:2310.08753 (CompA-order).
    """
    config = config or SceneConfig()
    return (_order_pair(seed, index, config) for index in range(n))


def attribute_pairs(
    n: int,
    seed: int,
    config: SceneConfig | None = None,
    *,
    axes: Sequence[str] = ("loudness", "pitch", "speed", "distance"),
    relation: str = "then",
) -> Iterator[TwinPair]:
    """`n` scenes such as "A loud, B soft" (then or while), each with its twin "A soft, B loud".

    Source: arXiv:2310.08753 (CompA-attribute).
    """
    config = config or SceneConfig()
    if relation not in ("then", "while"):
        raise EarShotError(
            got=f"relation={relation!r}", expected="'then' or 'while'", mend="Take one of the two."
        )
    able = {
        axis: [kind for kind in config.kind_names if axis in SOUNDS[kind].attributes]
        for axis in axes
    }
    short = [axis for axis, kinds in able.items() if len(kinds) < 2]
    if short or not able:
        raise EarShotError(
            got=f"axes {', '.join(short) or 'none'} with fewer than two kinds that obey them",
            expected="two kinds or more for each axis",
            mend="Give more kinds, or other axes.",
        )
    return (_attribute_pair(seed, index, config, able, relation) for index in range(n))


def _order_pair(seed: int, index: int, config: SceneConfig) -> TwinPair:
    rng = generator(seed, index, "order pair")
    kinds = [config.kind_names[i] for i in rng.choice(len(config.kind_names), 2, replace=False)]
    room = float(config.duration_s * 0.485)
    segments = [render_segment(kind, {}, room, config, rng) for kind in kinds]
    wordings = [word(SOUNDS[kind], {}, rng) for kind in kinds]
    templates = _even(THEN)
    template = templates[int(rng.integers(len(templates)))]

    def version(order: Sequence[int]) -> tuple[Scene, str]:
        groups = [[segments[i]] for i in order]
        scene = _arranged(groups, "then", config, seed, index)
        return scene, fill(template, [[wordings[i]] for i in order])

    (scene, caption), (swapped_scene, swapped_caption) = version((0, 1)), version((1, 0))
    return TwinPair(scene, caption, swapped_scene, swapped_caption)


def _attribute_pair(
    seed: int, index: int, config: SceneConfig, able: dict[str, list[str]], relation: str
) -> TwinPair:
    rng = generator(seed, index, "attribute pair")
    axis = list(able)[int(rng.integers(len(able)))]
    kinds = [able[axis][i] for i in rng.choice(len(able[axis]), 2, replace=False)]
    values = list(AXES[axis]) if rng.random() < 0.5 else list(AXES[axis])[::-1]
    templates = _even(THEN if relation == "then" else WHILE)
    template = templates[int(rng.integers(len(templates)))]

    def version(values: Sequence[str]) -> tuple[Scene, str]:
        room = float(config.duration_s * (0.485 if relation == "then" else 0.97))
        segments, wordings = [], []
        for kind, value in zip(kinds, values, strict=True):
            own = generator(seed, index, "twin", kind)  # the same take in both versions
            segments.append(render_segment(kind, {axis: value}, room, config, own))
            wordings.append(word(SOUNDS[kind], {axis: value}, own_words(kind)))
        apart = relation == "then"
        groups = [[segment] for segment in segments] if apart else [segments]
        worded = [[wording] for wording in wordings] if apart else [wordings]
        return _arranged(groups, relation, config, seed, index), fill(template, worded)

    def own_words(kind: str) -> np.random.Generator:
        return generator(seed, index, "words", kind)

    (scene, caption), (swapped_scene, swapped_caption) = version(values), version(values[::-1])
    return TwinPair(scene, caption, swapped_scene, swapped_caption)


def _even(templates: Sequence[str]) -> list[str]:
    """The templates that put both events in the same form, so that a swap changes no word."""
    return [
        template
        for template in templates
        if len({field[0] for _, field, _, _ in string.Formatter().parse(template) if field}) == 1
    ]


def _arranged(
    groups: Sequence[Sequence[Segment]], relation: str, config: SceneConfig, seed: int, index: int
) -> Scene:
    """The segments placed and captioned by a generator that both twins share."""
    rng = generator(seed, index, "arrange")
    rooms = draw_rooms(len(groups), config, rng)
    rooms[:] = rooms.mean()
    scene = arrange(groups, rooms, relation, config, rng)
    described = [[(SOUNDS[s.kind], s.attributes) for s in group] for group in groups]
    return replace(scene, captions=captions_of(described, config.n_captions, rng))
