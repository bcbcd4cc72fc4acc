from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from earshot.core.checkpoint import save_checkpoint
from earshot.core.errors import EarShotError
from earshot.jobs import loading
from earshot.jobs.indexing import index
from earshot.jobs.loading import as_embedder, load, shipped_models
from earshot.jobs.search import search
from earshot.jobs.tag import tag
from earshot.recipes import clap
from published import clap_directory
from toy_embedder import write_tones


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_OFFLINE", "1")


def test_an_unknown_name_lists_what_is_accepted() -> None:
    with pytest.raises(EarShotError, match="a LAION .pt, a Microsoft .pth or an ASE .pt"):
        load("earshot-smal")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="a folder without earshot.json or config.json"):
        load(tmp_path)


def test_a_slip_in_a_path_is_not_taken_for_a_hub_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("runs/clapp", "weights/none.pt"):
        with pytest.raises(EarShotError, match="A model is"):
            load(name)


def test_the_hub_is_not_asked_offline() -> None:
    with pytest.raises(EarShotError, match="offline"):
        load("nobody-has/such-a-model")


def test_a_run_folder_of_an_unknown_recipe(tmp_path: Path) -> None:
    facts = {"format": 1, "recipe": "no_such_paper", "config": {}, "extra": {}}
    (tmp_path / "earshot.json").write_text(json.dumps(facts))
    with pytest.raises(EarShotError, match="recipe 'no_such_paper'"):
        load(tmp_path)


def test_what_embeds_already_is_taken_as_it_is() -> None:
    model = object()
    assert as_embedder(model) is model  # type: ignore[arg-type]


def test_without_its_weights_the_default_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_weights", lambda: tmp_path / "weights")
    assert shipped_models() == []
    with pytest.raises(EarShotError, match="make weights"):
        load()


def test_a_transformers_folder_serves_the_jobs(tmp_path: Path) -> None:
    sounds, folder = tmp_path / "sounds", tmp_path / "clap"
    write_tones(sounds, {"a.wav": ("dog",), "b.wav": ("car", "bell")})
    folder.mkdir()
    clap_directory(folder, fused=False)
    model = load(folder)
    report = index(sounds, model=model)
    assert (report.added, report.failures) == (2, [])
    hits = search("a dog", sounds)  # by the model that the index names
    query = model.embed_texts(["a dog"])[0]
    cosines = {p.name: model.embed_audio(p).mean @ query for p in sounds.glob("*.wav")}
    assert {hit.path.name: hit.score for hit in hits} == pytest.approx(cosines, abs=1e-5)
    [answer] = tag(sounds / "a.wav", labels=["dog", "car"], model=model)
    assert {each.label for each in answer.labels} == {"dog", "car"}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `earshot run clap` leaves, untrained."""
    folder = tmp_path_factory.mktemp("runs") / "clap"
    config = clap.Config.small()
    save_checkpoint(folder, "clap", config, clap.build(config))
    return folder


def test_a_run_folder_embeds_as_the_model_that_was_saved(run_folder: Path) -> None:
    state = torch.get_rng_state()
    first, again = load(run_folder), load(run_folder)
    assert torch.equal(state, torch.get_rng_state())
    assert first.fingerprint == again.fingerprint
    assert first.name == str(run_folder)
    assert (first.embed_texts(["a dog"]) == again.embed_texts(["a dog"])).all()


def test_weights_that_do_not_fit_are_named(run_folder: Path, tmp_path: Path) -> None:
    weights = load_file(run_folder / "model.safetensors")
    facts = (run_folder / "earshot.json").read_text()
    (tmp_path / "earshot.json").write_text(facts)
    name = next(name for name, value in weights.items() if value.ndim == 2)
    save_file({k: v for k, v in weights.items() if k != name}, tmp_path / "model.safetensors")
    with pytest.raises(EarShotError, match="without .*Copy the folder again"):
        load(tmp_path)
    save_file(weights | {name: weights[name][:1].clone()}, tmp_path / "model.safetensors")
    with pytest.raises(EarShotError, match="tensors of the shapes"):
        load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04pickled")
    with pytest.raises(EarShotError, match="whole safetensors file"):
        load(tmp_path)


def test_the_shipped_model_needs_nothing_but_the_package() -> None:
    model = load()
    assert model.name == "earshot-small"
    rows = model.embed_texts(["a dog barking then rain", "rain then a dog barking"])
    assert float(rows[0] @ rows[1]) < 0.999  # it reads the order of words
