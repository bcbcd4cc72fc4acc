from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.factories.factory import run_factory
from earshot.factories.item import Item
from earshot.factories.reading import items_of
from earshot.factories.wavcaps import WavcapsSettings, factory
from earshot.factories.web_check import WebCheck, tidy
from earshot.factories.web_filter import WebFilter, WebFilterConfig
from earshot.factories.web_source import once, read_web, strong_label_items
from earshot.factories.web_write import RuleWebWriter, batches_by_source

ROWS = [
    {"id": "1", "title": "Dog", "description": "The sound of a dog barking in Berlin. Enjoy!",
     "duration": 3.0},
    {"id": "2", "title": "Take 2", "description": "Recorded by Bob with a Zoom H4n.",
     "duration": 3.0},
    {"id": "3", "title": "Short", "description": "A very short click is heard", "duration": 0.4},
    {"id": "4", "title": "x", "description": "hm", "duration": 4.0},
    {"id": "5", "title": "Dog", "description": "The sound of a dog barking in Berlin. Enjoy!",
     "duration": 3.0},
    {"id": "6", "title": "Rain", "description": "Rain <b>falling</b> on a roof &amp; wind"},
]  # fmt: skip


def soundbible(folder: Path, rows: list[dict] | None = None) -> Path:
    path = folder / "sb_final.json"
    path.write_text(json.dumps({"num_captions_per_audio": 1, "data": rows or ROWS}))
    return path


def test_three_stages_from_metadata_alone(tmp_path: Path) -> None:
    done: list[Item] = []
    report = run_factory(
        factory(), items_of(soundbible(tmp_path)), tmp_path / "out", tell=done.append
    )
    told = {item.id.partition("/")[2]: item for item in done}
    assert told["1"].caption == "A dog is barking."
    assert told["6"].caption == "Rain is falling on a roof."
    why = {name: (item.rejected.stage, item.rejected.reason)
           for name, item in told.items() if item.rejected}  # fmt: skip
    assert why == {
        "2": ("check", "failure"),
        "3": ("filter", "too_short"),
        "4": ("filter", "no_text"),
        "5": ("filter", "double"),
    }
    assert (report.counts.accepted, report.counts.rejected) == (2, 4)
    again = run_factory(factory(), items_of(soundbible(tmp_path)), tmp_path / "out")
    assert (again.taken, again.kept) == (0, 6)  # and the double is found again


def test_a_blacklist_and_other_limits(tmp_path: Path) -> None:
    black = tmp_path / "black.json"
    black.write_text(json.dumps({"SoundBible": ["1"]}))
    stage = WebFilter(WebFilterConfig(least_s=0.1, blacklist=str(black)))
    first, _, short, *_ = stage.work(list(read_web(soundbible(tmp_path))))
    assert first.rejected is not None
    assert first.rejected.reason == "blacklisted"
    assert short.rejected is None
    assert stage.identity != WebFilter(WebFilterConfig(least_s=0.1)).identity
    with pytest.raises(EarShotError, match="least_s=-1"):
        WebFilterConfig(least_s=-1)


def test_strong_labels_become_an_ordered_sentence(tmp_path: Path) -> None:
    path = tmp_path / "strong.tsv"
    rows = [("a_0", 2.0, 3.0, "/m/0bt9lr"), ("a_0", 0.5, 9.0, "Rain"), ("b_0", 0, 1, "Cough")]
    lines = ["segment_id\tstart_time_seconds\tend_time_seconds\tlabel"]
    lines += ["\t".join(map(str, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    items = list(strong_label_items(path))
    assert [item.labels for item in items] == [("Dog", "Rain"), ("Cough",)]
    filtered = list(WebFilter().work(list(items_of(path))))
    captions = [item.caption for item in RuleWebWriter().work(filtered)]
    assert captions == ["Rain is falling, followed by a dog barking.", "Someone is coughing."]
    path.write_text("\n".join([lines[0], "a_0\tsoon\t1\tDog"]))
    with pytest.raises(EarShotError, match="line 2: 'soon'"):
        list(strong_label_items(path))


def test_doubles_are_of_one_text_and_length() -> None:
    told = {"title": "Dog", "description": "A dog  barks"}
    items = [Item("a", source=told, duration_s=2.0), Item("b", source=told, duration_s=2.5),
             Item("c", source={**told, "description": "a DOG barks"}, duration_s=2.0),
             Item("d"), Item("e")]  # fmt: skip
    assert [item.notes.get("double_of") for item in once(items)] == [None, None, "a", None, None]


def test_the_check_tidies_and_rejects() -> None:
    captions = ['"a dog  barks loudly"', "Failure.", "A bell rings in Rome.", "A dog barks\nloudly"]
    items = [Item(str(i), caption=caption) for i, caption in enumerate(captions)]
    done = list(WebCheck().work(items))
    assert [item.caption for item in done if not item.rejected] == ["A dog barks loudly."] * 2
    assert [item.rejected.reason for item in done if item.rejected] == ["failure", "entity"]
    assert tidy("") == ""


def test_batches_are_of_one_source() -> None:
    items = [Item(str(i), source={"source": "BBC" if i % 2 else "FreeSound"}) for i in range(7)]
    got = [[item.id for item in batch] for batch in batches_by_source(items, 3)]
    assert got == [["0", "2", "4"], ["6"], ["1", "3", "5"]]


def test_identities_change_with_what_results_depend_on() -> None:
    base = factory().identity
    assert factory(WavcapsSettings(filter=WebFilterConfig(least_words=5))).identity != base
    assert factory(WavcapsSettings()).identity == base
    assert not factory().needs_audio


def test_a_folder_without_such_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="without a JSON file of WavCaps"):
        list(read_web(tmp_path))
