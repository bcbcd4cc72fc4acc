from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.models.halves import halves_of, halves_of_frames
from earshot.models.shipped import shipped_start
from earshot.models.two_tower import TwoTower
from earshot.synth import render_sound

RATE = 32_000


@pytest.fixture(scope="module")
def ears() -> TwoTower:
    return shipped_start().model


@torch.inference_mode()
def test_the_first_part_is_the_embedding(ears: TwoTower) -> None:
    waveform = torch.randn(2, 3 * RATE, generator=torch.Generator().manual_seed(0)) * 0.1
    n_samples = torch.tensor([3 * RATE, 2 * RATE])
    parts = halves_of(ears, waveform, n_samples)
    assert parts.shape == (2, 3, 256)
    assert torch.equal(parts[:, 0], ears.embed_audio(waveform, n_samples))
    torch.testing.assert_close(parts.norm(dim=-1), torch.ones(2, 3))


@torch.inference_mode()
def test_each_half_hears_its_own_sound(ears: TwoTower) -> None:
    two = ("thunder", "cow")
    sounds = [
        torch.from_numpy(render_sound(kind, duration_s=2.0, sample_rate=RATE)) for kind in two
    ]
    n_samples = torch.tensor([4 * RATE])
    parts = halves_of(ears, torch.cat(sounds)[None], n_samples)[0]
    alone = torch.cat([ears.embed_audio(s[None], torch.tensor([2 * RATE])) for s in sounds])
    cosines = parts[1:] @ alone.T  # [halves, sounds]
    assert cosines.argmax(1).tolist() == [0, 1]


@torch.inference_mode()
def test_padding_and_batch_mates_change_nothing_and_short_sounds_are_whole(ears: TwoTower) -> None:
    noise = torch.randn(3, 2 * RATE, generator=torch.Generator().manual_seed(1)) * 0.1
    n_samples = torch.tensor([2 * RATE, RATE, RATE // 4])
    together = halves_of(ears, noise, n_samples)
    for row, n in enumerate(n_samples.tolist()):
        alone = halves_of(ears, noise[row : row + 1, :n], torch.tensor([n]))
        torch.testing.assert_close(together[row], alone[0], atol=1e-5, rtol=0)
    assert torch.equal(together[2, 0], together[2, 1])
    assert torch.equal(together[2, 0], together[2, 2])
    assert not torch.equal(together[0, 1], together[0, 2])


def test_other_ears_are_refused() -> None:
    other = SimpleNamespace(audio_encoder=torch.nn.Identity())
    with pytest.raises(EarShotError, match="the ears of earshot-small"):
        halves_of_frames(other, torch.zeros(1, 64, 100), torch.tensor([100]))
