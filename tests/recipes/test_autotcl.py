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
from earshot.models.pretraining.learned_views import LearnedViews
from earshot.recipes import autotcl
from earshot.synth.motif_series import MotifSeries
from earshot.synth.seasonal_series import SeasonalConfig
from earshot.training.fit import FitConfig, fit
from earshot.training.turns import in_turn
from recipes.power_cut import check_it_ends_the_same


def quick(config: autotcl.Config, steps: int = 4, every: int = 2) -> autotcl.Config:
    toy = replace(
        config.toy,
        n_train=48,
        n_test=32,
        seasons=SeasonalConfig(n_steps=1_200),
        horizons=(12,),
        sounds=replace(config.toy.sounds, n_train=24, n_test=12, kinds=config.toy.sounds.kinds[:3]),
    )
    fitted = replace(config.fit, steps=steps, warmup_steps=1, checkpoint_every=every)
    return replace(config, toy=toy, fit=fitted, batch_size=8)


@pytest.mark.claim("autotcl/views")
@pytest.mark.claim("autotcl/mask")
def test_learnt_views_find_the_motif_and_another_series_masks_do_not_teach(
    tmp_path: Path,
) -> None:
    """The control has the same network and the same masks, each laid over the wrong series.

    By views of what the mask keeps series are told apart (ln 32 is 3.5 nats), by the control's they
    are not. What that is worth to a probe takes longer training, which `earshot claim autotcl`
    measures: here a random encoder is as good.
    """
    base = autotcl.Config.motifs()
    motifs = replace(base.toy.motifs, n_classes=4, n_steps=48, motif_steps=12)
    base = replace(base, toy=replace(base.toy, motifs=motifs, n_train=512, n_test=256))
    base = replace(base, fit=replace(base.fit, steps=80))
    found = {
        view: autotcl.run(
            replace(base, views=replace(base.views, view=view)), None, tmp_path / view
        ).values
        for view in ("learned", "elsewhere")
    }
    assert found["learned"]["mask_auroc"] > 0.65  # chance is 0.5
    assert found["learned"]["probe_accuracy"] > 0.5  # chance is 0.25
    assert found["learned"]["loss"] < found["elsewhere"]["loss"] - 0.5


@pytest.mark.claim("autotcl/forecast")
def test_a_seasonal_series_is_forecast_by_the_past_alone(tmp_path: Path) -> None:
    config = quick(autotcl.Config.seasons())
    values = autotcl.run(config, None, tmp_path / "run").values
    assert values["skill"] == pytest.approx(1 - values["mse_12"])
    assert 0 < values["mse_12"] < 1.5
    frames, (end, _) = autotcl.season(config)
    windows, _ = autotcl.series_of(config)
    assert all(each.frames.shape == (3, config.toy.window_steps) for each in windows)
    np.testing.assert_array_equal(windows[1].frames, frames[:, 8 : 8 + config.toy.window_steps])
    assert (len(windows) - 1) * 8 + config.toy.window_steps <= end  # training alone
    assert frames[0, :end].mean() == pytest.approx(0.0, abs=1e-4)
    encoder = autotcl.build(config).audio_encoder.eval()
    later = torch.from_numpy(frames)[None].clone()
    later[..., 900:] = 5.0
    n = torch.tensor([frames.shape[1]])
    one, two = (
        encoder.steps(encoder.standardise(x), n) for x in (torch.from_numpy(frames)[None], later)
    )
    torch.testing.assert_close(one[:, :900], two[:, :900])


@pytest.mark.claim("autotcl/real")
def test_spoken_digits_take_the_same_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tones in the place of the set's speech, of two speakers."""
    lines, words = ["path,transcript,speaker"], ("zero", "one", "two")
    folder = tmp_path / "fsdd"
    folder.mkdir()
    for i in range(24):
        at = np.arange(3_000 + 100 * i) / 8_000
        tone = 0.3 * np.sin(2 * np.pi * (400 + 300 * (i % 3)) * at)
        write_audio(folder / f"{i}.wav", tone.astype(np.float32), 8_000)
        lines.append(f"{i}.wav,{words[i % 3]},{'ab'[i % 2]}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    from earshot.data import spoken_digits

    spoken_digits._recordings.cache_clear()
    values = autotcl.run(quick(autotcl.Config.digits()), None, tmp_path / "run").values
    spoken_digits._recordings.cache_clear()
    assert values["probe_accuracy"] > 0.5
    monkeypatch.delenv("EARSHOT_SHARED")
    with pytest.raises(EarShotError, match="no recordings 'fsdd'"):
        autotcl.run(quick(autotcl.Config.digits()), None, tmp_path / "none")


def test_it_learns_eight_series(tmp_path: Path) -> None:
    """Every series is told from the seven others by its learnt view."""
    config = autotcl.Config.motifs()
    eight = MotifSeries(0, config.toy.motifs).draw(8, "train")
    torch.manual_seed(0)
    task = LearnedViews(autotcl.build(config).audio_encoder, config.views)
    from earshot.data.series import SeriesBatches

    def loss_of(turn: autotcl.TurnBatch) -> dict[str, torch.Tensor]:
        return task(turn.batch.frames, turn.batch.n_frames, turn.who)

    settings = FitConfig(steps=120, learning_rate=5e-3, warmup_steps=5)
    batches = in_turn(SeriesBatches(eight, batch_size=8, seed=0).batches, 1)
    first = loss_of(next(in_turn(SeriesBatches(eight, batch_size=8, seed=0).batches, None)(0)))
    fitted = fit(task, loss_of, batches, settings, tmp_path, after_step=task.after_update)
    assert first["loss"].item() > 1.0  # ln 8 is 2.08
    assert fitted.loss < 0.3


def test_the_paper_s_model_has_its_size() -> None:
    """26.75 M with 8 channels; with 64 mel bands the first map is 3 584 weights larger."""
    with torch.device("meta"):
        model = autotcl.build(autotcl.Config.paper())
        task = LearnedViews(model.audio_encoder, autotcl.Config.paper().views)
    n = sum(each.numel() for each in model.parameters())
    assert n == 26_752_256 + 56 * 64
    assert n == pytest.approx(26.75e6, rel=0.01)
    assert task.augment is not None
    assert sum(each.numel() for each in task.augment.parameters()) == pytest.approx(0.1e6, rel=0.05)


@pytest.mark.parametrize("preset", ["paper", "small", "motifs", "seasons", "digits"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(autotcl.Config, preset)()
    assert from_dict(autotcl.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    """Cut in either turn, before and after the running mean has begun."""
    config = quick(autotcl.Config.motifs(), steps=6, every=2)
    config = replace(config, views=replace(config.views, average_after=1, smooth="pairs"))
    check_it_ends_the_same(autotcl, config, tmp_path, update=(3, 4))


def test_a_run_on_sounds_leaves_a_model_that_embeds(tmp_path: Path) -> None:
    out = tmp_path / "run"
    values = autotcl.run(quick(autotcl.Config.small()), None, out).values
    assert {"probe_accuracy", "knn_accuracy", "loss"} <= values.keys()
    checkpoint = read_checkpoint(out)
    assert checkpoint.extra["figures"] == values
    assert not any("augment" in name or "average" in name for name in checkpoint.weights())
    rows = load(out).embed_waveforms(
        [np.ones(8_000, np.float32) * 0.1, np.zeros(5_000, np.float32)]
    )
    assert rows.shape == (2, 48)


def test_clips_without_labels_teach_too_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(11):
        write_audio(tmp_path / f"{i}.wav", 0.1 * rng.standard_normal(9_000), 16_000)
    (tmp_path / "9.wav").write_bytes(b"no sound")
    rows = "\n".join(f"{i}.wav,noise {i},train" for i in range(10))
    (tmp_path / "m.csv").write_text(f"path,caption,split\n{rows}\n10.wav,x,test\n")
    data = open_clips(tmp_path / "m.csv")
    report = autotcl.run(quick(autotcl.Config.small()), data, tmp_path / "run")
    assert "probe_accuracy" not in report.values
    assert any("no single label" in note for note in report.notes)
    assert any("9.wav" in note for note in report.notes)


def test_what_views_cannot_teach_is_refused(tmp_path: Path) -> None:
    motifs = quick(autotcl.Config.motifs())
    five = replace(motifs, toy=replace(motifs.toy, motifs=replace(motifs.toy.motifs, n_channels=5)))
    with pytest.raises(EarShotError, match="5 channels for an encoder of 4"):
        autotcl.run(five, None, tmp_path / "a")
    strips = AudioTower(strips=StripTransformerConfig(n_mels=4, dim=8, depth=1))
    other = replace(motifs, model=replace(motifs.model, audio=strips))
    with pytest.raises(EarShotError, match="StripTransformer as the encoder"):
        autotcl.run(other, None, tmp_path / "b")
    with pytest.raises(EarShotError, match="after 0 others"):
        autotcl.run(replace(motifs, ratio=0), None, tmp_path / "c")


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    assert {each.claim for each in autotcl.claim().comparisons} == {"views", "mask", "forecast"}
    monkeypatch.setattr(autotcl, "shared_data", lambda name: Path("there"))
    experiment = autotcl.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert {each.claim for each in experiment.comparisons} == set(autotcl.PAPER.claims)
    for name, config in arms.items():
        method = arms["autotcl"]
        for prefix in ("seasons_", "digits_"):
            if name.startswith(prefix):
                method = arms[f"{prefix}autotcl"]
        fitted = replace(config.fit, steps=method.fit.steps)
        assert (config.fit.steps == 1) == name.endswith("untrained")
        learned = replace(config.views, view="learned")
        assert replace(config, views=learned, fit=fitted) == method
