from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from earshot.core.errors import EarShotError
from earshot.encoders.frame_encoder import FrameEncoderConfig
from earshot.features import LogMelConfig
from earshot.models.audio_tower import AudioTower, SoundEncoderConfig, build_sound_encoder
from earshot.models.pretraining.predictive import CepstralLabels, StateLabels
from earshot.models.sound_encoder import SoundEncoder
from earshot.synth.phone_speech import PhoneInventory, PhoneLanguage, PhoneSpeechConfig
from earshot.training.cluster_labels import find_clusters


@pytest.fixture(scope="module")
def model() -> SoundEncoder:
    torch.manual_seed(0)
    frames = FrameEncoderConfig(dim=16, depth=1, n_heads=2)
    front = LogMelConfig(sample_rate=16_000, n_fft=400, hop_length=160, n_mels=40, f_max=8_000.0)
    audio = AudioTower(frames=frames)
    return build_sound_encoder(SoundEncoderConfig(audio=audio, features=front, window_s=4.0))


def language() -> PhoneLanguage:
    quiet = PhoneSpeechConfig(noise_db=30.0, spread=0.02, n_followers=3, n_speakers=1)
    return PhoneLanguage(PhoneInventory(0, 8), 0, config=quiet)


def test_clusters_of_cepstra_go_with_phones(model: SoundEncoder) -> None:
    """A cluster's commonest phone is right for most of its positions."""
    said = language().utterances(30, "train")
    labels = CepstralLabels(2, 24)
    find_clusters(labels, model, [each.clip() for each in said], max_s=4.0, seed=0)
    assert len(labels.centroids.unique(dim=0)) == 24
    counts = torch.zeros(24, 8)
    for each in language().utterances(10, "test"):
        waveform = torch.from_numpy(each.waveform)[None]
        log_mel, n_frames = model.frames(waveform, torch.tensor([waveform.shape[1]]))
        found = labels(log_mel, n_frames)[0]
        for cluster, phone in zip(found.tolist(), each.frame_phones[::2].tolist(), strict=False):
            counts[cluster, phone] += 1
    assert counts.max(1).values.sum() / counts.sum() > 0.7


def test_they_are_found_again_and_depend_on_the_seed(model: SoundEncoder) -> None:
    clips = [each.clip() for each in language().utterances(12, "train")]
    found = []
    for seed in (0, 0, 1):
        for labels in (CepstralLabels(2, 8), StateLabels(model.audio_encoder, 1, 8)):
            find_clusters(labels, model, clips, max_s=4.0, seed=seed)
            found.append(labels.centroids.clone())
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[1], found[3])
    assert not torch.equal(found[0], found[4])


def test_padding_is_in_no_cluster(model: SoundEncoder) -> None:
    """One long clip among short ones: what fills the others up is silence, and nothing else is."""
    said = language().utterances(8, "train")
    short = [replace(each.clip(), duration_s=0.2) for each in said[1:]]
    labels = StateLabels(model.audio_encoder, 0, 6)
    find_clusters(labels, model, [said[0].clip(), *short], max_s=4.0, seed=0)
    filled = torch.full((1, 40, 2), 0.0)
    silent = labels.describe(filled, torch.tensor([0]))  # what a padded position would be
    assert torch.cdist(silent[0], labels.centroids).min() > 0.1


def test_too_few_positions_are_refused(model: SoundEncoder) -> None:
    clips = [each.clip() for each in language().utterances(2, "train")]
    with pytest.raises(EarShotError, match=r"zoo\.units\.n_units"):
        find_clusters(CepstralLabels(2, 500), model, clips, max_s=4.0, seed=0)
