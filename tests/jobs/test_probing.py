from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.jobs import probing
from earshot.jobs.evaluation.probe_tasks import ProbeSizes
from earshot.jobs.probing import ROWS, TWINS, ProbeArm, measure, probe_table
from earshot.recipes import find_recipe, keys


def test_every_row_names_what_there_is() -> None:
    for row, _ in ROWS.values():
        if row.recipe:
            assert row.recipe in keys()
            assert hasattr(find_recipe(row.recipe).Config, row.preset)


def test_the_log_mel_is_measured_without_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProbeSizes, "quick", classmethod(lambda cls: cls(n_scenes=24)))
    arm = ProbeArm(tasks=("events",))
    found = measure(arm, tmp_path)
    assert list(found) == ["events"]
    assert 0 < found["events"] <= 1
    assert not list(tmp_path.iterdir())
    assert measure(arm, tmp_path) == found
    assert measure(replace(arm, shuffled=True), tmp_path) != found


def test_every_trained_row_is_held_against_its_untrained_twin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EARSHOT_SHARED", raising=False)
    table = probe_table()
    trained = [name for name, (row, _) in ROWS.items() if row.recipe]
    assert {(each.arm, each.against) for each in table.comparisons} == {
        (name, f"{TWINS.get(name, name)}_untrained") for name in trained
    }
    arms = {each.name: each.config for each in table.arms}
    for name, twin in TWINS.items():
        ours, theirs = (arms[each] for each in (name, f"{twin}_untrained"))
        assert (ours.recipe, ours.preset) == (theirs.recipe, theirs.preset)
    assert {each.figure for each in table.comparisons} <= {"phones", "events"}
    assert probing.named_tasks(ProbeArm()) == ("phones", "events")


def test_a_recipe_or_a_model() -> None:
    with pytest.raises(EarShotError, match="recipe beats and model earshot-small"):
        ProbeArm("beats", model="earshot-small")
