from __future__ import annotations

import re
import string

import numpy as np
import pytest

from earshot.synth import SOUNDS
from earshot.synth.captions import MIXED, SINGLE, THEN, WHILE, captions_of, fill
from earshot.synth.phrases import Wording

A = Wording("AAA", "AAA", "AAA", "AAA")
B = Wording("BBB", "BBB", "BBB", "BBB")
C = Wording("CCC", "CCC", "CCC", "CCC")


@pytest.mark.parametrize("templates", [SINGLE, THEN, WHILE, MIXED])
def test_each_relation_has_a_dozen_templates(templates: tuple) -> None:
    assert len(set(templates)) == len(templates) >= 12


@pytest.mark.parametrize("template", THEN)
def test_templates_of_order_tell_the_order(template: str) -> None:
    """Whoever is named second came second, unless the words between turn it round."""
    sentence = fill(template, [[A], [B]])
    assert {"AAA", "BBB"} <= set(re.findall(r"[A-C]{3}", sentence))
    turned = re.search(r"BBB (after|preceded by|comes after) AAA", sentence)
    forward = re.search(
        r"AAA(,? (then|and then|followed by|before|and afterwards|and later|after which|"
        r"and ends with|gives way to)\b|, then)",
        sentence,
    )
    named_first = sentence.index("BBB") < sentence.index("AAA")
    assert bool(turned) == named_first
    assert turned or forward or sentence.startswith("After AAA, BBB")
    assert fill(template, [[B], [A]]) != sentence


@pytest.mark.parametrize("template", WHILE)
def test_templates_of_overlap_do_not_tell_an_order(template: str) -> None:
    assert not re.search(r"\b(then|before|after|follow|later|first)", template)
    assert {field for _, field, _, _ in string.Formatter().parse(template) if field} & {
        "N1", "C1", "P1", "G1",
    }  # fmt: skip


@pytest.mark.parametrize("template", MIXED)
def test_templates_of_many_keep_the_order(template: tuple) -> None:
    sentence = fill(template, [[A, B], [C]])
    assert re.findall("AAA|BBB|CCC", sentence) == ["AAA", "BBB", "CCC"]


@pytest.mark.parametrize("sizes", [(1,), (1, 1), (2,), (1, 2), (2, 1, 1)])
def test_captions_differ_and_name_every_event(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    kinds = iter(("dog bark", "siren", "rain", "owl"))
    groups = [[(SOUNDS[next(kinds)], {}) for _ in range(size)] for size in sizes]
    captions = captions_of(groups, 5, rng)
    assert len(set(captions)) == 5
    for caption in captions:
        assert caption[0].isupper()
        assert "  " not in caption
        assert not re.search(r"\ba [aeio]|\ban [^aeiou]", caption)
        for group in groups:
            for kind, _ in group:
                stems = {w for s in kind.synonyms for w in re.findall(r"[a-z]{4,}", s)}
                assert any(w in caption.lower() for w in stems), (kind.name, caption)


def test_no_kind_makes_a_bad_article() -> None:
    rng = np.random.default_rng(2)
    for kind in SOUNDS.values():
        for caption in captions_of([[(kind, {"loudness": "soft"})]], 5, rng):
            assert not re.search(
                r"\b[Aa] [aeio]|\b[Aa]n [^aeiou]|\b(a|an|the) (a|an|the)\b", caption
            )
