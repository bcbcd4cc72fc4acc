"""Jobs as files, and recipes by name: typed, and every wrong word refused with the right one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.factories.meter import Prices
from earshot.factories.recipe import build, find_recipe, read_job, settings_of
from earshot.llm.config import LlmConfig
from factories import stub_recipe

NAME = "factories.stub_recipe"


def test_a_job_is_read_from_toml_and_json_alike(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(
        f'recipe = "{NAME}"\nsource = "clips"\nout = "captions"\n'
        "[settings.note]\nrejects = 0.5\n[prices]\nprompt = 1\n[running]\nbatch_size = 8\n"
    )
    job = read_job(tmp_path / "job.toml")
    assert job.recipe == NAME
    assert (job.source, job.out) == (str(tmp_path / "clips"), str(tmp_path / "captions"))
    assert job.prices == Prices(prompt=1.0)
    assert job.running.batch_size == 8
    assert settings_of(stub_recipe, job.settings).note.rejects == 0.5
    rows = {"recipe": NAME, "source": "s3://bucket/clips", "settings": {"note": {"rejects": 0.5}}}
    (tmp_path / "job.json").write_text(json.dumps(rows))
    other = read_job(tmp_path / "job.json")
    assert (other.source, other.out) == ("s3://bucket/clips", None)
    assert other.settings == job.settings


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ('recipe = "x"\nsorce = "a"', r"Did you mean 'job.toml.source'"),
        ('recipe = "x"\n[running]\nbatch_sise = 3', r"running.batch_size"),
        ('recipe = "x"\n[running]\nbatch_size = "three"', "running.batch_size='three'"),
        ("recipe = ", "Correct it"),
        ('source = "a"', "recipe"),
    ],
)
def test_wrong_words_of_a_job_are_named(tmp_path: Path, text: str, mend: str) -> None:
    (tmp_path / "job.toml").write_text(text)
    with pytest.raises(EarShotError, match=mend):
        read_job(tmp_path / "job.toml")


def test_a_job_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for name in ("job.toml", "job.yaml"):
        with pytest.raises(EarShotError, match="--recipe KEY"):
            read_job(tmp_path / name)


def test_settings_are_typed_and_unknown_ones_refused() -> None:
    settings = settings_of(stub_recipe, {}, ["note.rejects=0.25"])
    assert settings.note.rejects == 0.25
    with pytest.raises(EarShotError, match="note.rejects"):
        settings_of(stub_recipe, {"note": {"reject": 1.0}})
    with pytest.raises(EarShotError, match="note.rejects"):
        settings_of(stub_recipe, {}, ["note.rejects=many"])


def test_a_language_model_and_its_answers_go_to_their_fields(tmp_path: Path) -> None:
    llm = LlmConfig("http://localhost:1/v1", "toy")
    settings = settings_of(stub_recipe, {}, (), llm, tmp_path / "answers")
    assert (settings.llm, settings.llm_cache) == (llm, str(tmp_path / "answers"))
    assert settings_of(stub_recipe, {}, (), None, tmp_path / "answers").llm_cache == ""
    held = {"llm": {"base_url": "http://localhost:1/v1", "model": "toy"}, "llm_cache": "mine"}
    assert settings_of(stub_recipe, held, (), None, tmp_path / "answers").llm_cache == "mine"


def test_recipes_are_found_by_name_and_no_others() -> None:
    assert find_recipe(NAME) is stub_recipe
    assert build(NAME, {}).name == "stub"
    for name, mend in (
        ("audiosetcap", "recipe"),
        ("no.such", "imported"),
        ("os.path", "factory"),
        ("none.py", "path"),
    ):
        with pytest.raises(EarShotError, match=mend):
            find_recipe(name)
