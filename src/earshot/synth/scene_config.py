"""What scenes may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.seed import generator
from earshot.synth.kind import AXES, AXIS_OF
from earshot.synth.render import RATES
from earshot.synth.sounds import SOUNDS

RELATIONS = ("single", "then", "while", "mixed")
MIN_S = {"single": 0.5, "then": 1.0, "while": 0.5, "mixed": 2.0}  # shortest scene for each


def _usual_relations() -> dict[str, float]:
    return {"single": 0.4, "then": 0.3, "while": 0.2, "mixed": 0.1}


@dataclass(frozen=True)
class SceneConfig:
    """How scenes are drawn; the defaults give four-second clips of every kind of sound."""

    sample_rate: int = 16_000  # Hz, 8 000 to 48 000
    duration_s: float = 4.0
    kinds: tuple[str, ...] = ()  # names in SOUNDS; none means all
    relations: dict[str, float] = field(default_factory=_usual_relations)  # weights
    snr_db: tuple[float, float] = (12.0, 35.0)  # softest event against the background noise
    background: float = 0.7  # share of scenes that have background noise
    axes: tuple[str, ...] = tuple(AXES)  # attributes that events may carry
    attribute_rate: float = 0.5  # share of events that carry one or two
    n_captions: int = 5
    held_out: tuple[tuple[str, str], ...] = ()  # (kind, attribute word), such as ("cow", "high")
    combinations: Literal["all", "seen", "held_out"] = "all"  # seen: without any held-out pair;
    # held_out: one event of every scene is such a pair, the others are none

    def __post_init__(self) -> None:
        for kind in (*self.kinds, *(kind for kind, _ in self.held_out)):
            if kind not in SOUNDS:
                raise unknown_name("kind of sound", kind, SOUNDS)
        for axis in self.axes:
            if axis not in AXES:
                raise unknown_name("attribute", axis, AXES)
        for relation in self.relations:
            if relation not in RELATIONS:
                raise unknown_name("relation", relation, RELATIONS)
        self._check_numbers()
        self._check_held_out()

    def _check_numbers(self) -> None:
        weights = [weight for weight in self.relations.values() if weight]
        used = [relation for relation, weight in self.relations.items() if weight]
        least = max((MIN_S[relation] for relation in used), default=0.0)
        n_kinds = 4 if "mixed" in used else 2 if {"then", "while"} & set(used) else 1
        for wrong, got, expected, mend in (
            (not RATES[0] <= self.sample_rate <= RATES[1], f"sample_rate={self.sample_rate} Hz",
             f"{RATES[0]} to {RATES[1]} Hz", "Render at one of those, and resample."),
            (not weights or min(weights) < 0, f"relations={self.relations}",
             "weights of at least 0, one of them above", "Give one of them a weight."),
            (not least <= self.duration_s <= 600, f"duration_s={self.duration_s:g}",
             f"{least:g} to 600 s for relations {', '.join(used)}", "Change duration_s."),
            (len(set(self.kinds or SOUNDS)) < n_kinds, f"{len(set(self.kinds))} kinds",
             f"at least {n_kinds} for relations {', '.join(used)}", "Give more kinds."),
            (not 1 <= self.n_captions <= 12, f"n_captions={self.n_captions}", "1 to 12",
             "Change n_captions."),
            (not 0 <= self.attribute_rate <= 1, f"attribute_rate={self.attribute_rate}",
             "a share of 0 to 1", "Change attribute_rate."),
            (not 0 <= self.background <= 1, f"background={self.background}", "a share of 0 to 1",
             "Change background."),
            (self.snr_db[0] > self.snr_db[1], f"snr_db={self.snr_db}", "(lowest, highest)",
             "Swap the two."),
        ):  # fmt: skip
            if wrong:
                raise EarShotError(got=got, expected=expected, mend=mend)

    def _check_held_out(self) -> None:
        for kind, value in self.held_out:
            if value not in AXIS_OF:
                raise unknown_name("attribute word", value, AXIS_OF)
            if AXIS_OF[value] not in SOUNDS[kind].attributes:
                raise EarShotError(
                    got=f"held_out pair {(kind, value)}",
                    expected=f"an attribute that it obeys: {', '.join(SOUNDS[kind].attributes)}",
                    mend="Drop the pair, or take another attribute.",
                )
        if self.combinations == "held_out" and not self.held_out:
            raise EarShotError(
                got="combinations='held_out' without held_out pairs",
                expected="at least one (kind, attribute word)",
                mend="Give held_out, for instance by hold_out().",
            )

    @property
    def kind_names(self) -> tuple[str, ...]:
        """The kinds in use, in a fixed order."""
        return tuple(dict.fromkeys(self.kinds)) or tuple(SOUNDS)


def hold_out(
    kinds: Sequence[str], axes: Sequence[str], fraction: float, seed: int
) -> tuple[tuple[str, str], ...]:
    """A share of all (kind, attribute word) pairs; never both words of an axis for one kind.

    So each kind is met with the other word of that axis, and each word with other kinds.
    """
    rng = generator(seed, "hold out")
    slots = [(kind, axis) for kind in kinds for axis in axes if axis in SOUNDS[kind].attributes]
    count = min(len(slots), round(fraction * 2 * len(slots)))
    chosen = rng.permutation(len(slots))[:count]
    return tuple(
        (slots[i][0], AXES[slots[i][1]][int(rng.integers(2))]) for i in sorted(chosen.tolist())
    )
