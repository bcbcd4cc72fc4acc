"""The same stages in the workers of a cluster: the same captions, counts and failures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.factories.factory import Factory, run_factory
from earshot.factories.part_store import rows_in
from factories.stub_recipe import Settings, factory
from factories.stub_stages import Die, clips


@pytest.fixture(scope="module")
def ray() -> Iterator[object]:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'earshot[ray]'")
    tests, package = Path(__file__).parents[1], Path(__file__).parents[2] / "src"
    places = os.pathsep.join([str(package), str(tests)])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": places}},
    )
    yield ray
    ray.shutdown()


def held(out: Path) -> list[dict]:
    rows = [row for folder in ("data", "rejects") for row in rows_in(out, folder)]
    return sorted(rows, key=lambda row: row["id"])


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_ray_makes_what_this_process_makes(ray: object, tmp_path: Path) -> None:
    here = run_factory(factory(Settings()), clips(60), tmp_path / "here", batch_size=16)
    there = run_factory(
        factory(Settings()),
        clips(60),
        tmp_path / "there",
        engine="ray",
        build=partial(factory, Settings()),
        batch_size=16,
    )
    assert held(tmp_path / "there") == held(tmp_path / "here")
    for name, spent in here.spent.items():
        other = there.spent[name]
        assert (spent.clips, spent.rejected, spent.calls, spent.prompt_tokens) == (
            other.clips, other.rejected, other.calls, other.prompt_tokens,
        )  # fmt: skip
    again = run_factory(factory(Settings()), clips(60), tmp_path / "there", engine="ray")
    assert (again.taken, again.kept) == (0, 60)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_clip_that_ends_its_worker_fails_alone(ray: object, tmp_path: Path) -> None:
    build = partial(Factory, "deadly", [Die("c000005")])
    report = run_factory(
        build(), clips(12), tmp_path / "out", engine="ray", build=build, batch_size=4
    )
    assert [id for id, _ in report.failures] == ["c000005"]
    assert "worker" in report.failures[0][1]
    assert report.counts.accepted == 11


class WrongKey:
    """A stage that no clip gets past."""

    name, identity = "wrong", "wrong-1"

    def work(self, items):  # noqa: ANN001, ANN201
        raise EarShotError(got="HTTP 401", expected="an answer", mend="Mend the key.")
        yield from items


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_what_no_clip_gets_past_ends_the_run_there_too(ray: object, tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="HTTP 401"):
        run_factory(Factory("w", [WrongKey()]), clips(4), tmp_path / "out", engine="ray")
