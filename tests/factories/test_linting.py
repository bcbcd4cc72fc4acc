"""The linter finds what machines leave in captions, and leaves people's captions alone."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from earshot.core.errors import EarShotError
from earshot.factories.factory import Factory, run_factory
from earshot.factories.linting import Linted, faults_of, lint
from factories.stub_stages import Write, clips
from shared_data import shared_data


def kinds(caption: str, *labels: str) -> list[str]:
    return [fault.kind for fault in faults_of(caption, labels)]


@pytest.mark.parametrize(
    "caption",
    [
        "A man says: hello my name is Bob",
        'A man says "close the door now" while rain falls.',
        "A woman says that she is going to the market with her dog.",
        "A man announces: Welcome to the station everybody.",
        "I'm hearing water flow in a sink.",
    ],
)
def test_spoken_words_are_found(caption: str) -> None:
    assert kinds(caption) == ["leaked_speech"]


@pytest.mark.parametrize(
    "caption",
    [
        "A man speaks while a dog barks.",
        "A crowd yells, and a horn honks twice in the distance.",
        "A woman says something in a calm voice.",
        'A "whoosh" is heard.',
    ],
)
def test_words_about_speech_are_not(caption: str) -> None:
    assert kinds(caption) == []


def test_labels_are_found_where_they_are_copied() -> None:
    label = "Vehicle horn, car horn, honking"
    assert kinds(f"The sound of {label} is heard.", label) == ["copied_label"]
    assert kinds("A dog barks.", "Dog", "dog") == []


def test_peoples_captions_are_hardly_ever_taken_for_machines() -> None:
    table = shared_data("text") / "audiocaps_val.csv"
    with table.open(encoding="utf-8") as file:
        captions = [row["caption"] for row in csv.DictReader(file)]
    faulty = [caption for caption in captions if "leaked_speech" in kinds(caption)]
    assert len(faulty) <= 0.002 * len(captions)


def test_tables_and_folders_are_read_and_bad_rows_are_told(tmp_path: Path) -> None:
    table = tmp_path / "captions.csv"
    table.write_text("id,caption\na,A dog barks.\nb,Score 0.87 [music]\nc\nd,\n")
    linted = Linted()
    found = list(lint(table, linted))
    assert [(each.where, each.fault.kind) for each in found] == [
        ("captions.csv, line 3, field 'caption'", "caption_leak"),
        ("captions.csv, line 4", "bad_row"),
        ("captions.csv, line 5, field 'caption'", "empty_caption"),
    ]
    assert (linted.n_captions, linted.n_faulty) == (3, 2)
    noted = [item.with_(notes={"description": "label_1"}) for item in clips(5)]
    run_factory(Factory("w", [Write()]), noted, tmp_path / "out")
    linted = Linted()
    assert [each.where for each in lint(tmp_path / "out", linted)] == [i.id for i in noted]
    assert linted.kinds == {"caption_leak": 5}


def test_a_table_without_captions_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,words\na,A dog barks.\n")
    with pytest.raises(EarShotError, match="caption=text"):
        list(lint(table, Linted()))
