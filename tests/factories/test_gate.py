from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.audio import Audio, AudioError, write_audio
from earshot.core.errors import EarShotError
from earshot.data import Clip
from earshot.factories.audiosetcaps import Settings, factory
from earshot.factories.factory import run_factory
from earshot.factories.gate import Gate, equalised
from earshot.factories.in_memory import FunctionWriter, MemoryScorer, rule_captions
from earshot.factories.item import Item
from earshot.factories.rule_write import RuleWriter
from earshot.factories.write import WriteStage, fault_of
from earshot.models.ready import ready_embedder
from earshot.synth import render_sound

TEXT = st.text(alphabet="abc ,.", max_size=30)


class Ruler:
    """Reads a text as a number in it: its cosine with every sound."""

    identity = "ruler"

    def hear(self, item: Item) -> np.ndarray:
        if item.id == "deaf":
            raise AudioError(got="no sound", expected="one", mend="Leave it out.")
        return np.array([1.0, 0.0], np.float32)

    def read(self, texts: Sequence[str]) -> np.ndarray:
        cosines = [float(f"0.{text.split()[0]}") for text in texts]
        return np.array([[c, np.sqrt(1 - c * c)] for c in cosines], np.float32)


def gate_of(captions: Sequence[str], **options) -> tuple[Gate, list[int]]:
    takes: list[int] = []

    def write(item: Item, take: int) -> str:
        takes.append(take)
        return captions[take]

    return Gate(FunctionWriter(write, "w"), Ruler(), equalise="none", **options), takes


def passed(captions: Sequence[str], **options) -> tuple[Item, list[int]]:
    gate, takes = gate_of(captions, **options)
    (item,) = gate.work([Item("a", labels=("5",))])
    return item, takes


def test_the_first_caption_that_fits_as_well_as_the_labels_passes() -> None:
    item, takes = passed(["3 a", "5 b", "9 c"], tries=3)
    assert (item.caption, takes) == ("5 b", [0, 1])
    assert item.scores["clap_caption"] == pytest.approx(0.5)
    assert item.scores["clap_label"] == pytest.approx(0.5)
    assert item.scores["tries"] == 2


def test_where_none_passes_the_best_is_kept_and_the_released_code_keeps_the_last() -> None:
    captions = ["2 a", "4 b", "3 c"]
    assert passed(captions, tries=3)[0].caption == "4 b"
    assert passed(captions, tries=3, compat="released")[0].caption == "3 c"
    item = passed(captions, tries=3, below="reject")[0]
    assert (item.caption, item.rejected.reason) == ("", "below_label")
    assert not item.rejected.failed
    assert item.scores["clap_caption"] == pytest.approx(0.4)


def test_faults_are_tries_and_only_faults_are_a_reason() -> None:
    item, takes = passed(["{5}", "6 b"], tries=2)
    assert (item.caption, takes) == ("6 b", [0, 1])
    item, _ = passed(["{5}", "[6]"], tries=2)
    assert item.rejected.reason == "no_caption"


def test_each_clip_goes_its_own_way() -> None:
    gate, takes = gate_of(["4 a", "6 b"], tries=2)
    items = [Item("deaf", labels=("5",)), Item("a", labels=("3",)), Item("b", labels=("5",)),
             Item("none")]  # fmt: skip
    deaf, first, second, none = gate.work(items)
    assert deaf.rejected.failed
    assert (first.caption, second.caption, none.caption) == ("4 a", "6 b", "4 a")
    assert "clap_label" not in none.scores
    assert takes == [0, 0, 0, 1]


@pytest.mark.parametrize(
    "wrong", [{"tries": 0}, {"compat": "x"}, {"below": "x"}, {"equalise": "x"}]
)
def test_gates_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(EarShotError):
        Gate(RuleWriter(), Ruler(), **wrong)


def test_the_shorter_text_is_repeated_as_the_released_code_does() -> None:
    assert equalised("a dog, barking!", "dog") == ("a dog  barking ", "dogdogdogdogdog")
    assert equalised("dog", "rain; wind") == ("dogdogdog", "rain  wind")
    assert equalised("a dog barks", "dog", "spaced") == ("a dog barks", "dog dog dog")
    assert equalised("a dog barks", "dog", "none") == ("a dog barks", "dog")


@settings(deadline=None, derandomize=True, max_examples=80)
@given(TEXT, TEXT)
def test_repeats_follow_the_formula(caption: str, label: str) -> None:
    longest = max(len(caption), len(label))
    for text, filled in zip((caption, label), equalised(caption, label), strict=True):
        plain = text.replace(",", " ").replace(".", " ")
        times = (longest - len(plain)) // len(plain) if plain.strip() else 0
        assert filled == plain + plain * times
        assert len(filled) <= longest
    for filled in equalised(caption, label, "spaced"):
        assert len(filled) <= longest


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Nothing"),
        ("a " * 51, "51 words"),
        ("A dog [bark]", "'['"),
        ("The label is dog", "'label'"),
        ('A man says "let us go home now"', "quotes"),
        ("We hear Male speech, man speaking", "prints the label"),
    ],
)
def test_texts_that_are_no_captions_have_a_reason(text: str, why: str) -> None:
    assert why in fault_of(text, ("Male speech, man speaking", "Dog"))
    assert fault_of("A dog barks while a man talks.", ("Dog",)) == ""


ITEM = Item(
    "a", labels=("Dog", "Rain"),
    notes={"events": "Dog; Rain; person speaking", "speech": "A man speaks.", "manner": "loud"},
)  # fmt: skip


def test_a_rule_writes_what_is_known_in_other_words_each_time() -> None:
    writer = RuleWriter()
    captions = [writer.caption(ITEM, take) for take in range(6)]
    assert captions == [writer.caption(ITEM, take) for take in range(6)]
    assert len(set(captions)) > 2
    for caption in captions:
        for word in ("dog", "rain", "man speaking"):
            assert word in caption.lower() or "man is speaking" in caption.lower()
        assert caption[0].isupper()
        assert caption.endswith(".")
        assert len(caption.split()) <= 50
    assert writer.caption(Item("b")) == ""
    many = Item("c", labels=tuple(f"thing number {i}" for i in range(40)))
    assert len(writer.caption(many).split()) <= 50


def test_a_rule_retells_what_a_model_noted_without_its_quotes() -> None:
    notes = {"description": 'The audio contains a man who says "go home". He walks.'}
    text = RuleWriter().caption(Item("a", labels=("Thunder",), notes=notes))
    assert "go home" not in text
    assert text.startswith("A man who says")
    assert text.endswith("with thunder.")


def test_a_stage_tries_again_and_gives_a_reason() -> None:
    writer = FunctionWriter(lambda item, take: ["", "A dog."][take], "w")
    (item,) = WriteStage(writer).work([Item("a")])
    assert item.caption == "A dog."
    (item,) = WriteStage(writer, tries=1).work([Item("a")])
    assert item.rejected.reason == "no_caption"
    with pytest.raises(EarShotError, match="1 or more"):
        WriteStage(writer, tries=0)


def test_the_offline_factory_captions_files_the_same_each_time(tmp_path: Path) -> None:
    for seed in range(2):
        write_audio(tmp_path / f"{seed}.wav", render_sound("cow", seed=seed), 16_000)
    items = [Item(f"c{seed}", tmp_path / f"{seed}.wav", labels=("Cow",)) for seed in range(2)]
    made = factory(Settings())
    assert made.identity == factory(Settings()).identity
    assert made.identity != factory(Settings(tries=3)).identity
    report = run_factory(made, items, tmp_path / "out")
    assert report.counts.accepted == 2
    assert run_factory(factory(Settings()), items, tmp_path / "out").taken == 0


@pytest.mark.parametrize(
    "wrong", [{"listen": "llm"}, {"listen": "x"}, {"tries": -1}, {"max_words": 2}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict) -> None:
    with pytest.raises(EarShotError):
        Settings(**wrong)


def test_clips_in_memory_are_heard_by_their_ids() -> None:
    sound = Audio(render_sound("cow", sample_rate=32_000), 32_000)
    clip = Clip(sound, labels=("cow",), id="a")
    scorer = MemoryScorer(ready_embedder(), [clip])
    assert np.linalg.norm(scorer.hear(Item("a"))) == pytest.approx(1, abs=1e-5)
    with pytest.raises(EarShotError, match="in memory"):
        scorer.hear(Item("b"))
    with pytest.raises(EarShotError, match="not in memory"):
        MemoryScorer(scorer.embedder, [Clip(Path("a.wav"))])
    assert all("cow" in caption.lower() for caption in rule_captions(clip))
    with pytest.raises(EarShotError, match="earshot-small"):
        ready_embedder("no such model")
