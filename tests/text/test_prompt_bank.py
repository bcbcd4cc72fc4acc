from __future__ import annotations

import csv
import importlib.util
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.synth.sounds import SOUNDS
from earshot.text.lexicon import Lexicon, SoundWords, audioset_lexicon
from earshot.text.prompt_augmentation import FRAMES, RulePrompter, augment_prompts
from earshot.text.prompt_bank import (
    BankEntry,
    PromptBank,
    read_bank,
    shipped_bank,
    shipped_banks,
)
from earshot.text.prompt_ensemble import ensemble, unit
from shared_data import shared_data

BANK = PromptBank(
    (
        BankEntry("dog", tuple(f"dog {i}" for i in range(10)), ("hound", "cat")),
        BankEntry("cat", ("a mew",)),
    )
)


@pytest.mark.parametrize("name", ["dog", "Dog", "a dog", "the_DOG", "hound", " dog. "])
def test_a_label_is_found_however_it_is_written(name: str) -> None:
    assert name in BANK
    assert BANK.prompts_of(name) == BANK.entries[0].prompts


def test_a_label_s_own_name_goes_before_another_s_second_name() -> None:
    assert BANK.prompts_of("cat") == ("a mew",)


def test_drawn_prompts_are_the_same_and_grow_with_n() -> None:
    two, five = BANK.prompts_of("dog", 2), BANK.prompts_of("Dog", 5)
    assert five[:2] == two
    assert len(set(five)) == 5
    assert set(BANK.prompts_of("dog", 99)) == set(BANK.prompts_of("dog"))
    assert len({BANK.prompts_of("dog", 2, seed=seed) for seed in range(20)}) > 10
    assert BANK.prompts_of("cat", 2) == ("a mew",)


def test_unknown_labels_and_no_prompts_are_refused() -> None:
    with pytest.raises(EarShotError, match="Did you mean 'dog'"):
        BANK.prompts_of("dogg")
    with pytest.raises(EarShotError, match="at least one"):
        BANK.prompts_of("dog", 0)


def test_two_banks_become_one() -> None:
    other = PromptBank((BankEntry("Dog", ("other",)), BankEntry("cow", ("a low moan",))))
    both = BANK.merged(other)
    assert both.labels == ("dog", "cat", "cow")
    assert both.prompts_of("dog", 1)[0].startswith("dog ")


@given(
    st.dictionaries(
        st.text("abcdefg ßü鳥", min_size=1).map(str.strip).filter(bool),
        st.lists(st.text("xyz é", min_size=1).map(str.strip).filter(bool), min_size=1, unique=True),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_read_again(prompts: dict[str, list[str]]) -> None:
    entries = {}
    for label, texts in prompts.items():
        told = tuple(dict.fromkeys(" ".join(text.split()) for text in texts))
        entries.setdefault(" ".join(label.split()), told)
    bank = PromptBank(tuple(BankEntry(*each, ("x" + each[0],)) for each in entries.items()))
    if len({label.replace("a ", "", 1) for label in entries}) < len(entries):
        return  # "a b" and "b" are one label
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank.jsonl"
        bank.write(path)
        assert read_bank(path).entries == bank.entries


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["{"], "line 1, not JSON"),
        (["[1]"], "line 1, a list"),
        (['{"label": "dog"}'], "line 1, field 'prompts'"),
        (["", '{"label": "dog", "prompts": []}'], "line 2, field 'prompts'"),
        (['{"label": "dog", "prompts": "a yap"}'], "field 'prompts'"),
        (['{"label": "dog", "prompts": ["a yap", " "]}'], "field 'prompts'"),
        (['{"label": 3, "prompts": ["a"]}'], "field 'label': 3"),
        (['{"label": "dog", "prompts": ["a"], "also": "hound"}'], "field 'also'"),
        (['{"label": "dog", "prompts": ["a"]}', '{"label": "a Dog", "prompts": ["b"]}'], "line 1"),
        ([], "a line for each label"),
        (['{"about": "nothing else"}'], "a line for each label"),
        (["[" * 100_000], "line 1, not JSON"),
    ],
)
def test_faults_name_line_and_field(lines: list[str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "bank.jsonl"
    path.write_text("\n".join(lines))
    with pytest.raises(EarShotError, match=said):
        read_bank(path)


def test_a_file_that_is_not_there_or_not_text_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EarShotError, match="Correct the path"):
        read_bank(tmp_path / "none.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EarShotError, match="UTF-8"):
        read_bank(tmp_path / "bytes.jsonl")


@pytest.mark.parametrize("name", shipped_banks())
def test_shipped_banks_have_several_different_prompts_a_label(name: str) -> None:
    bank = shipped_bank(name)
    for entry in bank.entries:
        assert len(set(entry.prompts)) == len(entry.prompts) >= 4, entry.label
        assert all(text.isascii() and len(text.split()) <= 40 for text in entry.prompts)


def test_the_script_writes_the_banks_that_ship() -> None:
    path = Path(__file__).parents[2] / "scripts" / "write_prompt_banks.py"
    spec = importlib.util.spec_from_file_location("write_prompt_banks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = {bank.name: bank.entries for bank in module.banks()}
    assert made == {name: shipped_bank(name).entries for name in shipped_banks()}


def test_every_kind_that_is_made_has_prompts() -> None:
    assert [name for name in SOUNDS if name not in shipped_bank()] == []


def test_the_fifty_classes_of_esc_have_prompts_of_their_own_names() -> None:
    bank = shipped_bank("esc50")
    assert len(bank) == 50
    for entry in bank.entries:
        assert all(entry.label in text for text in entry.prompts)


def test_audioset_s_ontology_is_covered() -> None:
    ontology = json.loads((shared_data("text") / "audioset_ontology.json").read_text())
    bank = shipped_bank("audioset")
    names = [each["name"] for each in ontology]
    assert len(names) == len(bank) == len(audioset_lexicon()) == 632
    assert [name for name in names if name not in bank] == []


@pytest.mark.parametrize("name", ["esc10", "fsdd", "instruments", "stamps"])
def test_every_label_of_the_recordings_at_hand_has_prompts(name: str) -> None:
    folder = shared_data(name)
    labels = labels_of(folder)
    assert len(labels) >= 8
    assert [label for label in sorted(labels) if label not in shipped_bank()] == []


def labels_of(folder: Path) -> set[str]:
    with next(folder.glob("*.csv")).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    column = next(name for name in ("label", "category", "digit", "class") if name in rows[0])
    return {row[column] for row in rows if row.get("sound", "heard")}  # not of pictures alone


def test_prompts_are_made_in_two_stages() -> None:
    bank = augment_prompts(["Dog bark"], RulePrompter(toy_lexicon()), also={"Dog bark": ["x"]})
    (entry,) = bank.entries
    assert len(entry.prompts) == 2 * len(FRAMES)
    assert entry.also == ("x",)
    assert all("dog bark" in text for text in entry.prompts)  # the name stays
    assert sum("a yap" in text for text in entry.prompts) == len(FRAMES)
    with pytest.raises(EarShotError, match="no description of cow, pig"):
        augment_prompts(["cow", "dog bark", "pig"], RulePrompter(toy_lexicon()))


def toy_lexicon() -> Lexicon:
    return Lexicon([SoundWords("dog bark", (), ("a yap", "a woof"))])


def test_every_prompt_counts_alike_whatever_its_length() -> None:
    rows = {"a": [10.0, 0.0], "b": [0.0, 0.1], "c": [3.0, 4.0]}
    read = lambda texts: np.array([rows[text] for text in texts], np.float32)  # noqa: E731
    found = ensemble(read, [["a", "b"], ["c"], ["a", "a", "b"]])
    half = np.sqrt(0.5)
    expected = [[half, half], [0.6, 0.8], np.array([2.0, 1.0]) / np.sqrt(5)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32


def test_the_ensemble_asks_once_and_refuses_an_empty_group() -> None:
    asked = []

    def read(texts):
        asked.append(list(texts))
        return np.ones((len(texts), 2), np.float32)

    ensemble(read, [["a"], ["b", "c"]])
    assert asked == [["a", "b", "c"]]
    with pytest.raises(EarShotError, match="no prompt"):
        ensemble(read, [["a"], []])
    assert ensemble(read, []).shape[0] == 0
    assert not unit(np.zeros((1, 3), np.float32)).any()
