from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earshot.audio import Audio
from earshot.core.errors import EarShotError
from earshot.data.brain import FeatureTrack
from earshot.synth.brain import BrainSimConfig, latent_stories, simulate_study, spoken_stories

SMALL = BrainSimConfig(n_subjects=2, n_sensors=12, n_stories=2, story_s=30.0)


def test_a_seed_makes_the_same_study_and_another_a_different_one() -> None:
    one, same, other = (simulate_study(seed, SMALL) for seed in (3, 3, 4))
    assert np.array_equal(one.recordings[1].signal, same.recordings[1].signal)
    assert not np.array_equal(one.recordings[1].signal, other.recordings[1].signal)
    assert one.subjects == ["sim00", "sim01"]
    assert set(one.sounds) == {"story-0", "story-1"}


def test_sensors_record_the_path_after_the_delay() -> None:
    """Without noise and spikes a linear map from the path explains all, at the delay alone."""
    config = replace(SMALL, noise=0.0, spike_share=0.0)
    recording = simulate_study(5, config).recordings[0]
    path = latent_stories(5, config)[0].path  # [latents, samples]
    begin, n = round(recording.words[0].onset_s * 40), path.shape[1]
    unexplained = {}
    for delay in (0, 3, 6, 9):
        heard = recording.signal[:, begin + delay : begin + delay + n - 10]
        known = path[:, : n - 10]
        weights = np.linalg.lstsq(known.T, heard.T, rcond=None)[0]
        rest = heard - weights.T @ known
        unexplained[delay] = (rest**2).sum() / (heard**2).sum()
    assert unexplained[6] < 1e-6
    assert min(unexplained[0], unexplained[3], unexplained[9]) > 0.1


def test_noise_and_spikes_are_as_large_as_they_say() -> None:
    config = replace(SMALL, noise=12.0, spike_share=0.01, spike=300.0)
    signal = simulate_study(0, config).recordings[0].signal
    middle = np.subtract(*np.quantile(signal, [0.75, 0.25], axis=1)) / 1.349
    assert middle == pytest.approx(np.full(12, 145**0.5), rel=0.1)  # signal 1, noise 12
    large = np.abs(signal) > 12 * 12
    assert large.mean() == pytest.approx(0.01, rel=0.2)


def test_words_are_where_they_are_said_to_be() -> None:
    study = simulate_study(1, SMALL)
    for recording in study.recordings:
        for word in recording.words:
            assert 0 <= word.start_s < 30.0
        onsets = [word.onset_s - word.start_s for word in recording.words]
        assert len({round(each, 6) for each in onsets}) == 2  # a constant for each of two stories
    first, second = (each.words for each in study.recordings)
    assert first == second  # everybody hears the same
    assert not np.array_equal(study.recordings[0].positions, study.recordings[1].positions)


def test_features_are_one_map_of_the_path_everywhere() -> None:
    """Where two stories pass the same point, the same is heard: held words come again."""
    stories = latent_stories(2, SMALL)
    assert all(isinstance(story.sound, FeatureTrack) for story in stories)
    values = np.concatenate([story.sound.values for story in stories], 1)
    path = np.concatenate([story.path for story in stories], 1)
    assert values.shape == (48, 2 * 1_200)
    away = np.linalg.norm(path[:, :1_000, None] - path[:, None, 1_200:2_200], axis=0)
    i, j = np.unravel_index(away.argmin(), away.shape)
    apart = np.linalg.norm(values[:, i] - values[:, 1_200 + j])
    typical = np.linalg.norm(values[:, :500] - values[:, 1_500:2_000], axis=0).mean()
    assert away.min() < 1.0
    assert apart < 0.3 * typical


def test_spoken_stories_are_sound_whose_path_knows_no_speaker() -> None:
    stories = spoken_stories(0, replace(SMALL, spoken=True))
    sound = stories[0].sound
    assert isinstance(sound, Audio)
    assert sound.duration_s == pytest.approx(30.0)
    assert stories[0].path.shape == (8, 1_200)
    assert len(stories[0].words) > 60
    texts = {word.text for word in stories[0].words}
    assert all(len(text.split("-")) <= 3 for text in texts)
    steps = np.diff([word.start_s for word in stories[0].words])
    assert (steps > 0.05).all()


def test_impossible_studies_are_refused() -> None:
    with pytest.raises(EarShotError, match="0 subjects"):
        BrainSimConfig(n_subjects=0)
