from __future__ import annotations

import pytest

from earshot.core.config import from_dict, override, to_dict
from earshot.core.errors import EarShotError
from earshot.synth import SOUNDS, SceneConfig, hold_out


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ({"kinds": ("dgo bark",)}, "dog bark"),
        ({"axes": ("pich",)}, "pitch"),
        ({"relations": {"thn": 1.0}}, "then"),
        ({"relations": {"single": 0.0}}, "at least 0"),
        ({"relations": {"single": -1.0, "then": 2.0}}, "at least 0"),
        ({"sample_rate": 96_000}, "8000 to 48000"),
        ({"duration_s": 0.2}, "2 to 600 s"),
        ({"kinds": ("rain", "wind")}, "at least 4"),
        ({"n_captions": 0}, "1 to 12"),
        ({"attribute_rate": 1.5}, "share"),
        ({"background": -0.1}, "share"),
        ({"snr_db": (30.0, 10.0)}, "lowest, highest"),
        ({"held_out": (("rain", "quick"),)}, "attribute word"),
        ({"held_out": (("rain", "fast"),)}, "loudness"),
        ({"combinations": "held_out"}, "at least one"),
    ],
)
def test_the_impossible_is_refused(change: dict, mend: str) -> None:
    with pytest.raises(EarShotError, match=mend):
        SceneConfig(**change)


def test_it_survives_json_and_the_command_line() -> None:
    config = SceneConfig(kinds=("cow", "rain", "owl", "bee"), held_out=(("cow", "high"),))
    assert from_dict(SceneConfig, to_dict(config)) == config
    changed = override(config, ["duration_s=2", "kinds=cow,owl", 'relations={"then": 1}'])
    assert changed.kinds == ("cow", "owl")
    assert changed.relations == {"then": 1}


def test_hold_out_keeps_the_other_word_of_each_axis() -> None:
    kinds, axes = list(SOUNDS)[:20], ("loudness", "pitch")
    pairs = hold_out(kinds, axes, 0.2, seed=0)
    n_slots = sum(axis in SOUNDS[kind].attributes for kind in kinds for axis in axes)
    assert len(pairs) == len(set(pairs)) == round(0.2 * 2 * n_slots)
    for kind in kinds:
        assert not {(kind, "loud"), (kind, "soft")} <= set(pairs)
    assert pairs == hold_out(kinds, axes, 0.2, seed=0) != hold_out(kinds, axes, 0.2, seed=1)
