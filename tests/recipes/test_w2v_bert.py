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
from earshot.encoders.panns import CnnConfig
from earshot.features import LogMelConfig
from earshot.jobs.loading import load
from earshot.layers.gumbel_quantizer import GumbelQuantizer
from earshot.models.audio_tower import AudioTower
from earshot.recipes import w2v_bert
from earshot.training.fit import fit
from earshot.training.run_log import read_log
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_w2v_bert import tiny_config


def arm(name: str, **changes: object) -> w2v_bert.Config:
    """An arm of the claim, of the tiny size."""
    base = tiny_config(**changes)
    return next(each.config for each in w2v_bert.arms_of(base) if each.name == name)


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """One short run that both claims look at."""
    return w2v_bert.run(
        arm("joint", steps=150), None, tmp_path_factory.mktemp("w2v") / "run"
    ).values


@pytest.mark.claim("w2v_bert/collapse")
def test_the_contrast_keeps_codes_apart_and_prediction_alone_lets_them_fall(
    joint: dict[str, float], tmp_path: Path
) -> None:
    alone = w2v_bert.run(arm("masked", steps=150), None, tmp_path).values
    assert joint["code_perplexity"] > 2 * alone["code_perplexity"]
    assert alone["test_masked_accuracy"] > 2 * joint["test_masked_accuracy"]


@pytest.mark.claim("w2v_bert/joint")
def test_what_comes_next_is_learnt_and_not_from_shuffled_positions(
    joint: dict[str, float], tmp_path: Path
) -> None:
    """Whether both losses beat one takes longer: `earshot claim w2v_bert` measures it."""
    control = w2v_bert.run(arm("shuffled", steps=150), None, tmp_path).values
    assert joint["test_contrastive"] < control["test_contrastive"] - 0.1
    assert joint["loss"] < control["loss"] - 0.2  # of the last training batch
    assert joint["phones"] > 0.4  # six phones


@pytest.mark.claim("w2v_bert/real")
def test_recorded_digits_take_the_same_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tones in the place of the recordings; the speaker of the test is not in the training."""
    folder = tmp_path / "fsdd"
    folder.mkdir()
    lines = ["path,transcript,speaker"]
    for i in range(40):
        word, speaker = ("one", "two")[i % 2], ("ann", "bob")[i % 4 // 2]
        time = np.arange(4_000) / 8_000
        tone = 0.2 * np.sin(2 * np.pi * (400 + 600 * (i % 2) + 20 * (i % 4)) * time)
        write_audio(folder / f"{i}.wav", tone, 8_000)
        lines.append(f"{i}.wav,{word},{speaker}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    config = tiny_config(steps=3)
    config = replace(config, toy=replace(config.toy, digits=True))
    spoken, clips = w2v_bert.material_of(config, None)
    assert spoken is None
    groups = [{clip.group for clip in clips.split(part)} for part in ("train", "test")]
    assert len(groups[1]) == 1
    assert not groups[0] & groups[1]
    values = w2v_bert.run(config, None, tmp_path / "run").values
    assert values["digit"] > 0.8
    assert "phones" not in values
    experiment = w2v_bert.claim()
    real = [each for each in experiment.comparisons if each.claim == "real"]
    assert len(real) == 2
    assert all(experiment.arm(each.arm).config.toy.digits for each in real)


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    """One mask for all: the codes of what it hides are then known by heart."""
    config = tiny_config(steps=150)
    _, clips = w2v_bert.material_of(config, None)
    torch.manual_seed(0)
    model = w2v_bert.build(config)
    pretraining = w2v_bert.build_pretraining(config, model)
    eight = [clip.read().waveform for clip in clips.split("train")[:8]]
    n_samples = torch.tensor([len(each) for each in eight])
    waveform = torch.zeros(8, int(n_samples.max()))
    for row, sound in zip(waveform, eight, strict=True):
        row[: len(sound)] = torch.from_numpy(sound)
    log_mel, n_frames = model.frames(waveform, n_samples)
    positions = log_mel.shape[2] // 4
    masked = torch.rand(8, positions) < 0.4
    masked &= torch.arange(positions) < (n_frames // 4)[:, None]
    found = []

    def loss_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        found.append(pretraining(batch, n_frames, masked))
        return found[-1]

    fit(pretraining, loss_of, lambda first: iter([log_mel] * 150), config.fit, tmp_path)
    assert found[0]["masked_accuracy"] < 0.3
    assert found[-1]["masked_accuracy"] > 0.9
    assert found[-1]["code_perplexity"] > 8  # of sixteen


@pytest.mark.parametrize("preset", ["paper", "v2", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(w2v_bert.Config, preset)()
    assert from_dict(w2v_bert.Config, json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(("preset", "size"), [("v2", 580.49e6), ("paper", 580.5e6)])
def test_the_published_models_have_their_sizes(preset: str, size: float) -> None:
    """2.0 to the last thousand; XL, of which the paper says 0.6 B, to its rounding."""
    config = getattr(w2v_bert.Config, preset)()
    with torch.device("meta"):
        model = w2v_bert.build(config)
        heads = w2v_bert.build_pretraining(config, model)
    n = sum(each.numel() for each in model.parameters())
    assert n == pytest.approx(size, rel=1e-4)
    assert round(n / 1e9, 1) == 0.6
    assert heads.config.contrastive_depth == {"v2": 8, "paper": 12}[preset]
    assert heads.quantizer.codevectors.shape == (1, 1_024, 1_024)


def test_the_run_s_folder_embeds_and_its_log_shows_a_collapse_that_comes(tmp_path: Path) -> None:
    config = tiny_config(steps=4)
    config = replace(config, fit=replace(config.fit, log_every=1))
    values = w2v_bert.run(config, None, tmp_path).values
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.recipe == "w2v_bert"
    assert checkpoint.extra["figures"] == values
    assert not [name for name in checkpoint.weights() if "quantizer" in name]
    embedder = load(tmp_path)
    row = embedder.embed_waveforms([np.sin(np.arange(9_000) / 9).astype(np.float32) * 0.3])
    assert row.shape == (1, 32)
    log = read_log(tmp_path)
    assert [entry["step"] for entry in log] == [1, 2, 3, 4]
    watched = {"contrastive", "masked", "diversity", "masked_accuracy", "code_perplexity"}
    assert watched <= log[0].keys()
    assert all(1 <= entry["code_perplexity"] <= 16 for entry in log)
    temperatures = [entry["temperature"] for entry in log]
    assert temperatures == pytest.approx([2.0 * 0.98**i for i in range(4)], rel=1e-4)


@pytest.mark.parametrize("name", ["joint", "best_rq", "shuffled"])
def test_a_run_that_was_cut_short_ends_the_same(name: str, tmp_path: Path) -> None:
    config = arm(name, steps=6)
    config = replace(config, fit=replace(config.fit, checkpoint_every=2))
    check_it_ends_the_same(w2v_bert, config, tmp_path, update=4)


def test_the_temperature_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recipes.power_cut import power_cut

    config = tiny_config(steps=6)
    config = replace(config, fit=replace(config.fit, checkpoint_every=2))
    with power_cut(6):
        w2v_bert.run(config, None, tmp_path / "cut")
    seen: list[int] = []
    counted = GumbelQuantizer.count_update

    def watch(self: GumbelQuantizer) -> None:
        seen.append(int(self.n_updates))
        counted(self)

    monkeypatch.setattr(GumbelQuantizer, "count_update", watch)
    w2v_bert.run(config, None, tmp_path / "cut", resume=True)
    assert seen == [4, 5]


def test_shuffling_moves_whole_positions_and_no_padding() -> None:
    log_mel = torch.arange(22.0).expand(2, 3, -1).clone()
    torch.manual_seed(0)
    moved = w2v_bert.shuffled(log_mel, torch.tensor([22, 9]), 4)
    assert moved[0, 0, :20].sort().values.tolist() == list(range(20))
    assert moved[0, 0, 20:].tolist() == [20, 21]
    assert moved[1, :, 8:].equal(log_mel[1, :, 8:])
    starts = moved[0, 0, :20:4]
    assert starts.tolist() != [0, 4, 8, 12, 16]
    assert torch.equal(
        moved[0, 0, :20].view(5, 4) - starts[:, None], torch.arange(4.0).expand(5, 4)
    )


def test_clips_of_a_manifest_need_no_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["path,caption"]
    for i in range(24):
        write_audio(tmp_path / f"{i}.wav", rng.normal(size=12_000) * 0.1, 16_000)
        lines.append(f"{i}.wav,sound {i}")
    (tmp_path / "bad.wav").write_bytes(b"not a sound")
    lines.append("bad.wav,sound")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    data = open_clips(tmp_path / "clips.csv")
    report = w2v_bert.run(tiny_config(steps=4), data, tmp_path / "run")
    assert {"test_contrastive", "test_masked", "code_perplexity"} <= report.values.keys()
    assert "phones" not in report.values


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    config = tiny_config(steps=1)
    cnn = replace(
        config.model,
        fbank=None,
        features=LogMelConfig(sample_rate=16_000, n_fft=512, hop_length=160, n_mels=32, f_max=8e3),
        audio=AudioTower(cnn=CnnConfig(channels=(2, 2, 3, 3, 4, 4), dim=16)),
    )
    with pytest.raises(EarShotError, match=r"Set model.audio.conformer"):
        w2v_bert.run(replace(config, model=cnn), None, tmp_path)


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    without = w2v_bert.claim()
    assert {each.claim for each in without.comparisons} == {"joint", "collapse"}
    assert not any(each.config.toy.digits for each in without.arms)
    arms = {each.name: each.config for each in without.arms}
    joint = arms["joint"]
    assert arms["contrastive"].model == joint.model  # equal depth
    assert arms["contrastive"].pretraining.contrastive_depth == 2
    assert arms["contrastive"].pretraining.masked_weight == 0
    assert arms["masked"].pretraining.contrastive_weight == 0
    assert arms["masked"].pretraining.targets == "choice"
    assert arms["masked"].pretraining.diversity_weight == joint.pretraining.diversity_weight
    assert arms["best_rq"].best_rq.n_codes == joint.pretraining.quantizer.n_codes
    for name, config in arms.items():
        same = replace(config, pretraining=joint.pretraining, best_rq=None, train=joint.train)
        assert same == joint, name
