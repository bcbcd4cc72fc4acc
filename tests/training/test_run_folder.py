from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.training.run_folder import begin_run, read_run


@dataclass(frozen=True)
class Toy:
    steps: int = 3


def test_a_run_is_described_from_its_first_moment(tmp_path: Path) -> None:
    begin_run(tmp_path, "clap", Toy(), ["a", "b"], resume=False)
    assert read_run(tmp_path)["config"] == {"steps": 3}
    begin_run(tmp_path, "clap", Toy(), ["a", "b"], resume=True)


@pytest.mark.parametrize(
    ("recipe", "config", "clips", "word"),
    [
        ("cwcl", Toy(), ["a", "b"], "recipe"),
        ("clap", Toy(4), ["a", "b"], "config"),
        ("clap", Toy(), ["b", "a"], "clips"),
    ],
)
def test_another_run_is_refused(
    tmp_path: Path, recipe: str, config: Toy, clips: list[str], word: str
) -> None:
    begin_run(tmp_path, "clap", Toy(), ["a", "b"], resume=False)
    with pytest.raises(EarShotError, match=f"another {word} than"):
        begin_run(tmp_path, recipe, config, clips, resume=True)


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    begin_run(tmp_path, "clap", Toy(), [], resume=False)
    with pytest.raises(EarShotError, match="--resume"):
        begin_run(tmp_path, "clap", Toy(), [], resume=False)


def test_a_description_that_is_broken_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(EarShotError, match=r"run\.json, which cannot be read"):
        read_run(tmp_path)
