"""The page of robustness says what the last `make torture` found, and nothing was found."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "results" / "torture.json"


def test_the_page_is_current_and_nothing_broke() -> None:
    facts = json.loads(FACTS.read_text("utf-8"))
    spec = importlib.util.spec_from_file_location("page", ROOT / "torture" / "page.py")
    assert spec is not None
    assert spec.loader is not None
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    assert (ROOT / "docs" / "robustness.md").read_text("utf-8") == page.robustness_page(facts)
    assert sum(facts["index"]["faults"].values()) == 0
    assert facts["index"]["ends_as_a_fresh_index"]
    assert facts["training"]["checkpoints_lost"] == 0
    assert facts["training"]["runs_with_other_weights"] == 0
    assert facts["hostile"]["outcomes"]["broke"] == 0
    assert facts["hostile"]["files"] >= 2_000
