from __future__ import annotations

import numpy as np
import pytest

from earshot.core.errors import EarShotError
from earshot.metrics.caption_events import EventReader
from earshot.synth.caption_noise import careless_caption
from earshot.synth.caption_scenes import CaptionScenesConfig, caption_scenes, kind_words

CONFIG = CaptionScenesConfig(duration_s=1.0)


def wrong_share(rate: float) -> float:
    """The share of captions that do not tell of exactly the sounds that there are."""
    reader, clips = EventReader(kind_words()), caption_scenes(40, 9, CONFIG)
    rng = np.random.default_rng(0)
    wrong = [
        set(reader.events(careless_caption(clip, CONFIG, rng, rate))) != set(clip.labels)
        for clip in clips
        for _ in range(5)
    ]
    return float(np.mean(wrong))


def test_as_many_are_wrong_as_are_asked_for() -> None:
    assert wrong_share(0.0) == 0.0
    assert 0.2 < wrong_share(0.3) < 0.4
    assert wrong_share(1.0) == 1.0


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(EarShotError, match="0 to 1"):
        careless_caption(caption_scenes(1, 9, CONFIG)[0], CONFIG, np.random.default_rng(0), 1.5)
