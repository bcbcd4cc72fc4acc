from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.recipes import find_recipe
from earshot.training.bench import run_experiment
from earshot.training.forest_plot import forest_plot
from earshot.training.results_page import read_results, results_page, write_pages
from training.toy_experiment import toy_experiment

ROOT = Path(__file__).parents[2]
RESULTS = read_results(ROOT / "results")


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert page == results_page(RESULTS), "write it again: earshot claim --docs docs"


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result["recipe"])
def test_the_pictures_are_current(result: dict) -> None:
    picture = ROOT / "docs" / "papers" / f"{result['recipe']}.svg"
    assert picture.read_text("utf-8") == forest_plot(result), "earshot claim --docs docs"


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result["recipe"])
def test_the_configs_of_results_still_load(result: dict) -> None:
    recipe = find_recipe(result["recipe"])
    for arm in result["arms"].values():
        from_dict(recipe.Config, arm["config"])
    assert {each["claim"] for each in result["comparisons"]} == set(recipe.PAPER.claims)
    assert len(result["seeds"]) >= 3


def test_the_page_says_what_the_file_says(tmp_path: Path) -> None:
    result = run_experiment(toy_experiment(), seeds=range(3), work=tmp_path / "work")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "clap.json").write_text(json.dumps(result))
    page, picture = write_pages(tmp_path / "results", tmp_path / "docs")
    text = page.read_text()
    assert "| method: the new one | 0.917 ± 0.021 | 0.100 ± 0.000 |" in text
    assert (
        "| toy | accuracy of method above control | +0.700 | [+0.700, +0.700] | **holds** |" in text
    )
    assert "accuracy of control above 0.5 | -0.283" in text
    dots = ElementTree.parse(picture).findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(dots) == 9  # three comparisons of three seeds


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "clap.json").write_text('{"recipe": "clap"}')
    with pytest.raises(EarShotError, match="earshot claim clap"):
        read_results(tmp_path)
