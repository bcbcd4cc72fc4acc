from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from earshot.training.curve_plot import curve_plot, has_curves
from earshot.training.results_page import write_pages

REPOSITORY = Path(__file__).parents[2]


def result_of(**arms: list[float]) -> dict:
    figures = {
        name.replace("_", " ", 1): {
            "note": "n",
            "config": {},
            "figures": {
                f"acc_{task}": {"per_seed": [value], "mean": value}
                for task, value in enumerate(curve, start=1)
            },
            "minutes": [0.0],
            "cpu_minutes": [0.0],
        }
        for name, curve in arms.items()
    }
    return {
        "recipe": "a<b",
        "seeds": [0],
        "arms": figures,
        "comparisons": [],
        "machine": {"processor": "p", "cores": 1, "torch": "t"},
        "cpu_minutes": 0.0,
        "commit": "c",
    }


def test_a_line_runs_through_its_values() -> None:
    picture = curve_plot(result_of(words_er=[1.0, 0.5, 0.0], words_joint=[0.75]))
    root = ElementTree.fromstring(picture)  # whole XML, the name escaped
    paths = [each.get("d") for each in root if each.tag.endswith("path")]
    assert "M56.0 76.0L266.0 191.0L476.0 306.0" in paths  # top, middle and floor of the panel
    assert "M56 133.5H476" in paths  # everything at once: a level
    texts = "".join(root.itertext())
    assert "er 0.00" in texts
    assert "joint 0.75" in texts
    assert "a<b" in texts
    assert picture == curve_plot(result_of(words_er=[1.0, 0.5, 0.0], words_joint=[0.75]))


def test_kinds_have_panels_of_their_own() -> None:
    one = curve_plot(result_of(words_er=[1.0, 0.5]))
    two = curve_plot(result_of(words_er=[1.0, 0.5], digits_er=[0.9, 0.4]))
    assert two.count("task 1") == 2 * one.count("task 1") == 2


def test_an_arm_has_one_colour_in_all_panels() -> None:
    picture = curve_plot(
        result_of(words_er=[1.0, 0.5], digits_joint=[0.9, 0.8], digits_er=[0.9, 0.4])
    )
    lines = [each for each in ElementTree.fromstring(picture) if each.get("stroke-width") == "2"]
    colours = [each.get("stroke") for each in lines[::2]]  # each line has one in the legend too
    assert colours[0] == colours[2] != colours[1]
    assert colours == [each.get("stroke") for each in lines[1::2]]


def test_results_without_tasks_have_no_curves(tmp_path: Path) -> None:
    assert has_curves(result_of(words_er=[1.0, 0.5]))
    assert not has_curves(result_of(words_er=[1.0]))
    assert not has_curves(result_of(words_er=[]))
    (tmp_path / "results").mkdir()
    for name, curve in (("with", [1.0, 0.5]), ("without", [])):
        result = {**result_of(words_er=curve), "recipe": name}
        result["comparisons"] = [
            {
                "claim": "c", "figure": "f", "arm": "words er", "against": 0.1, "expected": "above",
                "against_figure": None, "differences": [0.1], "mean_difference": 0.1,
                "interval_95": None, "verdict": "open",
            }
        ]  # fmt: skip
        (tmp_path / "results" / f"{name}.json").write_text(json.dumps(result))
    written = write_pages(tmp_path / "results", tmp_path / "docs", {})
    names = {path.name for path in written}
    assert "with-curves.svg" in names
    assert "without-curves.svg" not in names


def test_the_committed_picture_is_that_of_the_committed_result() -> None:
    result = json.loads((REPOSITORY / "results" / "coconut.json").read_text("utf-8"))
    picture = REPOSITORY / "docs" / "papers" / "coconut-curves.svg"
    assert picture.read_text("utf-8") == curve_plot(result)
