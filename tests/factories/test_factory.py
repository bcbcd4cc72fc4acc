"""A factory's run: what it takes, what it keeps, what kills, changes and faults do to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from earshot.core.errors import EarShotError
from earshot.core.lock import one_writer
from earshot.factories.factory import Factory, run_factory
from earshot.factories.item import Item
from earshot.factories.ledger import FILE
from earshot.factories.part_store import parts_in, rows_in
from earshot.factories.parts import item_of
from earshot.llm.client import LlmError
from factories.stub_stages import Note, Score, Write, clips, draw, stub_factory

HERE = Path(__file__).parent


def rows(out: Path, folder: str = "data") -> dict[str, dict[str, Any]]:
    """By id; no id may be there twice."""
    found = list(rows_in(out, folder))
    held = {row["id"]: row for row in found}
    assert len(held) == len(found)
    return held


def test_every_clip_ends_with_a_caption_or_a_reason(tmp_path: Path) -> None:
    report = run_factory(stub_factory(), clips(200), tmp_path / "out", batch_size=9)
    data, rejects = rows(tmp_path / "out"), rows(tmp_path / "out", "rejects")
    silent = {item.id for item in clips(200) if draw(item.id, "note") < 0.1}
    below = {item.id for item in clips(200) if draw(item.id, "c") < 0.1} - silent
    assert data.keys() | rejects.keys() == {item.id for item in clips(200)}
    assert not data.keys() & rejects.keys()
    assert {id for id, row in rejects.items() if row["reason"] == "nothing_heard"} == silent
    assert {id for id, row in rejects.items() if row["reason"] == "below_label"} == below
    assert report.rejects == {
        "extract: nothing_heard": len(silent),
        "gate: below_label": len(below),
    }
    assert report.counts == (200 - len(silent | below), len(silent | below), 0, 0)
    row = next(iter(data.values()))
    item = item_of(row, tmp_path / "out")
    assert item.caption == f"The sound of {' and '.join(item.labels)} is heard."
    assert item.scores == {"clap_caption": draw(item.id, "c"), "clap_label": 0.1}
    assert (row["clap_caption"], row["clap_label"]) == (draw(item.id, "c"), 0.1)
    assert item.provenance == {"extract": "note-1", "write": "write-1", "gate": "score-1"}
    assert row["factory"] == stub_factory().identity


def test_what_stages_spend_is_counted_and_adds_up_over_runs(tmp_path: Path) -> None:
    from earshot.factories.meter import Prices
    from earshot.factories.publishing import opened

    first = run_factory(stub_factory(), clips(40), tmp_path / "out")
    second = run_factory(stub_factory(), clips(60), tmp_path / "out")
    assert (second.taken, second.kept) == (20, 40)
    written = [report.spent["write"] for report in (first, second)]
    assert [spent.calls for spent in written] == [spent.clips for spent in written]
    with opened(tmp_path / "out") as ledger:
        whole = ledger.spent()["write"]
        assert whole == written[0] + written[1]
        assert list(ledger.spent()) == ["extract", "write", "gate"]
    assert (whole.prompt_tokens, whole.completion_tokens) == (100 * whole.calls, 10 * whole.calls)
    cost = Prices(prompt=2.0, completion=10.0).cost(whole)
    assert cost == pytest.approx(whole.calls * (100 * 2.0 + 10 * 10.0) / 1e6)


def test_a_second_run_takes_what_is_missing_or_changed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    options: dict[str, Any] = {"rows_per_part": 8, "batch_size": 4}
    run_factory(stub_factory(), clips(40), out, **options)
    again = run_factory(stub_factory(), clips(40), out, **options)
    assert (again.taken, again.kept) == (0, 40)
    before = rows(out) | rows(out, "rejects")
    changed = [
        item.with_(source={"title": "another"}) if item.id == "c000007" else item
        for item in clips(40)
    ]
    third = run_factory(stub_factory(), changed, out, **options)
    assert (third.taken, third.kept) == (1, 39)
    after = rows(out) | rows(out, "rejects")
    assert {id for id in before if before[id] != after[id]} == {"c000007"}
    other = Factory("stub", (Note(), Write(identity="write-2"), Score()))
    fourth = run_factory(other, changed, out, **options)
    assert (fourth.taken, fourth.kept) == (40, 0)
    assert {row["factory"] for row in rows(out).values()} == {other.identity}


def test_a_changed_file_is_taken_again_where_a_stage_hears(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"one")
    deaf, hearing = stub_factory(), stub_factory()
    hearing.stages[0].needs_audio = True  # type: ignore[attr-defined]
    item = [Item("a", sound, labels=("Dog",))]
    for factory, taken in ((deaf, 0), (hearing, 1)):
        out = tmp_path / f"out{taken}"
        run_factory(factory, item, out)
        sound.write_bytes(b"another")
        assert run_factory(factory, item, out).taken == taken
        assert next(iter([*rows_in(out), *rows_in(out, "rejects")]))["audio"] == "../a.wav"


def test_failed_clips_are_listed_and_taken_again(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    fine = [item.id for item in clips(30) if draw(item.id, "note") >= 0.1]
    broken.write_text(f"{fine[2]} {fine[9]}")
    report = run_factory(stub_factory(broken=broken), clips(30), tmp_path / "out")
    assert report.failures == [(id, "gate: no_answer: HTTP 503") for id in (fine[2], fine[9])]
    assert report.counts.failed == 2
    broken.unlink()
    second = run_factory(stub_factory(broken=broken), clips(30), tmp_path / "out")
    assert (second.taken, second.kept, second.failures) == (2, 28, [])
    run_factory(stub_factory(), clips(30), tmp_path / "whole")
    assert rows(tmp_path / "out") == rows(tmp_path / "whole")


def test_a_failed_clip_that_the_source_no_longer_names_is_forgotten(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("c000003")
    factory = stub_factory(broken=broken)
    assert run_factory(factory, clips(4), tmp_path / "out").counts.failed == 1
    report = run_factory(factory, clips(3), tmp_path / "out")
    assert (report.counts.failed, report.failures, report.counts.elsewhere) == (0, [], 0)
    assert run_factory(factory, clips(2), tmp_path / "out").counts.elsewhere == 1


def test_a_clip_named_twice_is_taken_once_and_told_apart_from_two_of_one_id(tmp_path: Path) -> None:
    items = list(clips(300))
    other = items[5].with_(labels=("Cat",))
    for _ in range(2):
        report = run_factory(
            stub_factory(), [*items, items[0], items[299], other], tmp_path / "out", batch_size=8
        )
        assert report.doubles == 3
        assert len(report.failures) == 1
        assert "id_twice" in report.failures[0][1]
        assert report.failures[0][0].startswith("c000005#")
    assert report.taken == 1  # of the second run: the failed one
    assert len(rows(tmp_path / "out")) + len(rows(tmp_path / "out", "rejects")) == 300


@dataclass
class Crashes:
    """Raises for one clip, each time, whoever is with it."""

    at: str
    fault: Exception
    name: str = "crashes"
    identity: str = "crashes-1"

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        for item in items:
            if item.id == self.at:
                raise self.fault
            yield item.with_(caption="fine")


@pytest.mark.parametrize(
    "fault",
    [ZeroDivisionError("in a stage"), LlmError(got="HTTP 503", expected="an answer", mend="Wait.")],
)
def test_a_clip_that_makes_a_stage_raise_fails_alone(tmp_path: Path, fault: Exception) -> None:
    factory = Factory("crashing", [Crashes("c000004", fault)])
    report = run_factory(factory, clips(12), tmp_path / "out")
    assert [id for id, _ in report.failures] == ["c000004"]
    assert str(fault) in report.failures[0][1]
    assert len(rows(tmp_path / "out")) == 11


def test_what_no_clip_gets_past_ends_the_run_and_keeps_what_was_finished(tmp_path: Path) -> None:
    wrong_key = EarShotError(got="HTTP 401", expected="an answer", mend="Mend the key.")
    factory = Factory("crashing", [Crashes("c000009", wrong_key)])
    with pytest.raises(EarShotError, match="HTTP 401"):
        run_factory(factory, clips(12), tmp_path / "out", batch_size=4)
    taken: list[str] = []
    works = Factory("crashing", [Crashes("none", wrong_key)])
    report = run_factory(
        works, clips(12), tmp_path / "out", tell=lambda item: taken.append(item.id)
    )
    assert report.kept == 8
    assert taken == [f"c{i:06d}" for i in range(8, 12)]


def test_a_run_whose_clips_all_fail_is_given_up(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(" ".join(item.id for item in clips(200)))
    factory = Factory("stub", [Write(), Score(broken)])
    noted = (item.with_(notes={"description": "x"}) for item in clips(200))
    with pytest.raises(EarShotError, match="20 clips in a row") as caught:
        run_factory(factory, noted, tmp_path / "out", give_up_after=20, batch_size=10)
    assert "HTTP 503" in str(caught.value)
    assert len(list(clips(200))) > len(list((tmp_path / "out").iterdir()))


def test_parts_are_of_one_size_and_old_rows_leave_them(tmp_path: Path) -> None:
    out = tmp_path / "out"
    keep_all = Factory("all", [Write(identity="1")])
    noted = [item.with_(notes={"description": "x"}) for item in clips(103)]
    options: dict[str, Any] = {"rows_per_part": 10, "batch_size": 7}
    run_factory(keep_all, noted, out, **options)
    assert len(parts_in(out)) == 11
    for n in range(104, 116):  # a clip a run: small parts grow together
        more = [item.with_(notes={"description": "x"}) for item in clips(n)]
        run_factory(keep_all, more, out, **options)
        assert len(parts_in(out)) == -(-n // 10)
    assert sorted(path.name for path in (out / "data").iterdir()) == sorted(
        path.name for path in parts_in(out)
    )
    assert list(rows(out)) == [item.id for item in clips(115)]


@pytest.mark.timeout(600)
def test_killed_at_any_step_it_loses_nothing_finished_and_doubles_nothing(tmp_path: Path) -> None:
    n_points = 24
    done = subprocess.run(
        [sys.executable, str(HERE / "kill_points.py"), str(tmp_path), str(n_points)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src"), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    points = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(points) == n_points
    assert all(point["status"] == -signal.SIGKILL for point in points)
    whole = json.loads((tmp_path / "whole.json").read_text())
    assert (whole["taken"], whole["kept"]) == ([], 60)
    n_kept = set()
    for point in points:
        after = json.loads((tmp_path / f"{point['step']}.json").read_text())
        told = (tmp_path / f"{point['step']}.told").read_text().split()
        assert after["rows"] == whole["rows"], point
        assert not set(told) & set(after["taken"]), point  # finished clips are not done again
        assert len(set(after["before"])) == len(after["before"]), point
        assert len(after["taken"]) + after["kept"] == 60, point
        assert not after["stray"], point
        n_kept.add(after["kept"])
    assert len(n_kept) > 5  # the kills were spread over the run


LIMITED = """
import resource, sys
sys.path.insert(0, {here!r})
from pathlib import Path
from earshot.core.errors import EarShotError
from earshot.factories.factory import run_factory
from stub_stages import clips, stub_factory
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
try:
    run_factory(stub_factory(), clips(400), Path({out!r}), batch_size=10, rows_per_part=10_000)
except EarShotError as fault:
    print(fault)
    sys.exit(1)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of Unix")
def test_a_full_disk_is_a_sentence_and_the_run_is_taken_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = LIMITED.format(here=str(HERE), out=str(out), limit=150_000)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")},
    )
    assert done.returncode == 1, done.stderr
    assert "cannot be used" in done.stdout
    assert "kept" in done.stdout
    report = run_factory(stub_factory(), clips(400), out)
    assert report.kept > 0
    assert report.taken + report.kept == 400
    run_factory(stub_factory(), clips(400), tmp_path / "whole")
    assert rows(out) == rows(tmp_path / "whole")


def test_lost_and_damaged_parts_are_made_anew(tmp_path: Path) -> None:
    out = tmp_path / "out"
    options: dict[str, Any] = {"rows_per_part": 20}
    run_factory(stub_factory(), clips(100), out, **options)
    before = rows(out)
    first, second, *_ = parts_in(out)
    first.unlink()
    second.write_bytes(second.read_bytes()[:-100])
    report = run_factory(stub_factory(), clips(100), out, **options)
    assert report.taken == 40
    assert rows(out) == before


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with (
        one_writer(tmp_path / "out", ".factory.lock"),
        pytest.raises(EarShotError, match="one writer at a time"),
    ):
        run_factory(stub_factory(), clips(3), tmp_path / "out")


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(EarShotError, match="a folder of its own"):
        run_factory(stub_factory(), clips(3), tmp_path)


def test_a_ledger_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a data base" * 100)
    with pytest.raises(EarShotError, match="cannot be used"):
        run_factory(stub_factory(), clips(3), tmp_path)


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"engine": "cloud"}])
def test_impossible_options_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(EarShotError, match="expected"):
        run_factory(stub_factory(), clips(3), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_stages_have_names_of_their_own() -> None:
    with pytest.raises(EarShotError, match="name of its own"):
        Factory("twice", [Note(), Note()])


class Drops:
    """A stage that breaks the rule: it gives back fewer than it got."""

    name, identity = "drops", "drops-1"

    def work(self, items: Sequence[Item]) -> Iterator[Item]:
        yield from items[1:]


def test_a_stage_that_loses_clips_is_a_bug_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stage drops was given 3 items and gave back 2"):
        run_factory(Factory("bad", [Drops()]), clips(3), tmp_path / "out")


def test_text_that_utf8_cannot_hold_ends_nothing(tmp_path: Path) -> None:
    half = "half of \ud83d"
    items = [
        Item("\udcff.wav", Path("\udcff.wav"), labels=(half,), source={half: half}),
        Item("null\0", labels=("Dog",)),
        Item("long" * 10_000, labels=("x" * 100_000,), source={"title": "\u4e2d\u6587 \r\n\t"}),
    ]
    factory = Factory("w", [Write()])
    noted = [item.with_(notes={"description": item.labels[0]}) for item in items]
    report = run_factory(factory, noted, tmp_path / "out")
    assert report.counts.accepted == 3
    found = rows(tmp_path / "out")
    assert found["\\udcff.wav"]["labels"] == ["half of \\ud83d"]
    assert found["null\0"]["caption"] == "The Dog is heard."
    assert run_factory(factory, noted, tmp_path / "out").kept == 3


def test_what_a_killed_run_left_in_the_ledger_is_counted_and_given_away(tmp_path: Path) -> None:
    from earshot.factories.publishing import publish

    stop = EarShotError(got="HTTP 401", expected="an answer", mend="Mend the key.")
    with pytest.raises(EarShotError):
        run_factory(
            Factory("c", [Crashes("c000009", stop)]), clips(12), tmp_path / "o", batch_size=4
        )
    assert not rows(tmp_path / "o")
    assert publish(tmp_path / "o")["clips"]["accepted"] == len(rows(tmp_path / "o")) == 8
