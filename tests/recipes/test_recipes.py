from __future__ import annotations

from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.recipes import find_recipe, keys, paper_of
from earshot.training.experiment import Experiment

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("key", keys())
def test_a_recipe_keeps_the_contract(key: str) -> None:
    recipe = find_recipe(key)
    assert paper_of(key) == recipe.PAPER  # what is read from the source is what stands there
    assert recipe.PAPER.key == key
    assert all(number in recipe.__doc__ for number in recipe.PAPER.arxiv[:1])
    assert callable(recipe.run)
    assert recipe.Config.small() != recipe.Config.paper()
    assert isinstance(recipe.claim(), Experiment)
    assert (ROOT / "docs" / "papers" / f"{key}.md").is_file()
    assert (ROOT / "results" / f"{key}.json").is_file()


def test_a_typo_is_offered_the_nearest() -> None:
    for find in (find_recipe, paper_of):
        with pytest.raises(EarShotError, match="Did you mean 'clap'"):
            find("clapp")
