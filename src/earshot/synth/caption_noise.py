"""Captions as a careless writer writes them: now and then a sound is left out, or made up."""

from __future__ import annotations

import numpy as np

from earshot.core.errors import EarShotError
from earshot.data.clip import Clip
from earshot.synth.caption_scenes import CaptionScenesConfig, draw_event, tell


def careless_caption(
    clip: Clip, config: CaptionScenesConfig, rng: np.random.Generator, rate: float = 0.3
) -> str:
    """A caption of a clip of `caption_scenes`, wrong with probability `rate`.

    A wrong one of two events leaves one out or tells another kind in its place; a wrong one of one
    event tells another kind in its place or beside it.
    """
    if not 0 <= rate <= 1:
        raise EarShotError(got=f"rate={rate:g}", expected="0 to 1", mend="The paper's toy: 0.3.")
    events, relation = list(clip.extra["events"]), str(clip.extra["relation"])
    wrong, which, how = rng.random(), int(rng.integers(len(events))), rng.random()
    others = [kind for kind in config.kinds if kind not in clip.labels]
    invented = draw_event(others[int(rng.integers(len(others)))], config, rng)
    if wrong < rate:
        if how < 0.5:
            events[which] = invented
        elif len(events) == 2:
            del events[which]
        else:
            events.append(invented)
            relation = "then" if rng.random() < 0.5 else "while"
    return tell(events, relation, 1, rng)[0]
