"""Every kind of sound by name, one file a category."""

from __future__ import annotations

from earshot.synth.kind import SoundKind
from earshot.synth.sounds import (
    alarms,
    animals,
    bells,
    household,
    impacts,
    people,
    small_animals,
    tones,
    tools,
    vehicles,
    water,
    weather,
)

SOUNDS: dict[str, SoundKind] = {
    kind.name: kind
    for room in (
        weather, water, animals, small_animals, people, vehicles, tools, alarms, bells, household,
        impacts, tones,
    )
    for kind in room.KINDS
}  # fmt: skip
