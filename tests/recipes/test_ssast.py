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
from earshot.data import BatchLoader, open_clips
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.jobs.loading import load
from earshot.models.audio_tower import AudioTower
from earshot.recipes import ssast
from earshot.synth.event_pool import event_pool
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_ssast import tiny_config

PRESETS = ("paper", "paper_frames", "small", "small_real")


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    """One short run that several tests look at."""
    out = tmp_path_factory.mktemp("taught") / "run"
    return ssast.run(tiny_config(), None, out).values, out


@pytest.mark.claim("ssast/joint")
@pytest.mark.claim("ssast/pretext")
def test_hidden_patches_teach_and_another_clip_s_do_not(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    """What drawing takes: a clip's level, which its shown patches tell, and no other clip's do.

    The controls: targets from another clip, and no pre-training at all. Whether it is worth more to
    few labels takes longer training, which `earshot claim ssast` measures.
    """
    config, (values, _) = tiny_config(), taught
    wrong = replace(config, masking=replace(config.masking, wrong_targets=True))
    control = ssast.run(wrong, None, tmp_path / "wrong").values
    scratch = ssast.run(replace(config, pretrained=False), None, tmp_path / "scratch").values
    assert values["reconstruction"] < 0.75 * control["reconstruction"]  # 0.07 against 0.13
    assert control["reconstruction"] < 0.75 * scratch["reconstruction"]  # 0.41
    assert values["pretext_accuracy"] > 1.5 * values["pretext_chance"]
    assert scratch["pretext_accuracy"] < 1.5 * values["pretext_chance"]
    assert {"accuracy", "probe_accuracy", "pretraining_loss"} <= values.keys()
    assert "pretraining_loss" not in scratch


@pytest.mark.claim("ssast/real")
def test_recordings_take_the_same_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tones in the place of the sets: folds, parts, and labels of both."""
    write_sets(tmp_path)
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    config = replace(tiny_config(steps=3), real=True, n_labelled=2)
    pool, train, test = ssast.parts(config, None)
    assert pool is train
    assert (len(train), len(test)) == (6 + 6, 2 + 2)
    assert set(test.labels) == {"rain", "dog", "flute", "cello"}
    assert not {clip.id for clip in train} & {clip.id for clip in test}
    values = ssast.run(config, None, tmp_path / "run").values
    assert {"accuracy", "probe_accuracy", "pretext_accuracy"} <= values.keys()


def write_sets(folder: Path) -> None:
    """Two small sets as they lie in the shared folder."""
    labels = {"esc10": ("rain", "dog"), "instruments": ("flute", "cello")}
    for name, kinds in labels.items():
        (folder / name).mkdir()
        lines = ["path,label,fold" if name == "esc10" else "path,label"]
        for i in range(8):
            hz = 200 * (i % 2 + 1)
            wave = 0.3 * np.sin(2 * np.pi * hz * np.arange(15_600) / 16_000 + i)
            write_audio(folder / name / f"{i}.wav", wave.astype(np.float32), 16_000)
            lines.append(f"{i}.wav,{kinds[i % 2]}" + (f",{i // 2 + 1}" if name == "esc10" else ""))
        (folder / name / "manifest.csv").write_text("\n".join(lines) + "\n")


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    encoder = replace(config.model.audio.spectrogram, dim=64, mlp_dim=128)
    config = replace(
        config,
        model=replace(config.model, audio=AudioTower(spectrogram=encoder)),
        masking=replace(config.masking, share=0.25),
    )
    eight = event_pool(0, config.toy).split("pool")[:8]
    torch.manual_seed(0)
    model = ssast.build(config)
    task = ssast.build_pretraining(config, model)
    loader = BatchLoader(eight, batch_size=8, sample_rate=16_000, workers=0)

    def loss_of(batch):
        return task(*model.frames(batch.waveform, batch.n_samples))

    before = ssast.pretext_figures(model, task, eight, config)
    settings = FitConfig(steps=240, learning_rate=3e-3, warmup_steps=10)
    fit(task, loss_of, loader.batches, settings, tmp_path)
    after = ssast.pretext_figures(model, task, eight, config)
    assert after["pretext_accuracy"] > 0.6  # chance is one in six
    assert after["reconstruction"] < 0.2 * before["reconstruction"]


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_survive_json(preset: str) -> None:
    config = getattr(ssast.Config, preset)()
    assert from_dict(ssast.Config, json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize("preset", ["paper", "paper_frames"])
def test_the_paper_s_model_has_the_published_size(preset: str) -> None:
    """88.76 M in the released files count two heads of ImageNet's 1 000 classes, never used."""
    config = getattr(ssast.Config, preset)()
    with torch.device("meta"):
        task = ssast.build_pretraining(config, ssast.build(config))
    n_parameters = sum(value.numel() for value in task.parameters())
    unused = 2 * (768 * 1_000 + 1_000)
    assert n_parameters + unused == pytest.approx(88.76e6, rel=1e-4)
    patches = config.model.audio.spectrogram.patches
    assert (patches.n_rows, patches.whole_columns(1_024)) in ((8, 64), (1, 512))


@pytest.mark.slow
def test_the_paper_s_model_takes_a_training_step(tmp_path: Path) -> None:
    config = ssast.Config.paper()
    model = ssast.build(config)
    task = ssast.build_pretraining(config, model)
    noise = torch.randn(1, 163_840, generator=torch.Generator().manual_seed(0)) * 0.1

    def loss_of(batch):
        return task(*model.frames(batch, torch.tensor([163_840])))

    before = [value.detach().clone() for value in task.parameters()]
    settings = replace(config.fit, steps=1, warmup_steps=0, precision="bf16")
    result = fit(task, loss_of, lambda first: iter([noise]), settings, tmp_path)
    assert np.isfinite(result.loss)
    moved = sum(not torch.equal(a, b) for a, b in zip(before, task.parameters(), strict=True))
    assert moved > 0.9 * len(before)


def test_the_run_s_folder_is_an_encoder_as_pre_trained(
    taught: tuple[dict[str, float], Path],
) -> None:
    values, out = taught
    checkpoint = read_checkpoint(out)
    assert checkpoint.recipe == "ssast"
    assert checkpoint.extra["figures"] == values
    model = ssast.build(from_dict(ssast.Config, checkpoint.config))
    model.load_state_dict(checkpoint.weights())
    rng = np.random.default_rng(0)
    sounds = [rng.standard_normal(n).astype(np.float32) * 0.1 for n in (3_000, 15_600)]
    rows = load(out).embed_waveforms(sounds)
    with torch.inference_mode():
        alone = model.eval().embed_audio(torch.from_numpy(sounds[0])[None], torch.tensor([3_000]))
    np.testing.assert_allclose(rows[:1], alone.numpy(), atol=1e-5)
    assert not any(name.startswith(("cpred", "gpred", "mask")) for name in checkpoint.weights())


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    """Killed while it pre-trains, while it is tuned, and while the probe is learnt."""
    config = tiny_config(steps=6)
    short = {
        name: replace(
            getattr(config, name),
            fit=replace(getattr(config, name).fit, steps=4, checkpoint_every=2),
        )
        for name in ("transfer", "probe")
    }
    config = replace(config, fit=replace(config.fit, checkpoint_every=2), **short)
    check_it_ends_the_same(ssast, config, tmp_path, update=(5, 4, 6))


def test_clips_without_labels_are_pre_trained_on_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["path"]
    for i in range(24):
        n = int(rng.integers(2_000, 40_000))  # shorter and longer than the window
        write_audio(tmp_path / f"{i}.wav", 0.1 * rng.standard_normal(n), 16_000)
        lines.append(f"{i}.wav")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    config = replace(tiny_config(steps=3), batch_size=8)
    report = ssast.run(config, open_clips(tmp_path / "clips.csv"), tmp_path / "run")
    assert {"pretext_accuracy", "reconstruction", "pretraining_loss"} <= report.values.keys()
    assert "accuracy" not in report.values
    assert load(tmp_path / "run").embed_waveforms([np.zeros(900, np.float32)]).shape == (1, 32)


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    config = tiny_config()
    strips = AudioTower(strips=StripTransformerConfig(n_mels=32, dim=16, depth=1))
    other = replace(config, model=replace(config.model, audio=strips))
    with pytest.raises(EarShotError, match=r"expected model\.audio\.spectrogram"):
        ssast.run(other, None, tmp_path)


def test_missing_recordings_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    with pytest.raises(EarShotError, match="no recordings 'esc10'"):
        ssast.run(ssast.Config.small_real(), None, tmp_path)


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    without = ssast.claim()
    assert {each.claim for each in without.comparisons} == {"joint", "pretext"}
    monkeypatch.setattr(ssast, "shared_data", lambda name: Path("there"))
    experiment = ssast.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert {each.claim for each in experiment.comparisons} == set(ssast.PAPER.claims)
    for name, changed in (
        ("identify", {"tasks": ("identify", "reconstruct")}),
        ("reconstruct", {"tasks": ("identify", "reconstruct")}),
        ("wrong_targets", {"wrong_targets": False}),
    ):
        assert replace(arms[name], masking=replace(arms[name].masking, **changed)) == arms["joint"]
    for prefix in ("", "real_"):
        assert replace(arms[f"{prefix}scratch"], pretrained=True) == arms[f"{prefix}joint"]
