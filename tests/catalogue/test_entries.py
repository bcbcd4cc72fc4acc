"""Every entry has its cells, and what they say is so."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
import transformers
from typer.main import get_command

from earshot.catalogue import (
    ARCHITECTURES,
    KINDS,
    Entry,
    catalogue,
    commands_of,
    presets_of,
    recipe_of,
    stands,
    status_of,
)
from earshot.catalogue.reading import read_catalogue
from earshot.cli import main
from earshot.core.errors import EarShotError
from earshot.core.paper import FAMILIES
from earshot.recipes import find_recipe, keys, paper_of

ALL = catalogue().entries
MODELS = catalogue().of("models")
PLANNED = [
    "clap", "compa", "teminal", "reclap", "cwcl", "gradient_harmonization", "coconut", "ctc_ot",
    "panns", "ssast", "beats", "w2v_bert", "ssl_speech_review", "ainu_adaptation", "autotcl",
    "brain_decoding", "audiosetcaps", "wavcaps", "soft_hard_prompts", "slam_aac", "beats_bart",
    "alm_survey", "languagebind", "one_peace", "valor", "x_clip", "salmonn", "qwen_audio",
    "typhoon_audio", "lol_decoding", "air_bench", "s2s_arena", "audiogen", "musicldm",
    "clipsonic", "v2a_mapper", "vatt", "talklip", "ham_tts", "ctap_tts", "gense",
    "weak_separation",
]  # fmt: skip
SOUND, WORDS, HEARS = ("embed_audio",), ("embed_audio", "embed_text"), ("hear",)
METHODS = {  # of the model that a recipe builds, by what its entry says it does
    "embedding": SOUND,
    "tagging": SOUND,
    "speaker and emotion": SOUND,
    "zero-shot classification": WORDS,
    "audio-text retrieval": WORDS,
    "temporal understanding": WORDS,
    "compositional understanding": WORDS,
    "speech recognition": HEARS,
    "speech translation": HEARS,
    "brain decoding": HEARS,
    "captioning": ("captions",),
}


def name_of(entry: Entry) -> str:
    return f"{entry.kind}/{entry.name}"


@pytest.mark.parametrize("entry", ALL, ids=name_of)
def test_no_cell_is_empty(entry: Entry) -> None:
    for value in entry.cells.values():
        assert value
        assert all(
            word.strip() == word != "" for word in ((value,) if isinstance(value, str) else value)
        )
    assert re.fullmatch(r"[a-z0-9_]+", entry.name) or entry.kind == "tasks"


def test_every_system_of_the_plan_has_an_entry_and_no_other_claims_a_recipe() -> None:
    own = [entry.name for entry in MODELS if recipe_of(entry) == entry.name]
    assert own == PLANNED
    assert len(PLANNED) == 42


@pytest.mark.parametrize("key", keys())
def test_a_recipe_is_in_its_cells(key: str) -> None:
    entry, paper = catalogue().entry("models", key), paper_of(key)
    assert entry.family == paper.family
    assert entry.reference == f"arXiv:{paper.arxiv[0]}"
    assert (stands(entry), status_of(entry)) == (True, "recipe")
    assert entry.architecture in ARCHITECTURES
    model = find_recipe(key).build(find_recipe(key).Config.small())
    for task in entry.tasks:
        assert all(callable(getattr(model, name)) for name in METHODS.get(task, ())), task


@pytest.mark.parametrize("entry", MODELS, ids=name_of)
def test_a_model_is_of_a_family_and_of_presets_that_are_there(entry: Entry) -> None:
    assert entry.family in FAMILIES
    for preset in presets_of(entry):
        assert callable(getattr(find_recipe(str(recipe_of(entry))).Config, preset))


def commands() -> set[str]:
    """All commands of the command line, with their sub-commands."""
    found = set()
    for name, command in get_command(main.app).commands.items():  # type: ignore[attr-defined]
        found |= {name, *(f"{name} {sub}" for sub in getattr(command, "commands", ()))}
    return found


@pytest.mark.parametrize("entry", ALL, ids=name_of)
def test_it_stands_exactly_where_what_it_names_is_there(entry: Entry) -> None:
    there = commands()
    for command in commands_of(entry):
        if command.startswith("run "):
            assert (command[4:] in keys()) == stands(entry)
        elif len(commands_of(entry)) == 1:
            words = command if any(each.startswith(command) for each in there) else None
            assert (words is not None) == stands(entry), command


def test_every_job_serves_a_task() -> None:
    jobs = {command.__name__.rpartition(".")[2] for command in main.JOBS} - {"store", "serve"}
    named = {
        command.split()[0] for entry in catalogue().of("tasks") for command in commands_of(entry)
    }
    assert jobs <= named


@pytest.mark.parametrize("entry", ALL, ids=name_of)
def test_code_that_it_names_can_be_imported(entry: Entry) -> None:
    for dotted in re.findall(r"earshot\.[\w.]+", entry.config):
        module, _, name = dotted.rpartition(".")
        if name[0].isupper():
            assert isinstance(getattr(importlib.import_module(module), name), type)
        else:
            assert importlib.util.find_spec(dotted) is not None
    for name in re.findall(r"transformers\.(\w+)", entry.config):
        assert name in dir(transformers)


def test_every_objective_of_a_model_says_what_it_trains() -> None:
    for entry in catalogue().of("objectives"):
        assert entry.objectives == (entry.name,)
        if entry.config == "with its recipes":
            assert any(entry.name in model.objectives for model in MODELS)


def test_every_task_has_a_model() -> None:
    told = {task for entry in MODELS for task in entry.tasks}
    assert set(catalogue().names("tasks")) - told <= {"similarity search"}  # any model that embeds


def test_selecting_narrows_and_typos_are_offered_the_nearest() -> None:
    found = catalogue().select(("models",), task="captioning", architecture="two heads")
    assert {"slam_aac", "beats_bart", "salmonn"} <= {entry.name for entry in found}
    assert all(entry.architecture == "two heads" for entry in found)
    assert not catalogue().select(("datasets",), stage="P1")
    assert {entry.kind for entry in catalogue().select(family="contrastive")} == {"objectives"}
    for asked, nearest in (
        ({"task": "captoning"}, "captioning"),
        ({"family": "alignmnt"}, "alignment"),
        ({"architecture": "two tower"}, "two towers"),
        ({"stage": "evl"}, "eval"),
    ):
        with pytest.raises(EarShotError, match=f"Did you mean '{nearest}"):
            catalogue().select(**asked)
    with pytest.raises(EarShotError, match="Did you mean 'models'"):
        catalogue().of("model")
    with pytest.raises(EarShotError, match="Did you mean 'reclap'"):
        catalogue().entry("models", "re_clap")


def small_catalogue(folder: Path, **changes: object) -> dict[str, Path]:
    """Files with one entry a kind; `changes` are those of the model, None takes a cell away."""
    files = {}
    for kind in KINDS:
        row: dict[str, object] = {
            "name": "one", "title": "One", "family": "f", "architecture": "encoder",
            "objectives": ["none"], "stage": ["P1"], "tasks": ["one"], "modalities": ["sound"],
            "data": ["youtube"], "license": "MIT", "config": "planned", "reference": "r",
        }  # fmt: skip
        rows = [row, {**row, **changes}] if kind == "models" else [row]
        rows = [{k: v for k, v in each.items() if v is not None} for each in rows]
        files[kind] = folder / f"{kind}.jsonl"
        files[kind].write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    return files


def test_entries_are_read_in_order(tmp_path: Path) -> None:
    found = read_catalogue(small_catalogue(tmp_path, name="two"))
    assert found.names("models") == ("one", "two")
    assert [entry.kind for entry in found.entries] == ["models", *KINDS]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, r"models.jsonl, line 2, field 'name': 'one'; expected each name once"),
        ({"license": None}, "line 2, field 'license': nothing"),
        ({"license": " "}, "line 2, field 'license'"),
        ({"data": []}, "line 2, field 'data'"),
        ({"tasks": ["two"]}, "line 2, field 'tasks': 'two'; expected one of one"),
        ({"objectives": ["two"]}, "line 2, field 'objectives'"),
        ({"architecture": "encodr"}, "Did you mean 'encoder'"),
        ({"stage": ["P9"]}, "line 2, field 'stage'"),
        ({"data": ["youtub"]}, "Did you mean 'youtube'"),
        ({"licence": "MIT"}, "field 'licence': a cell of that name"),
    ],
)
def test_a_wrong_cell_is_named_by_line_and_field(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    name = {} if not changes else {"name": "two"}
    with pytest.raises(EarShotError, match=said):
        read_catalogue(small_catalogue(tmp_path, **name, **changes))
