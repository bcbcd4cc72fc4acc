from __future__ import annotations

import itertools

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.synth import Scene, SceneConfig, attribute_pairs, order_pairs
from earshot.synth.render import active_rms

QUIET = SceneConfig(background=0.0)


def cut(scene: Scene, kind: str) -> np.ndarray:
    """The stretch of the scene where the event of that kind sounds."""
    (event,) = (event for event in scene.events if event.kind == kind)
    start, end = (round(at * scene.sample_rate) for at in (event.onset_s, event.offset_s))
    return scene.waveform[start:end]


def test_order_twins_hold_the_same_two_segments() -> None:
    for pair in order_pairs(12, 0, QUIET):
        first, second = (event.kind for event in pair.scene.events)
        assert [event.kind for event in pair.swapped_scene.events] == [second, first]
        for kind in (first, second):
            np.testing.assert_array_equal(cut(pair.scene, kind), cut(pair.swapped_scene, kind))
        assert pair.caption != pair.swapped_caption
        assert sorted(_words(pair.caption)) == sorted(_words(pair.swapped_caption))


def test_order_twins_are_the_same_for_the_same_seed() -> None:
    config = SceneConfig(duration_s=2.0)
    again = list(order_pairs(3, 5, config))
    for one, other in zip(order_pairs(3, 5, config), again, strict=True):
        np.testing.assert_array_equal(one.scene.waveform, other.scene.waveform)
        assert (one.caption, one.swapped_caption) == (other.caption, other.swapped_caption)
    noise = [pair.scene.waveform[:100] for pair in itertools.islice(order_pairs(3, 6, config), 3)]
    assert not np.array_equal(noise[0], noise[1])


@pytest.mark.parametrize("relation", ["then", "while"])
def test_attribute_twins_swap_who_has_which(relation: str) -> None:
    for pair in attribute_pairs(10, 0, QUIET, axes=("loudness",), relation=relation):
        assert pair.scene.relation == pair.swapped_scene.relation == relation
        here = {e.kind: e.attributes["loudness"] for e in pair.scene.events}
        there = {e.kind: e.attributes["loudness"] for e in pair.swapped_scene.events}
        assert sorted(here.values()) == ["loud", "soft"]
        assert there == {kind: {"loud": "soft", "soft": "loud"}[v] for kind, v in here.items()}
        assert pair.caption != pair.swapped_caption
        if relation == "then":
            for kind, value in here.items():
                change = active_rms(cut(pair.scene, kind), 16_000)
                change /= active_rms(cut(pair.swapped_scene, kind), 16_000)
                expected = 20 if value == "loud" else -20
                assert 20 * np.log10(change) == pytest.approx(expected, abs=2)


def test_attribute_twins_need_kinds_that_obey() -> None:
    config = SceneConfig(kinds=("gunshot", "sneeze", "rain", "wind"))
    with pytest.raises(EarShotError, match="speed"):
        attribute_pairs(1, 0, config, axes=("speed",))
    with pytest.raises(EarShotError, match="then"):
        attribute_pairs(1, 0, relation="before")


def _words(sentence: str) -> list[str]:
    return sentence.lower().replace(",", "").replace(";", "").split()
