from __future__ import annotations

import math
from dataclasses import replace

import torch

from earshot.models.predictive_speech import PredictiveSpeech, PredictiveSpeechConfig


def test_a_state_tells_what_comes_and_untrained_it_tells_nothing() -> None:
    """A sound that repeats itself is foretold after some steps; the loss begins near chance."""
    torch.manual_seed(0)
    config = PredictiveSpeechConfig()
    encoder = replace(config.encoder, dim=16, depth=1)
    model = PredictiveSpeech(replace(config, encoder=encoder, n_horizons=2, n_negatives=20))
    times = torch.arange(16_000) / 16_000
    sound = 0.2 * torch.sin(2 * math.pi * (500 + 300 * torch.sin(2 * math.pi * 3 * times)) * times)
    sound = torch.stack([sound, sound.flip(0)])
    first = model(sound)
    assert abs(first["loss"].item() - math.log(21)) < 2.0
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        parts = model(sound)
        optimizer.zero_grad()
        parts["loss"].backward()
        optimizer.step()
    assert parts["loss"] < 0.7 * first["loss"]
    assert parts["accuracy"] > first["accuracy"] + 0.2
