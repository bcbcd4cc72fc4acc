from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.index import Store
from earshot.jobs import watching
from earshot.jobs.indexing import IndexReport
from earshot.jobs.watching import state_of, watch
from toy_embedder import ToyEmbedder, write_tones


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    write_tones(tmp_path / "sounds", {"a.wav": ("dog",), "b.wav": ("cat",)})
    return tmp_path / "sounds"


@pytest.fixture
def at_each_look(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens in the folder between looks; the watch ends with it."""
    happens: list[Callable[[], None]] = []

    def sleep(seconds: float) -> None:
        assert seconds == 2.0
        if not happens:
            raise KeyboardInterrupt
        happens.pop(0)()

    monkeypatch.setattr(watching.time, "sleep", sleep)
    return happens


def reports(folder: Path, **more) -> list[IndexReport | EarShotError]:
    found = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(iter_into(found, watch(folder, every_s=2.0, model=ToyEmbedder(), **more)))
    return found


def iter_into(found: list, rounds) -> list:
    for one in rounds:
        found.append(one)
    return []


def nothing() -> None:
    pass


def test_only_changes_are_indexed_and_only_once_they_rest(
    sounds: Path, at_each_look: list[Callable[[], None]]
) -> None:
    at_each_look += [
        nothing,
        lambda: write_tones(sounds, {"c.wav": ("rain",)}),
        lambda: write_tones(sounds, {"c.wav": ("rain", "rain")}),  # still being written
        nothing,
        nothing,
        (sounds / "a.wav").unlink,
        nothing,
        nothing,
    ]
    first, second, third = reports(sounds)
    assert (first.added, second.added, second.unchanged) == (2, 1, 2)
    assert (third.added, third.removed, third.unchanged) == (0, 1, 2)
    assert Store.open(str(sounds / ".earshot")).n_rows == 3


def test_a_folder_that_never_rests_is_indexed_all_the_same(
    sounds: Path, at_each_look: list[Callable[[], None]]
) -> None:
    def one_more(n: int) -> Callable[[], None]:
        return lambda: write_tones(sounds, {f"{n:02d}.wav": ("bell",)})

    at_each_look += [one_more(n) for n in range(watching.MOST_RESTLESS + 1)]
    first, second = reports(sounds)
    assert (first.added, second.added) == (2, watching.MOST_RESTLESS + 1)


def test_what_goes_wrong_later_is_handed_out_and_tried_again(
    sounds: Path, at_each_look: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, n_runs = watching.index, 0

    def sometimes(*args, **more) -> IndexReport:
        nonlocal n_runs
        n_runs += 1
        if n_runs == 2:
            raise EarShotError(got="a full disk", expected="room", mend="Free some.")
        return real(*args, **more)

    monkeypatch.setattr(watching, "index", sometimes)
    at_each_look += [lambda: write_tones(sounds, {"c.wav": ("rain",)}), nothing, nothing, nothing]
    first, second, third = reports(sounds)
    assert isinstance(second, EarShotError)
    assert (first.added, third.added) == (2, 1)


def test_a_failing_file_is_not_tried_again_before_something_changes(
    sounds: Path, at_each_look: list[Callable[[], None]]
) -> None:
    (sounds / "bad.wav").write_text("no sound")
    at_each_look += [nothing, nothing, lambda: write_tones(sounds, {"bad.wav": ("car",)}), nothing]
    first, second = reports(sounds)
    assert [each.path.name for each in first.failures] == ["bad.wav"]
    assert (second.added, second.failures) == (1, [])


def test_a_manifest_that_changes_is_a_change(sounds: Path) -> None:
    manifest = sounds.parent / "labels.csv"
    manifest.write_text("path,label\n")
    before = state_of(sounds, manifest)
    assert state_of(sounds, manifest) == before
    manifest.write_text("path,label\nsounds/a.wav,dog\n")
    assert state_of(sounds, manifest) != before


def test_no_time_between_looks_is_refused(sounds: Path) -> None:
    with pytest.raises(EarShotError, match="above 0"):
        next(watch(sounds, every_s=0, model=ToyEmbedder()))


WATCHING = """
import sys
from earshot.jobs import loading
from toy_embedder import ToyEmbedder

loading.load = lambda model, **_: ToyEmbedder()
sys.argv = ["earshot", "index", sys.argv[1], "--watch", "--every", "0.05", "--json"]
from earshot.cli.main import main
main()
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_clean_when_told_to(sounds: Path, how: signal.Signals) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", WATCHING, str(sounds)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert '"added": 2' in program.stdout.readline()
    write_tones(sounds, {"c.wav": ("rain",)})
    assert '"files": 3' in program.stdout.readline()
    program.send_signal(how)
    rest, said = program.communicate(timeout=120)
    assert program.returncode == 0, said
    assert rest == ""
    assert "Traceback" not in said
    assert Store.open(str(sounds / ".earshot")).n_files == 3
