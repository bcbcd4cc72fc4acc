from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import BatchLoader, Clip, ClipSet
from earshot.jobs.loading import load
from earshot.jobs.starting import find_start
from earshot.layers.spec_augment import SpecAugmentConfig
from earshot.models.starting_weights import start_text
from earshot.objectives.cwcl import CWCL
from earshot.recipes import cwcl
from earshot.synth.commands import command_clips
from earshot.training.fit import FitConfig, fit
from earshot.training.locking import LockedTexts
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_cwcl import tiny_config


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    """One short run that several tests look at."""
    out = tmp_path_factory.mktemp("taught") / "run"
    return cwcl.run(tiny_config(steps=160), None, out).values, out


@pytest.mark.claim("cwcl/zero_shot")
def test_transcripts_teach_intents_and_shuffled_ones_do_not(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    """Speakers of the test were never heard, and no intent was ever told."""
    values, _ = taught
    config = replace(tiny_config(steps=160), shuffle_captions=True)
    control = cwcl.run(config, None, tmp_path / "control").values
    assert values["zero_shot"] > 1.5 * values["zero_shot_chance"]  # measured: 2.1 times
    assert values["zero_shot"] > control["zero_shot"] + 0.1
    assert values["zero_shot"] <= values["text_bound"] + 0.05
    assert values["transcript_r1"] > 6 * values["transcript_chance"]  # measured: 15 times
    assert control["transcript_r1"] < 3 * control["transcript_chance"]


@pytest.mark.claim("cwcl/digits")
def test_recordings_take_the_same_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits by three procedural voices in the place of the recordings' speakers."""
    from earshot.audio import write_audio
    from earshot.data.spoken_digits import DIGITS
    from earshot.synth.commands import spoken_word

    folder = tmp_path / "fsdd"
    folder.mkdir()
    lines = ["path,digit,transcript,speaker,duration"]
    for voice in ("m1", "m3", "f3"):
        for digit in (1, 2, 6, 9):
            sound = spoken_word(DIGITS[digit], voice, 0, 8_000)
            for take in range(4):
                path = f"{digit}_{voice}_{take}.wav"
                write_audio(folder / path, (0.5 + take / 10) * sound, 8_000)
                lines.append(f"{path},{digit},{DIGITS[digit]},{voice},{len(sound) / 8_000}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    config = replace(tiny_config(steps=40), recordings=True, batch_size=16)
    values = cwcl.run(config, None, tmp_path / "run").values
    assert values["zero_shot"] > 2 * values["zero_shot_chance"]
    shuffled = replace(config, shuffle_captions=True)
    control = cwcl.run(shuffled, None, tmp_path / "control").values
    assert values["zero_shot"] > control["zero_shot"] + 0.2


def test_it_learns_eight_clips(tmp_path: Path) -> None:
    config = tiny_config()
    clips = command_clips(0, replace(config.toy, n_train=40)).split("train")
    told = {clip.captions[0]: clip for clip in clips}
    eight = ClipSet(list(told.values())[:8])
    torch.manual_seed(0)
    model = cwcl.build(config)
    start_text(model, "earshot-small")
    texts = LockedTexts(model, [clip.captions[0] for clip in eight])
    objective = CWCL(reduce="mean", weigh=cwcl.own_only)

    def loss_of(batch):
        audio = model.embed_audio(batch.waveform, batch.n_samples)
        return objective(audio, texts(batch.captions), model.scale)

    loader = BatchLoader(eight, batch_size=8, sample_rate=8_000, workers=0)
    settings = FitConfig(steps=60, learning_rate=3e-3, warmup_steps=5)
    result = fit(model, loss_of, loader.batches, settings, tmp_path, after_step=model.clamp_scale)
    assert result.loss < 0.2  # from log 8 = 2.08


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(cwcl.Config, preset)()
    assert from_dict(cwcl.Config, json.loads(json.dumps(to_dict(config)))) == config


def test_the_paper_s_model_has_the_size_of_its_parts() -> None:
    config = cwcl.Config.paper()
    with torch.device("meta"):
        model = cwcl.build(config).lock("text")
    sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in (
        ("speech", model.audio_encoder), ("matrix", model.audio_projection),
        ("text", model.text_encoder), ("all", model))}  # fmt: skip
    assert sizes["speech"] == 20_590_592  # whisper-base's encoder
    assert sizes["matrix"] == 512 * 768 + 768
    assert sizes["text"] == pytest.approx(124.05e6, rel=0.001)  # RoBERTa-base without pooler
    assert sizes["all"] == pytest.approx(145.0e6, rel=0.001)
    learnt = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert learnt == pytest.approx(20.2e6, rel=0.01)  # Whisper's places are not learnt


@pytest.mark.slow
def test_the_paper_s_model_takes_a_training_step(tmp_path: Path) -> None:
    config = cwcl.Config.paper()
    model = cwcl.build(config).lock("text")
    model.tokenizer = lambda texts: (  # the published one needs its files
        torch.arange(3, 13).repeat(len(texts), 1),
        torch.zeros(len(texts), 10, dtype=torch.bool),
    )
    noise = torch.randn(2, 3 * 16_000, generator=torch.Generator().manual_seed(0)) * 0.1
    n_samples = torch.tensor([3 * 16_000, 2 * 16_000])
    objective = cwcl.build_loss(config, LockedTexts(model, ["a", "b"]))

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return objective(model.embed_audio(batch, n_samples), model.embed_text("ab"), model.scale)

    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    settings = replace(config.fit, steps=1, warmup_steps=0)
    assert np.isfinite(fit(model, loss_of, lambda first: iter([noise]), settings, tmp_path).loss)
    after = dict(model.named_parameters())
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    learnt = {name for name, value in after.items() if value.requires_grad}
    assert moved <= learnt
    assert len(moved) > 0.9 * len(learnt)


def test_the_text_tower_is_as_it_was_and_the_folder_is_a_model(
    taught: tuple[dict[str, float], Path],
) -> None:
    values, out = taught
    checkpoint = read_checkpoint(out)
    assert checkpoint.recipe == "cwcl"
    assert checkpoint.extra["figures"] == values
    assert sum(checkpoint.extra["cosines"]["share"]) == pytest.approx(1.0)
    assert "Cosines of the training texts" in (out / "report.json").read_text()
    embedder, shipped = load(out), load()
    texts = ["give the dog its food", "fill the bathtub"]
    np.testing.assert_allclose(embedder.embed_texts(texts), shipped.embed_texts(texts), atol=1e-5)
    sound = command_clips(9, tiny_config().toy)[0].audio.waveform
    assert embedder.embed_waveforms([sound]).shape == (1, 256)


def test_another_run_can_start_from_it(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    _, out = taught
    start = find_start(out)
    before = {name: value.clone() for name, value in start.model.state_dict().items()}
    config = replace(tiny_config(steps=2), model=start.config)
    cwcl.run(config, None, tmp_path / "on", start=start)
    after = read_checkpoint(tmp_path / "on").weights()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("audio_") for name in moved)
    assert not any(name.startswith("text_") for name in moved)


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    config = tiny_config()
    config = replace(
        config,
        prepare="centre",
        drop_doubles=True,
        fit=replace(config.fit, steps=6, checkpoint_every=2),
        spec_augment=SpecAugmentConfig(time_width=8, mel_width=4),
    )
    check_it_ends_the_same(cwcl, config, tmp_path, update=5)


def test_captions_of_any_sound_will_do(tmp_path: Path) -> None:
    """No label, two captions a clip: what a user's manifest may hold."""
    clips = [
        Clip(each.audio, captions=(each.captions[0], f"a voice: {each.captions[0]}"), id=each.id)
        for each in command_clips(0, tiny_config().toy)
    ]
    values = cwcl.run(tiny_config(steps=2), ClipSet(clips), tmp_path).values
    assert "zero_shot" not in values
    assert 0 <= values["transcript_r1"] <= 1


def test_labels_are_needed_where_they_weigh(tmp_path: Path) -> None:
    clips = ClipSet(
        [replace(clip, labels=()) for clip in command_clips(0, tiny_config().toy)], labels=()
    )
    with pytest.raises(EarShotError, match="Set weigh_by=text"):
        cwcl.run(replace(tiny_config(steps=2), weigh_by="labels"), clips, tmp_path)


def test_the_audio_tower_as_it_was_may_weigh(
    taught: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    """Weights are those of the start, through the whole run, and no others."""
    _, out = taught
    config = replace(tiny_config(steps=3), weigh_by="audio", prepare="centre")
    with pytest.raises(EarShotError, match="Start from a model with --model"):
        cwcl.run(config, None, tmp_path / "none")
    start = find_start(out)
    clips = command_clips(0, config.toy).split("train")
    before = cwcl.HeardOnce(start.model.eval(), clips)
    rows = before(list(clips)[:9])
    assert torch.equal(rows, before.all_rows()[:9])
    by_hand = load(out).embed_waveforms([clip.audio.waveform for clip in list(clips)[:9]])
    np.testing.assert_allclose(rows.numpy(), by_hand, atol=1e-5)
    loss = cwcl.build_loss(config, before)
    torch.testing.assert_close(loss.weigh.mean, before.all_rows().mean(0))
    by_sound = cwcl.run(config, None, tmp_path / "sound", start=start).values
    by_text = replace(config, weigh_by="text")
    by_text_values = cwcl.run(by_text, None, tmp_path / "text", start=find_start(out)).values
    assert by_sound["loss"] != by_text_values["loss"]


def test_each_text_stands_once() -> None:
    assert cwcl.first_of_each(["a", "b", "a", "c", "b"]) == [0, 1, 3]


def test_the_claim_s_arms_differ_as_they_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    without = cwcl.claim()
    assert not any(arm.config.recordings for arm in without.arms)
    assert {each.claim for each in without.comparisons} == {"zero_shot"}
    (tmp_path / "fsdd").mkdir()
    monkeypatch.setenv("EARSHOT_SHARED", str(tmp_path))
    experiment = cwcl.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert {each.claim for each in experiment.comparisons} == set(cwcl.PAPER.claims)
    assert replace(arms["cl"], weigh_by="text") == arms["cwcl_1"]
    assert replace(arms["cwcl_16"], kappa=1.0) == arms["cwcl_1"]
    assert replace(arms["shuffled"], shuffle_captions=False) == arms["cwcl_16"]
    assert replace(arms["cl_once"], drop_doubles=False) == arms["cl"]
    assert replace(arms["digits_cl"], weigh_by="text", kappa=16.0) == arms["digits_cwcl_16"]
    assert len({json.dumps(to_dict(config.fit)) for config in arms.values()}) <= 2
