"""The page and its picture are what the catalogue says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from earshot.catalogue import ARCHITECTURES, catalogue, recipe_of, stands
from earshot.catalogue.drawing import CHIP_W, svg_map
from earshot.catalogue.sketches import SKETCHES

SCRIPT = Path(__file__).parents[2] / "scripts" / "write_catalogue_page.py"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("write_catalogue_page", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_and_picture_are_as_they_would_be_written(script) -> None:
    mend = "run: python scripts/write_catalogue_page.py"
    page = script.PAGE.read_text("utf-8")
    assert page == script.page(), mend
    assert script.PICTURE.read_text("utf-8") == svg_map(catalogue().of("models")), mend
    for entry in catalogue().entries:
        assert f"`{entry.name}`" in page or f"| {entry.name} |" in page
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", page):
        assert (script.PAGE.parent / target).exists()


def test_a_recipe_that_stands_is_linked_and_one_that_is_planned_is_not(script) -> None:
    page = script.page()
    assert (
        "[`clap`](../src/earshot/recipes/clap.py), [page](papers/clap.md), "
        "[result](../results/clap.json)" in page
    )
    for entry in catalogue().of("models"):
        planned = recipe_of(entry) == entry.name and not stands(entry)
        assert (f"`{entry.name}`, planned" in page) == planned


def test_every_model_is_on_the_map_once_and_inside_it() -> None:
    models = catalogue().of("models")
    root = ElementTree.fromstring(svg_map(models))
    width, height = (float(each) for each in root.attrib["viewBox"].split()[2:])
    chips = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    assert sorted(group.find(f"{SVG}title").text for group in chips) == sorted(
        entry.title for entry in models
    )
    boxes = []
    for group in chips:
        box, label = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        x, y = float(box.attrib["x"]), float(box.attrib["y"])
        assert 0 <= x <= width - CHIP_W
        assert 0 <= y <= height - 30
        boxes.append((x, y))
        size = float(label.attrib["font-size"])
        assert 0.6 * size * len(label.text) < CHIP_W + 12  # what it takes in a usual face
    assert len(set(boxes)) == len(boxes)  # none lies on another


def test_recipes_are_filled_planned_ones_framed_others_plain() -> None:
    models = catalogue().of("models")
    root = ElementTree.fromstring(svg_map(models))
    by_title = {entry.title: entry for entry in models}
    for group in root.iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is None:
            continue
        entry, box = by_title[title.text], group.find(f"{SVG}rect").attrib
        if recipe_of(entry) != entry.name:
            assert (box["fill"], "stroke" in box) == ("none", False)
        else:
            assert (box["fill"] != "#ffffff") == stands(entry)
            assert ("stroke-dasharray" in box) != stands(entry)


def test_every_architecture_has_a_sketch() -> None:
    assert set(SKETCHES) == set(ARCHITECTURES)
    for drawn in SKETCHES.values():
        ElementTree.fromstring(f"<g>{drawn}</g>")
