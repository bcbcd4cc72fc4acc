"""A full disk is a sentence; what was written stays, and with room again the rest is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from earshot.core.checkpoint import read_checkpoint, save_checkpoint
from earshot.core.errors import EarShotError
from earshot.index import Store
from earshot.jobs import loading
from earshot.recipes import clap
from earshot.synth import write_dataset
from earshot.training.fit import CHECKPOINTS, FitConfig
from earshot.training.run_state import checkpoints
from recipes.tiny_clap import tiny_config
from robustness.command import earshot
from robustness.conftest import SmallDisk
from toy_embedder import TONES, ToyEmbedder, write_tones
from training.toy_fit import toy_fit, toy_model

FIT = FitConfig(steps=12, warmup_steps=2, checkpoint_every=3, log_every=1, ema_decay=0.9)


@pytest.fixture
def sounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(loading, "load", lambda model, **_: ToyEmbedder())
    write_tones(tmp_path / "sounds", {f"{word}.wav": (word,) for word in TONES})
    return tmp_path / "sounds"


@pytest.mark.parametrize("room", [0, 4_096, 16_384])
def test_index(
    room: int, sounds: Path, small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    place = small_disk.folder / "index"
    options = ["--index", place, "--json"]
    assert earshot("index", sounds, *options, capsys=capsys).status == 0
    small_disk.fill(but=room)
    write_tones(sounds, {f"new/{i}.wav": ("dog", "cat") * 4 for i in range(40)})
    full = earshot("index", sounds, *options, capsys=capsys)
    assert full.status == 1
    assert "No space left" in full.err or "os error 28" in full.err
    held = Store.open(str(place)).known()
    assert {f"{word}.wav" for word in TONES} <= set(held)  # readable, with all it had
    small_disk.free()
    again = earshot("index", sounds, *options, capsys=capsys)
    assert (again.status, again.rows[0]["files"]) == (0, 45)
    rows = Store.open(str(place)).all_rows()
    pairs = list(zip(rows.table["path"].to_pylist(), rows.table["window"].to_pylist(), strict=True))
    assert len(pairs) == len(set(pairs)) == 5 + 40 * 8


def test_an_index_that_never_had_room(
    sounds: Path, small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    place = small_disk.folder / "index"
    small_disk.fill()
    assert earshot("index", sounds, "--index", place, capsys=capsys).status == 1
    small_disk.free()
    made = earshot("index", sounds, "--index", place, "--json", capsys=capsys)
    assert (made.status, made.rows[0]["added"]) == (0, 5)


def test_vectors(sounds: Path, small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("vectors.npz", "vectors.parquet"):
        out = small_disk.folder / name
        assert earshot("embed", sounds, "--out", out, capsys=capsys).status == 0
        before = out.read_bytes()
        small_disk.fill()
        assert earshot("embed", sounds, "--out", out, "--per-window", capsys=capsys).status == 1
        assert out.read_bytes() == before
        small_disk.free()
        assert sorted(path.name for path in small_disk.folder.iterdir() if path != out) in (
            [],
            ["vectors.npz"],
        )


def test_a_data_set(small_disk: SmallDisk, tmp_path: Path) -> None:
    out = small_disk.folder / "set"
    write_dataset(out, kind="sounds", n=2, seed=3)
    small_disk.fill(but=60_000)  # room for a clip or two
    with pytest.raises(EarShotError, match="cannot be written"):
        write_dataset(out, kind="sounds", n=12, seed=3)
    small_disk.free()
    write_dataset(out, kind="sounds", n=12, seed=3)
    write_dataset(tmp_path / "whole", kind="sounds", n=12, seed=3)
    for path in (tmp_path / "whole").rglob("*"):
        if path.is_file():
            relative = path.relative_to(tmp_path / "whole")
            assert (out / relative).read_bytes() == path.read_bytes(), relative


@pytest.mark.parametrize("room", [0, 8_192, 40_000])
def test_checkpoints_of_a_run(room: int, small_disk: SmallDisk, tmp_path: Path) -> None:
    out = small_disk.folder / "run"

    def fill_at(moment: int, taken: list[int]) -> None:
        taken.append(1)
        if len(taken) == moment:
            small_disk.fill(but=room)

    taken: list[int] = []
    with pytest.raises(EarShotError, match="--resume"):
        toy_fit(toy_model(), out, FIT, after_step=lambda: fill_at(5, taken))
    whole = [path.name for path in checkpoints(out / CHECKPOINTS)]
    assert whole[:1] == ["step-00000003"]
    small_disk.free()
    resumed, uninterrupted = toy_model(), toy_model()
    toy_fit(resumed, out, FIT, resume=True)
    toy_fit(uninterrupted, tmp_path / "whole", FIT)
    for name, value in uninterrupted.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_run_that_cannot_even_begin(small_disk: SmallDisk) -> None:
    small_disk.fill()
    config = replace(tiny_config(steps=1), toy=replace(tiny_config().toy, n_train=32, n_test=6))
    with pytest.raises(EarShotError, match="cannot be written"):
        clap.run(config, None, small_disk.folder / "run")


def test_a_model(small_disk: SmallDisk) -> None:
    folder, model = small_disk.folder / "model", clap.build(tiny_config())
    save_checkpoint(folder, "clap", tiny_config(), model)
    before = read_checkpoint(folder).weights()
    small_disk.fill(but=8_192)
    other = clap.build(tiny_config())
    with pytest.raises(EarShotError, match="cannot be written"):
        save_checkpoint(folder, "clap", tiny_config(), other)
    after = read_checkpoint(folder).weights()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert [path.name for path in folder.iterdir() if path.name.startswith(".part")] == []
