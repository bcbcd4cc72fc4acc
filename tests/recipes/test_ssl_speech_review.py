from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import write_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.jobs.loading import load
from earshot.models.audio_tower import AudioTower
from earshot.models.pretraining.predictive import CepstralLabels, StateLabels
from earshot.models.pretraining.zoo import OBJECTIVES
from earshot.recipes import ssl_speech_review as recipe
from earshot.synth.phone_speech import PhoneInventory, PhoneLanguage
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_ssl import tiny_config


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    """Short runs that several tests look at, by objective."""
    folder = tmp_path_factory.mktemp("runs")
    return {
        name: recipe.run(config, None, folder / name).values for name, config in CLAIMED.items()
    }


NOISY = replace(
    tiny_config().toy,
    speech=replace(tiny_config().toy.speech, noise_db=3.0, shortest=8, longest=10),
    n_train=160,
    n_labelled=60,
    n_test=60,
)
LONGER = replace(tiny_config().fit, steps=150, checkpoint_every=500)
CLAIMED = {
    "none": tiny_config("none", toy=NOISY),
    "hubert": tiny_config("hubert", fit=LONGER, toy=NOISY),
    "reconstruction": tiny_config("reconstruction", fit=LONGER, toy=NOISY),
}


@pytest.mark.claim("ssl_speech_review/phones")
@pytest.mark.claim("ssl_speech_review/families")
@pytest.mark.claim("ssl_speech_review/speaker")
def test_an_objective_lets_phones_be_read(figures: dict[str, dict[str, float]]) -> None:
    """The controls: an encoder that was taught nothing, and labels that were shuffled."""
    none, hubert = figures["none"], figures["hubert"]
    assert hubert["phones"] > none["phones"] + 0.02
    for each in figures.values():
        assert each["phones_shuffled"] < 0.3 < each["phones"]
        shares = [each[f"phones_layer{i}"] for i in range(3)]
        assert sum(shares) == pytest.approx(1.0)


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    """In both rounds of HuBERT, whose labels are found again."""
    config = tiny_config("hubert", iterations=2)
    check_it_ends_the_same(recipe, config, tmp_path, update=(2, 5, 3))


@pytest.mark.parametrize("name", ["data2vec", "wav2vec2", "apc"])
def test_teachers_and_temperatures_are_gone_on_with(name: str, tmp_path: Path) -> None:
    check_it_ends_the_same(recipe, tiny_config(name), tmp_path, update=4)


def test_the_second_round_has_labels_of_the_first_ones_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, find = [], recipe.find_clusters

    def note(labels, *rest, **options):
        find(labels, *rest, **options)
        seen.append(labels)

    monkeypatch.setattr(recipe, "find_clusters", note)
    config = tiny_config("hubert", iterations=2)
    recipe.run(config, None, tmp_path / "two")
    first, second = seen
    assert isinstance(first, CepstralLabels)
    assert isinstance(second, StateLabels)
    assert len(first.centroids.unique(dim=0)) == config.zoo.units.n_units
    assert len(second.centroids.unique(dim=0)) == config.zoo.units.n_units
    recipe.run(replace(config, iterations=1), None, tmp_path / "one")
    once = read_checkpoint(tmp_path / "one").weights()
    taught = {f"audio_encoder.{n}": v for n, v in second.encoder.state_dict().items()}
    assert all(torch.equal(once[name], value) for name, value in taught.items())


@pytest.mark.parametrize("preset", ["paper", "small", "small_causal"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(recipe.Config, preset)()
    assert from_dict(recipe.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_its_size() -> None:
    """21.3 M as the review's sources count it, the head of the pre-training not among them."""
    with torch.device("meta"):
        model = recipe.build(recipe.Config.paper())
    n = sum(each.numel() for each in model.parameters())
    assert n == pytest.approx(21.3e6, rel=0.01)


def test_the_folder_serves_as_a_model(tmp_path: Path) -> None:
    recipe.run(tiny_config("apc"), None, tmp_path / "run")
    embedder = load(tmp_path / "run")
    said = PhoneLanguage(PhoneInventory(0), 0).utterances(2, "train")
    vectors = embedder.embed_waveforms([each.waveform for each in said])
    assert vectors.shape == (2, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    kept = read_checkpoint(tmp_path / "run").weights()
    assert all(name.startswith("audio_encoder.") for name in kept)  # no head, no teacher


def test_clips_of_a_manifest_teach_and_their_labels_are_probed(tmp_path: Path) -> None:
    language = PhoneLanguage(PhoneInventory(0, 8), 0, config=tiny_config().toy.speech)
    lines = ["audio,label,split"]
    for i, said in enumerate(language.utterances(24, "train")):
        write_audio(tmp_path / f"{i}.wav", said.waveform, 16_000)
        lines.append(f"{i}.wav,speaker{said.speaker},{'test' if i % 3 == 0 else 'train'}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    report = recipe.run(tiny_config(), open_clips(tmp_path / "clips.csv"), tmp_path / "run")
    assert report.values["label"] > 0.5
    assert "phones" not in report.values
    (tmp_path / "mute.csv").write_text("audio\n" + "\n".join(f"{i}.wav" for i in range(24)) + "\n")
    report = recipe.run(tiny_config(), open_clips(tmp_path / "mute.csv"), tmp_path / "mute")
    assert report.values.keys() == {"loss"}


@pytest.mark.claim("ssl_speech_review/real")
def test_digits_are_probed_where_there_are_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tones in the place of the recordings: a pitch for each digit, another for each speaker."""
    folder = tmp_path / "fsdd"
    folder.mkdir()
    lines = ["path,transcript,speaker"]
    words = ("zero", "one", "two", "three")
    for speaker in range(3):
        for take in range(6):
            for digit, word in enumerate(words):
                t = np.arange(2_400) / 8_000
                hz = 300 * 1.6**digit * (1 + 0.02 * speaker)
                name = f"{word}_{speaker}_{take}.wav"
                tone = 0.3 * np.sin(2 * np.pi * hz * t + take)
                write_audio(folder / name, tone.astype(np.float32), 8_000)
                lines.append(f"{name},{word},s{speaker}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    config = tiny_config("none")
    config = replace(config, toy=replace(config.toy, n_digits=(40, 20)))
    values = recipe.run(config, None, tmp_path / "run").values
    assert values["digits"] > 0.9
    monkeypatch.delenv("EARSHOT_SHARED")
    recipe.labelled_digits.cache_clear()
    with pytest.raises(EarShotError, match="no recordings 'fsdd'"):
        recipe.run(config, None, tmp_path / "other")


def test_what_cannot_be_taught_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="or more of hubert"):
        tiny_config("apc", iterations=2)
    model = replace(tiny_config().model, audio=AudioTower(strips=StripTransformerConfig()))
    with pytest.raises(EarShotError, match=r"model\.audio\.frames"):
        tiny_config(model=model)
    few = tiny_config(batch_size=1, toy=replace(tiny_config().toy, n_train=1))
    many = replace(few.zoo, units=replace(few.zoo.units, n_units=200))
    with pytest.raises(EarShotError, match="positions for 200 clusters"):
        recipe.run(replace(few, zoo=many), None, tmp_path / "few")


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    experiment = recipe.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert set(OBJECTIVES) | {"log_mel", "random", "random_gru", "hubert_2"} == set(arms)
    assert {each.claim for each in experiment.comparisons} == {"phones", "families", "speaker"}
    for name in OBJECTIVES:
        control = "random_gru" if name in ("apc", "cpc") else "random"
        assert replace(arms[name], objective="none") == arms[control]
    assert replace(arms["hubert_2"], iterations=1) == arms["hubert"]
    assert replace(arms["log_mel"], model=arms["random"].model) == arms["random"]
    monkeypatch.setattr(recipe, "shared_data", lambda name: Path("there"))
    experiment = recipe.claim()
    assert {each.claim for each in experiment.comparisons} == set(recipe.PAPER.claims)
    assert all(all(arm.config.toy.n_digits) for arm in experiment.arms)
