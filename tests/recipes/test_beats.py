from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from earshot.audio import Audio, write_audio
from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import open_clips
from earshot.encoders.beats import BeatsConfig
from earshot.encoders.beats_tokenizer import BeatsTokenizer, BeatsTokenizerConfig
from earshot.jobs.loading import load
from earshot.layers.ema_codebook import EmaCodebookConfig
from earshot.layers.random_projection import RandomProjection, RandomProjectionConfig
from earshot.metrics.label_information import label_information
from earshot.models.pretraining.tokenizer_distillation import TokenizerDistillation
from earshot.models.sound_encoder import SoundEncoder
from earshot.recipes import beats
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_beats import tiny_config


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    """One short run that several tests look at."""
    out = tmp_path_factory.mktemp("taught") / "run"
    return beats.run(tiny_config(), None, out).values, out


def write_tone(path: Path, number: int) -> None:
    """Over a second of one of two tones, with noise of its own."""
    tone = np.sin(np.arange(20_000) * (0.1 + 0.2 * (number % 2))) * 0.3
    noise = np.random.default_rng(number).normal(0, 0.01, len(tone))
    write_audio(path, tone + noise, 16_000)


@pytest.mark.claim("beats/labels")
def test_labels_are_learnt_and_those_of_other_clips_are_not(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    """The control has the same training, of labels that are those of another clip."""
    values, _ = taught
    shuffled = replace(tiny_config(), iterations=1)
    shuffled = replace(shuffled, masking=replace(shuffled.masking, shuffled=True))
    control = beats.run(shuffled, None, tmp_path / "shuffled").values
    assert values["encoder_1_loss"] < control["encoder_1_loss"] - 0.1
    names = [f"events_{what}_{turn}" for what in ("accuracy", "information") for turn in "12"]
    assert all(values[name] > 0 for name in names)
    assert control["events_information_1"] == values["events_information_1"]


class Knowing:
    """A teacher that has found out how a clip is striped, under noise that hides it in a patch."""

    stripes = torch.tensor([1.0, -1.0, 1.0, -1.0]).repeat(2)[:, None]  # [bands, 1]

    def classes(self, log_mel: Tensor) -> Tensor:
        return ((log_mel * self.stripes).mean((1, 2)) > 0).long()

    def hidden(self, log_mel: Tensor, n_frames: Tensor) -> tuple[Tensor, Tensor]:
        states = F.one_hot(self.classes(log_mel), 4).float()[:, None].expand(-1, 8, -1)
        return states, torch.zeros(states.shape[:2], dtype=torch.bool)

    def clips(self, n: int) -> Tensor:
        sign = torch.randint(0, 2, (n,)) * 2.0 - 1.0
        return 0.8 * sign[:, None, None] * self.stripes + 3.0 * torch.randn(n, 8, 16)


@pytest.mark.claim("beats/iterations")
def test_a_distilled_tokenizer_s_labels_say_what_its_teacher_knows() -> None:
    """The control: labels of a random projection, which see a patch at a time and its noise."""
    trunk = replace(tiny_config().model.audio.beats.transformer, dim=16, conv_groups=2)
    sizes = BeatsConfig(n_mels=8, patch=4, embed_dim=16, transformer=trunk)
    torch.manual_seed(0)
    book = EmaCodebookConfig(n_codes=6, dim=4, kmeans_steps=4)
    tokenizer = BeatsTokenizer(BeatsTokenizerConfig(sizes, book))
    model, teacher = TokenizerDistillation(tokenizer, 4, estimator_depth=1), Knowing()
    n_frames, optimizer = torch.full((64,), 16), torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(80):
        optimizer.zero_grad()
        model.train()(teacher.clips(64), n_frames, teacher)["loss"].backward()
        optimizer.step()
    clips = teacher.clips(64)
    classes = teacher.classes(clips).repeat_interleave(8)
    drawn = RandomProjection(RandomProjectionConfig(n_inputs=16, n_codes=6, code_dim=4))
    found = model.eval().tokenizer.labels(clips, n_frames)
    chance = drawn(tokenizer.encoder.patches(clips, n_frames)[0])
    distilled, random = (label_information(c.flatten(), classes, 6).share for c in (found, chance))
    assert distilled > 0.6
    assert random < 0.2


@pytest.mark.claim("beats/real")
def test_recordings_take_the_same_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tones in the place of the recordings; one set has folds, the other has none."""
    for name, folds in (("esc10", True), ("instruments", False)):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        lines = ["path,label,fold" if folds else "path,label"]
        for i in range(24):
            write_tone(folder / f"{i}.wav", i)
            lines.append(f"{i}.wav,{'ab'[i % 2]}" + (f",{i // 2 % 3 + 1}" if folds else ""))
        (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    config = replace(tiny_config(steps=8), recordings=beats.RECORDINGS)
    pool, tasks = beats.clips_of(config, None)
    assert tasks.keys() == {"esc10", "instruments"}
    assert len(tasks["esc10"].test) == 8
    assert len(pool) == sum(len(task.train) for task in tasks.values())
    held_out = {clip.audio for task in tasks.values() for clip in task.test}
    assert not held_out & {clip.audio for clip in pool}
    values = beats.run(config, None, tmp_path / "run").values
    assert values["esc10_accuracy_2"] >= 0.5
    assert {"instruments_accuracy_0", "instruments_information_2"} <= values.keys()
    monkeypatch.delenv("EARSHOT_SHARED")
    with pytest.raises(EarShotError, match="no recordings 'esc10'"):
        beats.run(config, None, tmp_path / "without")


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(beats.Config, preset)()
    assert from_dict(beats.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_models_have_their_sizes() -> None:
    config = beats.Config.paper()
    assert config.model.audio.beats is not None
    with torch.device("meta"):
        model = beats.build(config)
        tokenizer = BeatsTokenizer(BeatsTokenizerConfig(config.model.audio.beats, config.codebook))
    assert sum(each.numel() for each in model.parameters()) == pytest.approx(90.3e6, rel=0.001)
    assert config.iterations == 3
    codebook = tokenizer.quantize.weight.numel()
    count = sum(each.numel() for each in tokenizer.parameters()) + codebook
    assert count == pytest.approx(91.6e6, rel=0.005)


def test_the_folder_loads_as_its_last_encoder(taught: tuple[dict[str, float], Path]) -> None:
    values, out = taught
    checkpoint = read_checkpoint(out)
    assert checkpoint.recipe == "beats"
    assert checkpoint.extra["figures"] == values
    model = load(out)
    assert isinstance(model.model, SoundEncoder)
    sound = Audio(np.sin(np.arange(30_000) * 0.2).astype(np.float32) * 0.3, 16_000)
    assert model.embed_audio(sound).windows.shape == (2, 32)
    assert {path.name for path in out.iterdir() if path.is_dir()} == {
        "encoder_1", "tokenizer_2", "encoder_2",
    }  # fmt: skip


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    """Killed in the first encoder, the tokenizer and the second encoder."""
    config = tiny_config(steps=6)
    config = replace(
        config,
        fit=replace(config.fit, checkpoint_every=2),
        tokenizer_fit=replace(config.tokenizer_fit, checkpoint_every=2),
    )
    check_it_ends_the_same(beats, config, tmp_path, update=(3, 6, 7))


def test_clips_of_a_manifest_are_heard_with_labels_or_without(tmp_path: Path) -> None:
    rows = ["path,label"]
    for i in range(20):
        write_tone(tmp_path / f"{i}.wav", i)
        rows.append(f"{i}.wav,{'ab'[i % 2]}")
    (tmp_path / "clips.csv").write_text("\n".join(rows) + "\n")
    config = replace(tiny_config(steps=2), iterations=1)
    told = beats.run(config, open_clips(tmp_path / "clips.csv"), tmp_path / "told")
    assert {"probe_accuracy_0", "probe_accuracy_1", "encoder_1_loss"} <= told.values.keys()
    bare = tmp_path / "bare.csv"
    bare.write_text("\n".join(row.partition(",")[0] for row in rows) + "\n")
    untold = beats.run(config, open_clips(bare), tmp_path / "untold")
    assert untold.values.keys() == {"encoder_1_loss"}


def test_settings_that_do_not_fit_are_refused() -> None:
    config = tiny_config()
    with pytest.raises(EarShotError, match="iterations=0"):
        replace(config, iterations=0)
    with pytest.raises(EarShotError, match="they have no tokenizer"):
        replace(config, masking=replace(config.masking, target="pixels"))
    with pytest.raises(EarShotError, match=r"first\.n_inputs"):
        replace(config, first=replace(config.first, n_inputs=9))
    with pytest.raises(EarShotError, match="as many in every iteration"):
        replace(config, codebook=replace(config.codebook, n_codes=8))


def test_the_claim_s_arms_differ_as_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    without = beats.claim()
    assert not any(arm.config.recordings for arm in without.arms)
    assert {each.claim for each in without.comparisons} == {"labels", "iterations"}
    monkeypatch.setattr(beats, "shared_data", lambda name: Path("there"))
    experiment = beats.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert {each.claim for each in experiment.comparisons} == set(beats.PAPER.claims)
    method = replace(arms["beats"], iterations=1)
    for name, changed in (("pixels", {"target": "labels"}), ("shuffled", {"shuffled": False})):
        arm = arms[name]
        assert arm != method
        assert replace(arm, masking=replace(arm.masking, **changed)) == method
    real = arms["real_pixels"]
    assert replace(real, masking=method.masking, iterations=2) == arms["real_beats"]
