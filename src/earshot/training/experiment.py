"""What a claim trains and compares: arms, and which figure of which arm should beat what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from earshot.core.errors import EarShotError, unknown_name

Expectation = Literal["above", "not below"]


@dataclass(frozen=True)
class Arm:
    """One way to train: a whole config of the recipe."""

    name: str
    config: Any  # the recipe's Config; each seed replaces its `seed`
    note: str  # what this arm is for, a few words


@dataclass(frozen=True)
class Comparison:
    """A figure of one arm against that of another, or against a fixed floor; higher is better."""

    claim: str  # a key of PAPER.claims
    figure: str
    arm: str
    against: str | float  # another arm, or a floor such as ten times chance
    expected: Expectation = "above"
    against_figure: str | None = None  # where the other arm's figure has another name


@dataclass(frozen=True)
class Experiment:
    """A recipe's claims as something to run: every arm under every seed, then the comparisons.

    `measure(config, out)` trains in the folder `out`, going on where an earlier process was
    killed there, and gives the figures by name.
    """

    recipe: str
    arms: tuple[Arm, ...]
    comparisons: tuple[Comparison, ...]
    measure: Callable[[Any, Path], Mapping[str, float]]  # module-level: it travels by name
    module: str = ""  # whose sources decide what is measured anew; the recipe's when left out

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise EarShotError(
                got=f"arms {', '.join(names)}", expected="each name once", mend="Rename one."
            )
        for comparison in self.comparisons:
            for arm in (comparison.arm, comparison.against):
                if isinstance(arm, str) and arm not in names:
                    raise unknown_name("arm", arm, names)

    @property
    def sources(self) -> str:
        """The module that the experiment depends on, with all that it imports."""
        return self.module or f"earshot.recipes.{self.recipe}"

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise unknown_name("arm", name, (arm.name for arm in self.arms))
