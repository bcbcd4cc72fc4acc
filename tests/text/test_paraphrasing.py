import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.seed import generator
from earshot.metrics.caption_events import EventReader
from earshot.synth.caption_scenes import KINDS, CaptionScenesConfig, draw_event, kind_words, tell
from earshot.text.paraphrasing import RuleParaphraser, ways_to_say

RULE = RuleParaphraser()


def test_words_joints_and_halves_change_and_sounds_stay_in_order() -> None:
    said = RULE.rewrite("A dog barks loudly, then a bell rings", 40)
    assert len(said) > 10
    assert len({text.lower() for text in said}) == len(said)
    assert "A hound woofs noisily, and later a bell tolls" in said
    for text in said:
        first, second = (text.lower().find(word) for word in ("bark", "bell"))
        assert (first if first >= 0 else text.lower().find("woof")) < second


def test_simultaneous_sounds_may_change_places_and_backward_joints_keep_the_order() -> None:
    said = RULE.rewrite("A man speaks while a car passes", 60)
    assert any(text.lower().find("passes") < text.lower().find(" man ") for text in said)
    assert any(text.startswith("A man") for text in said)
    assert set(RULE.rewrite("Thunder before rain", 8)) >= {"Rain after thunder"}
    assert set(RULE.rewrite("Thunder followed by rain", 8)) >= {"Rain preceded by thunder"}


@pytest.mark.parametrize(("caption", "n"), [("", 3), ("   ", 3), ("Both a b and c d are heard", 3)])
def test_what_has_no_other_words_has_no_paraphrase(caption: str, n: int) -> None:
    assert RULE.rewrite(caption, n) == ()


def test_articles_agree() -> None:
    said = " ".join(RULE.rewrite("a car and a motor", 60)).lower()
    assert "an automobile" in said
    assert "a automobile" not in said
    assert "an engine" in said


@given(st.integers(0, 400))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_paraphrases_of_scenes_tell_of_the_same_sounds(number: int) -> None:
    rng = generator(number, "paraphrase test")
    relation = ("single", "then", "while")[number % 3]
    kinds = rng.choice(KINDS, 1 if relation == "single" else 2, replace=False)
    events = [draw_event(str(kind), CaptionScenesConfig(), rng) for kind in kinds]
    (caption,) = tell(events, relation, 1, rng)
    names = kind_words().items()
    reader = EventReader({kind: [w for n in own for w in ways_to_say(n)] for kind, own in names})
    before = reader.events(caption)
    said = RULE.rewrite(caption, 4)
    assert said == RULE.rewrite(caption, 4)
    for text in said:
        after = reader.events(text)
        assert sorted(after) == sorted(before), (caption, text)
        if relation == "then":
            assert after == before, (caption, text)


def test_every_way_to_say_a_name() -> None:
    assert ways_to_say("rain") == ("rain",)
    assert set(ways_to_say("dog barks")) == {
        f"{who} {does}" for who in ("dog", "hound", "canine") for does in ("barks", "woofs")
    }
