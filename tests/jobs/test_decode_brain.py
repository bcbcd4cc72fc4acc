from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.bids_study import write_study
from earshot.cli.main import app
from earshot.core.errors import EarShotError
from earshot.data.brain_windows import BrainWindowConfig
from earshot.jobs.decode_brain import decode_brain, load_decoder
from earshot.recipes import brain_decoding
from recipes.tiny_brain import tiny_config, tiny_speech_config


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    out = tmp_path_factory.mktemp("decode") / "run"
    config = replace(tiny_config(steps=40), n_test=None)
    return out, brain_decoding.run(config, None, out).values


@pytest.fixture(scope="module")
def bids(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A study on disk and a run over it: a folder of each."""
    pytest.importorskip("mne", reason="needs the extra brain")
    root = tmp_path_factory.mktemp("decode bids")
    study = write_study(root / "study")
    config = tiny_speech_config("mel", steps=4)
    windows = BrainWindowConfig(sample_rate=40.0, before_s=0.25, after_s=1.0)
    config = replace(config, windows=windows, bids=str(study), n_test=None, seed=1)
    brain_decoding.run(config, None, root / "run")
    return study, root / "run"


def test_the_run_s_own_test_comes_out_as_the_run_measured_it(
    simulated: tuple[Path, dict[str, float]],
) -> None:
    out, values = simulated
    decoded = decode_brain(out, top=4)
    assert decoded.figures["top10"] == pytest.approx(values["top10"])
    assert decoded.figures["chance_top10"] == values["chance_top10"]
    ranks = [window.rank for window in decoded.windows]
    assert sum(rank <= 10 for rank in ranks) / len(ranks) == pytest.approx(values["top10"])
    for window in decoded.windows:
        assert len(window.best) == 4
        shares = [each.probability for each in window.best]
        assert shares == sorted(shares, reverse=True)
        if window.rank <= 4:
            assert window.best[window.rank - 1].segment == window.segment


def test_a_study_on_disk_is_decoded_by_its_run(bids: tuple[Path, Path]) -> None:
    study, out = bids
    test, everything = decode_brain(out), decode_brain(out, study, which="all")
    assert {each.recording for each in everything.windows} == {
        "sub-01_task-story", "sub-02_ses-a_task-story", "sub-03_task-story",
    }  # fmt: skip
    assert len(everything.windows) > len(test.windows) > 2
    assert everything.windows[0].word.startswith("w")
    assert everything.windows[0].segment.startswith("story.wav@")


def test_the_command_shows_ranks_and_chance(bids: tuple[Path, Path]) -> None:
    study, out = bids
    told = CliRunner().invoke(app, ["decode", str(study), "--model", str(out), "--top", "2"])
    assert told.exit_code == 0, told.output
    assert "rank " in told.stdout
    assert "(chance " in told.stderr
    rows = CliRunner().invoke(app, ["decode", "--model", str(out), "--json"])
    first = json.loads(rows.stdout.splitlines()[0])
    assert {"recording", "onset_s", "word", "rank", "n_candidates", "best"} <= first.keys()


def test_strangers_are_refused_where_subjects_have_matrices(
    bids: tuple[Path, Path], tmp_path: Path
) -> None:
    study, out = bids
    shutil.copytree(study / "sub-01", tmp_path / "study" / "sub-77")
    shutil.copytree(study / "stimuli", tmp_path / "study" / "stimuli")
    for path in sorted((tmp_path / "study" / "sub-77" / "eeg").iterdir()):
        text = path.name.replace("sub-01", "sub-77")
        path.rename(path.with_name(text))
    for suffix in (".vhdr", ".vmrk"):
        path = tmp_path / f"study/sub-77/eeg/sub-77_task-story_eeg{suffix}"
        path.write_text(path.read_text("utf-8").replace("sub-01", "sub-77"), "utf-8")
    with pytest.raises(EarShotError, match="subject '77'; expected one that the model was trained"):
        decode_brain(out, tmp_path / "study", which="all")


def test_other_models_and_damaged_folders_are_refused(
    simulated: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    out, _ = simulated
    with pytest.raises(EarShotError, match="a model of recipe 'clap'"):
        load_decoder(_clap(tmp_path))
    with pytest.raises(EarShotError, match="which='train'"):
        decode_brain(out, which="train")  # type: ignore[arg-type]
    with pytest.raises(EarShotError, match="device 'tpu9'"):
        load_decoder(out, device="tpu9")
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    facts = json.loads((copy / "earshot.json").read_text())
    facts["config"]["model"]["width"] = 20
    (copy / "earshot.json").write_text(json.dumps(facts))
    with pytest.raises(EarShotError, match="its config asks for"):
        load_decoder(copy)
    facts["config"]["model"]["conv_depth"] = 10**9
    (copy / "earshot.json").write_text(json.dumps(facts))
    with pytest.raises(EarShotError, match="conv_depth=1000000000"):
        load_decoder(copy)
    del facts["extra"]["brain"]["mean"]
    (copy / "earshot.json").write_text(json.dumps(facts))
    with pytest.raises(EarShotError, match="does not say whom"):
        load_decoder(copy)


def _clap(folder: Path) -> Path:
    """The description of another recipe's model."""
    (folder / "clap").mkdir()
    facts = {"format": 1, "recipe": "clap", "config": {}, "extra": {}}
    (folder / "clap" / "earshot.json").write_text(json.dumps(facts))
    return folder / "clap"
