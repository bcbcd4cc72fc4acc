from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from earshot.core.checkpoint import read_checkpoint
from earshot.core.config import from_dict, to_dict
from earshot.core.errors import EarShotError
from earshot.data import ClipSet
from earshot.data.brain import split_extents
from earshot.models.speech_targets import MelTarget
from earshot.objectives.sequence_clip import SequenceClip
from earshot.recipes import brain_decoding
from earshot.recipes.brain_decoding import Config
from earshot.training.brain import brain_material
from earshot.training.fit import FitConfig, fit
from recipes.power_cut import check_it_ends_the_same
from recipes.tiny_brain import tiny_config, tiny_speech_config


def figures(config: Config, out: Path) -> dict[str, float]:
    return brain_decoding.run(config, None, out).values


@pytest.fixture(scope="module")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, float], Path]:
    """One short run that several tests look at."""
    out = tmp_path_factory.mktemp("decoded") / "run"
    return figures(tiny_config(), out), out


@pytest.mark.claim("brain_decoding/contrastive")
def test_segments_are_found_and_from_shuffled_brains_they_are_not(
    decoded: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    values, _ = decoded
    control = figures(replace(tiny_config(), shuffle_brain=True), tmp_path / "control")
    assert values["n_candidates"] == 60
    assert values["chance_top10"] == pytest.approx(1 / 6)
    assert values["top10"] > 0.75  # 0.92 as it stands
    assert control["top10"] < 0.3
    regression = figures(replace(tiny_config(), objective="regression"), tmp_path / "regression")
    assert regression["top1"] < values["top1"] - 0.05


@pytest.mark.claim("brain_decoding/subjects")
def test_a_matrix_a_subject_helps(decoded: tuple[dict[str, float], Path], tmp_path: Path) -> None:
    config = tiny_config()
    without = replace(config, model=replace(config.model, subject_layer=False))
    assert figures(without, tmp_path / "without")["top10"] < decoded[0]["top10"] - 0.1
    alone = figures(replace(config, first_subject=True), tmp_path / "alone")
    assert alone["top10"] == alone["first_top10"]
    assert decoded[0]["top10"] != decoded[0]["first_top10"]


@pytest.mark.claim("brain_decoding/clamp")
def test_artefacts_ruin_what_is_not_clamped(
    decoded: tuple[dict[str, float], Path], tmp_path: Path
) -> None:
    config = tiny_config()
    config = replace(config, windows=replace(config.windows, clamp=None))
    assert figures(config, tmp_path / "run")["top10"] < decoded[0]["top10"] - 0.1


@pytest.mark.claim("brain_decoding/speech")
@pytest.mark.parametrize("kind", ["mel", "deep_mel", "frozen"])
def test_sounds_are_heard_in_three_ways(kind: str, tmp_path: Path) -> None:
    """Each finds what was heard more often than chance; the folder knows how to listen again."""
    config = tiny_speech_config(kind)
    values = figures(config, tmp_path / "run")
    assert values["top10"] > 1.5 * values["chance_top10"]
    assert (tmp_path / "run" / "speech.safetensors").is_file() == (kind == "frozen")
    saved = from_dict(Config, read_checkpoint(tmp_path / "run").config)
    assert saved.model.dim == {"mel": 20, "deep_mel": 16, "frozen": 16}[kind]
    assert (saved.model.deep_mel is not None) == (kind == "deep_mel")
    listen = brain_decoding.listener(saved.speech, tmp_path / "run")
    assert listen is not None
    assert listen(torch.zeros(8_000)).shape[0] == (16 if kind == "frozen" else 20)


def test_it_learns_eight_windows(tmp_path: Path) -> None:
    config = tiny_config()
    study = brain_decoding.study_of(config)
    extents = split_extents(study, 0)
    material = brain_material(study, extents, None, config.windows, seed=0)
    eight = [window for window in material.train if window.recording == 0][:8]
    batches = material.batches(eight, subjects=study.subjects, batch_size=8)
    torch.manual_seed(0)
    model = brain_decoding.build(
        replace(config, model=replace(brain_decoding.sizes_for(config, material), dropout_radius=0))
    )
    objective = SequenceClip()
    fit(
        model,
        lambda b: objective(model(b.brain, b.positions, b.subject, b.padding), b.speech, b.segment),
        batches.batches,
        FitConfig(steps=80, learning_rate=3e-3, warmup_steps=5),
        tmp_path,
    )
    batch = next(batches.once())
    with torch.no_grad():
        found = model(batch.brain, batch.positions, batch.subject, batch.padding)
        assert objective(found, batch.speech, batch.segment).item() < 0.05


@pytest.mark.parametrize("preset", ["paper", "deep_mel", "small", "small_speech"])
def test_presets_survive_json(preset: str) -> None:
    config = getattr(Config, preset)()
    assert from_dict(Config, json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize(("preset", "size"), [("paper", 9.57e6), ("deep_mel", 9.32e6 + 9.40e6)])
def test_the_paper_s_models_have_their_sizes(preset: str, size: float) -> None:
    """The deep mel's brain module gives 768 features, not 1 024: 0.16 M less."""
    with torch.device("meta"):
        model = brain_decoding.build(getattr(Config, preset)())
    assert sum(each.numel() for each in model.parameters()) == pytest.approx(size, rel=0.002)


def test_the_paper_s_model_takes_a_step() -> None:
    """Two windows of 3 s from 273 sensors, less the shift of 18 samples."""
    torch.manual_seed(0)
    model = brain_decoding.build(Config.paper())
    optimizer = torch.optim.Adam(model.parameters(), 3e-4)
    brain, where, subject = torch.randn(2, 273, 342), torch.rand(2, 273, 2), torch.tensor([0, 26])
    speech = torch.randn(2, 1_024, 342)
    losses = []
    for _ in range(2):
        loss = SequenceClip()(model(brain, where, subject), model.hear(speech))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]


def test_the_paper_s_mel_is_the_written_one() -> None:
    listen = MelTarget(Config.deep_mel().speech.mel)
    assert (listen.dim, listen.rate, listen.sample_rate) == (120, 125.0, 16_000)
    assert listen(torch.zeros(16_000)).unique().item() == pytest.approx(-5.0)  # log10(0 + 1e-5)


def test_the_folder_holds_what_decodes(decoded: tuple[dict[str, float], Path]) -> None:
    values, out = decoded
    checkpoint = read_checkpoint(out)
    assert checkpoint.recipe == "brain_decoding"
    assert checkpoint.extra["figures"] == values
    about = checkpoint.extra["brain"]
    assert about["subjects"] == ["sim00", "sim01", "sim02"]
    assert about["simulated"] is True
    model = brain_decoding.build(from_dict(Config, checkpoint.config))
    model.load_state_dict(checkpoint.weights())


def test_a_run_that_was_cut_short_ends_the_same(tmp_path: Path) -> None:
    config = tiny_config(steps=6)
    config = replace(config, fit=replace(config.fit, checkpoint_every=2))
    check_it_ends_the_same(brain_decoding, config, tmp_path, update=4)


def test_a_run_that_was_cut_while_it_learnt_to_hear_ends_the_same(tmp_path: Path) -> None:
    config = tiny_speech_config("frozen", steps=6)
    config = replace(config, fit=replace(config.fit, checkpoint_every=2))
    check_it_ends_the_same(brain_decoding, config, tmp_path, update=(4, 8))


def test_what_cannot_be_decoded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match=r"clips of sound.*--set bids=FOLDER"):
        brain_decoding.run(tiny_config(), ClipSet([]), tmp_path / "a")
    with pytest.raises(EarShotError, match="is no folder"):
        brain_decoding.run(replace(tiny_config(), bids=str(tmp_path / "no")), None, tmp_path / "b")
    long = replace(tiny_config(), windows=replace(tiny_config().windows, after_s=90.0))
    with pytest.raises(EarShotError, match="0 windows of training"):
        brain_decoding.run(long, None, tmp_path / "c")
    deaf = tiny_speech_config("track")
    with pytest.raises(EarShotError, match="a sound, where features were expected"):
        brain_decoding.run(deaf, None, tmp_path / "d")


def test_the_claim_s_arms_differ_as_they_should() -> None:
    experiment = brain_decoding.claim()
    arms = {arm.name: arm.config for arm in experiment.arms}
    assert {each.claim for each in experiment.comparisons} == set(brain_decoding.PAPER.claims)
    method = arms["contrastive"]
    assert replace(arms["regression"], objective="contrastive") == method
    assert replace(arms["single_subject"], first_subject=False) == method
    assert replace(arms["random"], shuffle_brain=False) == method
    assert replace(arms["no_clamp"], windows=method.windows) == method
    assert arms["no_clamp"].windows.clamp is None
    assert replace(arms["no_subject_layer"], model=method.model) == method
    assert not arms["no_subject_layer"].model.subject_layer
    spoken = arms["deep_mel"]
    for name in ("mel", "frozen"):
        assert replace(arms[name], speech=replace(arms[name].speech, kind="deep_mel")) == spoken
