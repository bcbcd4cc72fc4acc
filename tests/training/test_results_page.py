from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from earshot.core.config import from_dict
from earshot.core.errors import EarShotError
from earshot.recipes import find_recipe, keys, paper_of
from earshot.training.bench import run_experiment
from earshot.training.forest_plot import forest_plot
from earshot.training.results_page import read_results, results_page, write_pages
from training.toy_experiment import toy_experiment

ROOT = Path(__file__).parents[2]
RESULTS = read_results(ROOT / "results")
CLAIMS = {key: paper_of(key).claims for key in keys()}


@pytest.mark.parametrize("key", keys())
def test_every_recipe_has_a_result(key: str) -> None:
    assert key in {result["recipe"] for result in RESULTS}, f"measure it: earshot claim {key}"


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "results.md").read_text("utf-8")
    assert page == results_page(RESULTS, CLAIMS), "write it again: earshot claim --docs docs"


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
    claims = {"clap": {"toy": "It can."}}
    page, picture = write_pages(tmp_path / "results", tmp_path / "docs", claims)
    text = page.read_text()
    assert "| [clap](#clap) | `toy`: It can. | 2 hold, 1 fail |" in text
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


def test_an_interval_of_another_kind_is_said(tmp_path: Path) -> None:
    result = run_experiment(toy_experiment(), seeds=range(2), work=tmp_path, interval="bootstrap")
    assert "Intervals: 95 % bootstrap" in results_page([result], {})
    student = run_experiment(toy_experiment(), seeds=range(2), work=tmp_path)
    assert "Intervals:" not in results_page([student], {})


def test_long_names_have_room_in_the_picture(tmp_path: Path) -> None:
    result = run_experiment(toy_experiment(), seeds=range(2), work=tmp_path)
    result["comparisons"][0]["arm"] = "a method of a very long name that says all that it does"
    words = f"{result['comparisons'][0]['arm']} above control"
    root = ElementTree.fromstring(forest_plot(result))
    first = min(float(dot.get("cx")) for dot in root.iter("{http://www.w3.org/2000/svg}circle"))
    assert first > 16 + 6 * len(words)
    assert float(root.get("width")) > first


def test_counts_do_not_squeeze_shares_into_a_line() -> None:
    def comparison(figure: str, difference: float) -> dict:
        return {
            "claim": "c", "figure": figure, "against_figure": None, "arm": "a", "against": "b",
            "expected": "above", "differences": [difference], "mean_difference": difference,
            "interval_95": None, "verdict": "open",
        }  # fmt: skip

    def places(comparisons: list[dict]) -> dict[str, str]:
        plot = forest_plot({"recipe": "r", "seeds": [0], "comparisons": comparisons})
        root = ElementTree.fromstring(plot)
        rows = [each for each in root.iter() if each.get("width") == "8"]
        return {c["figure"]: row.get("x") for c, row in zip(comparisons, rows, strict=True)}

    alone = places([comparison("share", 0.2)])
    beside = places([comparison("share", 0.2), comparison("count", 30.0)])
    assert beside["share"] == alone["share"]
    assert float(beside["count"]) == float(alone["share"])  # each at the end of its own axis


def test_figures_of_one_arm_are_told_apart() -> None:
    comparison = {
        "claim": "c", "figure": "refined", "against_figure": "plain", "arm": "scenes",
        "against": "scenes", "expected": "above", "differences": [0.1], "mean_difference": 0.1,
        "interval_95": None, "verdict": "open",
    }  # fmt: skip
    plot = forest_plot({"recipe": "r", "seeds": [0], "comparisons": [comparison]})
    assert ">refined above plain<" in plot
    assert ">scenes<" in plot
