from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.audio import Audio, write_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, Clip, ClipSet, open_clips
from earshot.encoders.strip_transformer import StripTransformerConfig
from earshot.encoders.wavegram import WavegramConfig
from earshot.jobs.loading import load
from earshot.models.audio_tower import AudioTower
from earshot.models.pretraining.tagger import Tagger
from earshot.recipes import panns
from earshot.synth.tagging_scenes import tagging_scenes
from earshot.training.fit import FitConfig, fit
from earshot.training.tagging import tag_clips
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_panns import KINDS, tiny_config


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    """One short run that several tests look at."""
    out = tmp_path_factory.mktemp("taught") / "run"
    return panns.run(tiny_config(), None, out).values, out


@pytest.mark.claim("panns/transfer")
@pytest.mark.claim("panns/balance")
def test_labels_teach_to_tag_and_wrong_labels_do_not(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    """The control: every clip with another one's labels."""
    values, _ = taught
    control = replace(tiny_config(), shuffle_labels=True, tasks=None)
    wrong = panns.run(control, None, tmp_path / "wrong").values
    assert values["mAP"] > 0.65  # 0.77 as it stands
    assert wrong["mAP"] < 0.45  # chance, about a third: two of six kinds in a clip
    assert values["new_fine_tune_4"] > 0.7  # chance is a third
    assert {"new_scratch_4", "new_frozen_4"} <= values.keys()


@pytest.mark.claim("panns/log_mel")
@pytest.mark.parametrize("log_mel", [True, False])
def test_the_waveform_is_heard_beside_the_log_mel_and_alone(log_mel: bool, tmp_path: Path) -> None:
    sizes = replace(tiny_config(steps=6), tasks=None)
    tower = WavegramConfig(
        sizes.cnn, log_mel=log_mel, stem=4, channels=(4, 4, 8), pools=(5, 5, 1), n_groups=1
    )
    assert tower.hop == sizes.model.features.hop_length
    model = panns.wavegram(panns.Config.small(), log_mel=log_mel).model
    model = replace(model, audio=AudioTower(wavegram=tower))
    if log_mel:
        model = replace(model, features=replace(sizes.model.features, with_samples=True))
    else:
        model = replace(model, waveform=replace(model.waveform, sample_rate=8_000))
    values = panns.run(replace(sizes, model=model), None, tmp_path / "run").values
    assert 0 < values["mAP"] <= 1
    assert load(tmp_path / "run").embed_waveforms([np.full(4_000, 0.1, np.float32)]).shape[1] == 16


@pytest.mark.claim("panns/real")
def test_recordings_are_a_new_task_by_folds_or_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tones in the place of the set's recordings."""
    folder = tmp_path / "esc10"
    folder.mkdir()
    lines = ["path,label,fold"]
    for i in range(24):
        tone = 0.3 * np.sin(2 * np.pi * (300 + 600 * (i % 3)) * np.arange(8_000) / 8_000)
        write_audio(folder / f"{i:02d}.wav", tone, 8_000)
        lines.append(f"{i:02d}.wav,{'abc'[i % 3]},{i // 12 + 1}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    tiny = tiny_config(steps=6)
    tasks = replace(tiny.tasks, shots=(), recordings=("esc10",), few=2)
    values = panns.run(replace(tiny, tasks=tasks), None, tmp_path / "run").values
    assert {f"esc10_{mode}_2" for mode in ("scratch", "fine_tune", "frozen")} <= values.keys()
    train, test = panns.recordings("esc10", seed=1)
    assert {clip.extra["fold"] for clip in test} == {"2"}
    assert {clip.extra["fold"] for clip in train} == {"1"}
    plain = [line.rpartition(",")[0] for line in lines]
    (folder / "manifest.csv").write_text("\n".join(plain) + "\n")
    train, test = panns.recordings("esc10", seed=1)
    assert {clip.id for clip in train} & {clip.id for clip in test} == set()
    assert len(train) == len(test) == 12


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    eight = tagging_scenes(0, replace(config.toy, n_train=8, n_test=1)).split("train")
    torch.manual_seed(0)
    tagger = Tagger(panns.build(config.with_cnn(replace(config.cnn, n_classes=6))), 0.0)
    loader = BatchLoader(eight, batch_size=8, sample_rate=8_000, max_s=1.0)
    fit(
        tagger,
        lambda batch: tagger(batch.waveform, batch.n_samples, batch.labels_hot),
        loader.batches,
        FitConfig(steps=80, learning_rate=1e-2, warmup_steps=5),
        tmp_path,
    )
    scores, truth, _ = tag_clips(tagger, eight)
    assert np.array_equal(scores > 0.5, truth > 0.5)


@pytest.mark.parametrize("preset", ["paper", "wavegram_logmel", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(panns.Config, preset)()
    assert from_dict(panns.Config, json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(("preset", "millions"), [("paper", 80.75), ("wavegram_logmel", 81.07)])
def test_the_paper_s_models_have_their_sizes(preset: str, millions: float) -> None:
    with torch.device("meta"):
        model = panns.build(getattr(panns.Config, preset)())
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def test_the_paper_s_model_takes_a_step() -> None:
    """Two clips of 0.35 s, mixed to one, with stripes masked."""
    torch.manual_seed(0)
    tagger = Tagger(panns.build(panns.Config.paper())).train()
    waveform, n_samples = torch.randn(2, 11_200) * 0.1, torch.full((2,), 11_200)
    labels = torch.eye(2, 527)
    before = tagger.encoder.audio_encoder.conv_block6.conv2.weight[0].clone()
    optimizer = torch.optim.SGD(tagger.parameters(), 0.1)
    loss = tagger(waveform, n_samples, labels)["loss"]
    loss.backward()
    optimizer.step()
    assert 0.3 < float(loss.detach()) < 3.0  # ln 2 where all logits are 0
    assert not torch.equal(tagger.encoder.audio_encoder.conv_block6.conv2.weight[0], before)


def test_the_folder_embeds_and_holds_its_labels(taught: tuple[dict[str, float], Path]) -> None:
    values, out = taught
    checkpoint = read_checkpoint(out)
    assert checkpoint.recipe == "panns"
    assert checkpoint.extra["figures"] == values
    assert checkpoint.extra["labels"] == sorted(KINDS)
    embedder = load(out)
    rows = embedder.embed_waveforms([np.full(n, 0.1, np.float32) for n in (300, 4_000, 16_000)])
    assert rows.shape == (3, 16)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    """Killed in tagging, in a new task from scratch, and over the frozen encoder."""
    config = tiny_config(steps=6)
    tasks = config.tasks
    learn = replace(tasks.transfer.fit, steps=3, checkpoint_every=2)
    few = replace(tasks.toy, n_train=12, n_test=12)
    tasks = replace(tasks, toy=few, transfer=replace(tasks.transfer, fit=learn, frozen_fit=None))
    config = replace(
        config,
        fit=replace(config.fit, checkpoint_every=2),
        toy=replace(config.toy, n_train=32, n_test=24),
        tasks=tasks,
    )
    check_it_ends_the_same(panns, config, tmp_path, update=(3, 5, 6))


def test_clips_of_a_manifest_give_the_head_its_labels(tmp_path: Path) -> None:
    lines = ["path,label,split"]
    for i in range(12):
        tone = 0.3 * np.sin(2 * np.pi * (300 + 600 * (i % 3)) * np.arange(4_000) / 8_000)
        write_audio(tmp_path / f"{i:02d}.wav", tone, 8_000)
        lines.append(f"{i:02d}.wav,{'abc'[i % 3]},{'train' if i < 9 else 'test'}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n")
    config = replace(tiny_config(steps=3), tasks=None, batch_size=4)
    panns.run(config, open_clips(tmp_path / "clips.csv"), tmp_path / "run")
    checkpoint = read_checkpoint(tmp_path / "run")
    assert checkpoint.extra["labels"] == ["a", "b", "c"]
    assert checkpoint.weights()["audio_encoder.fc_audioset.weight"].shape[0] == 3


def test_what_cannot_be_tagged_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = Audio(np.full(4_000, 0.1, np.float32), 8_000)
    bare = ClipSet([Clip(sound, id=str(i), split="train" if i else "test") for i in range(8)])
    config = replace(tiny_config(steps=3), tasks=None, batch_size=2)
    with pytest.raises(EarShotError, match="7 clips without a label"):
        panns.run(config, bare, tmp_path / "a")
    strips = AudioTower(strips=StripTransformerConfig(n_mels=16))
    other = replace(config, model=replace(config.model, audio=strips))
    with pytest.raises(EarShotError, match="another audio tower than a PANNs CNN"):
        panns.run(other, None, tmp_path / "b")
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    tasks = replace(tiny_config(steps=3).tasks, shots=(), recordings=("esc10",))
    with pytest.raises(EarShotError, match="no recordings 'esc10'"):
        panns.run(replace(config, tasks=tasks), None, tmp_path / "c")


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    without = panns.claim()
    assert {each.claim for each in without.comparisons} == {"transfer", "balance", "log_mel"}
    monkeypatch.setattr(panns, "shared_data", lambda name: Path("there"))
    experiment = panns.claim()
    assert {each.claim for each in experiment.comparisons} == set(panns.PAPER.claims)
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert replace(arms["plain"], balanced=True) == arms["balanced"]
    assert replace(arms["balanced"], mixup=1.0, tasks=arms["panns"].tasks) == arms["panns"]
    shuffled = replace(arms["shuffled"], shuffle_labels=False, tasks=arms["panns"].tasks)
    assert shuffled == arms["panns"]
    for name in ("wavegram", "wavegram_logmel"):
        assert arms[name].cnn == arms["panns"].cnn
        assert replace(arms[name], model=arms["panns"].model) == replace(arms["panns"], tasks=None)
        panns.build(arms[name])
    assert set(panns.TAUGHT).isdisjoint(panns.NEW)
