from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.synth import SOUNDS, Scene, SceneConfig, hold_out, make_scene, make_scenes
from earshot.synth.kind import AXIS_OF
from earshot.synth.render import active_rms

QUIET = SceneConfig(background=0.0)


def only(relation: str, **changes: object) -> SceneConfig:
    return replace(QUIET, relations={relation: 1.0}, **changes)  # type: ignore[arg-type]


def outside(scene: Scene) -> np.ndarray:
    """The samples at which no event is said to sound."""
    silent = np.ones(len(scene.waveform), dtype=bool)
    for event in scene.events:
        start, end = round(event.onset_s * scene.sample_rate), event.offset_s * scene.sample_rate
        silent[start : round(end)] = False
    return scene.waveform[silent]


def test_a_scene_depends_on_seed_and_index_alone() -> None:
    config = SceneConfig(duration_s=2.0)
    for index, scene in enumerate(make_scenes(4, 7, config)):
        alone = make_scene(7, config, index)
        np.testing.assert_array_equal(scene.waveform, alone.waveform)
        assert (scene.events, scene.captions) == (alone.events, alone.captions)
    other = make_scene(8, config)
    assert not np.array_equal(other.waveform, make_scene(7, config).waveform)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 48_000])
def test_scenes_are_clean_at_every_rate(sample_rate: int) -> None:
    config = SceneConfig(sample_rate=sample_rate, duration_s=2.5)
    for scene in make_scenes(6, 0, config):
        assert scene.waveform.shape == (round(2.5 * sample_rate),)
        assert scene.waveform.dtype == np.float32
        assert np.isfinite(scene.waveform).all()
        assert 0.01 < np.abs(scene.waveform).max() <= 1
        assert len(set(scene.captions)) == 5


@pytest.mark.parametrize("relation", ["single", "then", "while", "mixed"])
def test_the_event_list_is_exact(relation: str) -> None:
    sizes = {"single": {1}, "then": {2}, "while": {2}, "mixed": {3, 4}}[relation]
    for scene in make_scenes(25, 1, only(relation)):
        assert scene.relation == relation
        assert len(scene.events) in sizes
        assert len({event.kind for event in scene.events}) == len(scene.events)
        assert not outside(scene).any(), "sound where no event is"
        for event in scene.events:
            assert 0 <= event.onset_s < event.offset_s <= 4.0
        assert [e.onset_s for e in scene.events] == sorted(e.onset_s for e in scene.events)


def test_a_single_event_begins_and_ends_where_it_is_said_to() -> None:
    for scene in make_scenes(20, 2, only("single")):
        (event,) = scene.events
        level = np.abs(scene.waveform)
        heard = np.flatnonzero(level >= 0.01 * level.max()) / scene.sample_rate
        assert heard[0] == pytest.approx(event.onset_s, abs=1e-4)
        assert heard[-1] == pytest.approx(event.offset_s, abs=2e-4)


def test_then_never_overlaps_and_while_always_does() -> None:
    for scene in make_scenes(30, 3, only("then")):
        first, second = scene.events
        assert first.offset_s <= second.onset_s
    for scene in make_scenes(30, 3, only("while")):
        a, b = scene.events
        common = min(a.offset_s, b.offset_s) - max(a.onset_s, b.onset_s)
        shorter = min(a.offset_s - a.onset_s, b.offset_s - b.onset_s)
        assert common == pytest.approx(shorter, abs=1e-3)


def test_relations_come_by_their_weights() -> None:
    config = replace(QUIET, duration_s=1.0, relations={"single": 3.0, "while": 1.0})
    drawn = [scene.relation for scene in make_scenes(120, 4, config)]
    assert set(drawn) == {"single", "while"}
    assert 0.6 < drawn.count("single") / 120 < 0.88


def test_the_background_lies_below_the_softest_event() -> None:
    noisy = only("single", snr_db=(10.0, 10.0), attribute_rate=0.0)
    for index in range(8):
        clean = make_scene(5, noisy, index)
        scene = make_scene(5, replace(noisy, background=1.0), index)
        background = scene.waveform - clean.waveform
        level = active_rms(clean.waveform, 16_000) / np.sqrt(np.mean(background**2))
        assert 20 * np.log10(level) == pytest.approx(10, abs=1.0)


def test_held_out_pairs_are_kept_out_or_asked_for() -> None:
    kinds = ("cow", "dog bark", "siren", "bee", "frog", "owl")
    axes = ("loudness", "pitch")
    pairs = hold_out(kinds, axes, 0.25, seed=0)
    config = replace(QUIET, duration_s=2.0, kinds=kinds, axes=axes, attribute_rate=1.0,
                     held_out=pairs, combinations="seen")  # fmt: skip

    def of(scene: Scene) -> list[tuple[str, str]]:
        return [(e.kind, value) for e in scene.events for value in e.attributes.values()]

    seen = {pair for scene in make_scenes(60, 0, config) for pair in of(scene)}
    assert seen
    assert not seen & set(pairs)
    for scene in make_scenes(30, 0, replace(config, combinations="held_out")):
        assert len(set(of(scene)) & set(pairs)) == 1


def test_attributes_are_those_the_kind_obeys_and_are_in_the_captions() -> None:
    config = only("single", attribute_rate=1.0, axes=("loudness",))
    words = {"loud": ("loud",), "soft": ("soft", "quiet")}
    for scene in make_scenes(20, 6, config):
        (event,) = scene.events
        (value,) = event.attributes.values()
        assert AXIS_OF[value] in SOUNDS[event.kind].attributes
        for caption in scene.captions:
            assert any(word in caption.lower() for word in words[value])
