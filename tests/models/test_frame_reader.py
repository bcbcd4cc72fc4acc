from __future__ import annotations

import numpy as np
import pytest
import torch

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.models.embedder import Embedder
from earshot.models.frame_reader import FrameReader
from tiny_models import RATE, encoder_alone, htsat_model, seeded, sounds


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder(seeded(encoder_alone), "ears")


def test_positions_follow_each_other_to_the_end(embedder: Embedder) -> None:
    sound = sounds([20_000])[0]  # two windows and a half
    found = FrameReader(embedder).read(Audio(sound, RATE))
    assert found.windows.shape == (len(found.start_s), 16)
    assert found.start_s[0] == 0.0
    assert found.end_s[-1] == pytest.approx(2.5)
    assert (np.diff(found.start_s) > 0).all()
    assert (found.end_s[:-1] == found.start_s[1:]).all()


def test_a_window_has_the_states_of_the_model(embedder: Embedder) -> None:
    sound = sounds([6_000])[0]
    found = FrameReader(embedder, layer=0).read(Audio(sound, RATE))
    with torch.inference_mode():
        states = embedder.model.layers(torch.from_numpy(sound)[None], torch.tensor([6_000]))
    np.testing.assert_allclose(found.windows, states.hidden[0][0][: len(found.windows)], atol=1e-6)
    assert len(found.windows) >= int(states.n_positions[0]) - 1


def test_what_only_fills_the_window_is_no_frame() -> None:
    reader = FrameReader(Embedder(seeded(htsat_model), "htsat"))
    half = reader.read(Audio(sounds([4_000])[0], RATE))
    whole = reader.read(Audio(sounds([8_000])[0], RATE))
    assert (len(half.windows), len(whole.windows)) == (4, 8)


def test_a_layer_that_is_not_there(embedder: Embedder) -> None:
    with pytest.raises(EarShotError, match="layer 7 of ears; expected 0 to 0, or -1"):
        FrameReader(embedder, 7)


def test_fingerprints_tell_layers_and_models_apart(embedder: Embedder) -> None:
    assert FrameReader(embedder, 0).fingerprint == FrameReader(embedder, -1).fingerprint
    assert FrameReader(embedder).fingerprint != embedder.fingerprint
