from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import EarShotError
from earshot.core.seed import generator
from earshot.text.expression import (
    THEN,
    WHILE,
    Connectors,
    Event,
    Expression,
    Joined,
    draw_connectors,
    events,
    holds,
    negatives,
    parse,
    positives,
    read_out,
    sub_expressions,
    swapped,
)

FEW = settings(deadline=None, derandomize=True, max_examples=60)
LABELS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1).filter(
    lambda label: label.strip() != ""
)


def trees(labels: st.SearchStrategy[str]) -> st.SearchStrategy[Expression]:
    return st.recursive(
        labels.map(Event),
        lambda below: st.builds(Joined, st.sampled_from(["+", "*"]), below, below),
        max_leaves=5,
    )


def written(expressions: list[Expression]) -> list[str]:
    return [str(each) for each in expressions]


@FEW
@given(trees(LABELS))
def test_what_is_printed_is_read_back(tree: Expression) -> None:
    assert parse(str(tree)) == tree


def test_ways_to_write_an_expression() -> None:
    tree = Joined("+", Joined("*", Event("bird"), Event("rain")), Event("dog bark"))
    for text in ("bird * rain + 'dog bark'", '("bird"*\'rain\')+"dog bark"', str(tree)):
        assert parse(text) == tree
    assert parse("a + b + c") == parse("(a + b) + c")
    assert parse("a + b * c") == parse("a + (b * c)")
    assert parse(r"'it\'s' * '\\'") == Joined("*", Event("it's"), Event("\\"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a label or an opening bracket at place 1"),
        ("a +", "a label or an opening bracket at place 4"),
        ("a b", "the end at place 2"),
        ("(a + b", "a closing bracket at place 7"),
        ("a ' b", "a label, a sign or a bracket at place 2"),
        ("''", "a label"),
        ("a" * 20_000, "a shorter expression"),
        ("(" * 9_000 + "a" + ")" * 900, "fewer brackets"),
    ],
)
def test_faults_name_their_place(text: str, expected: str) -> None:
    with pytest.raises(EarShotError, match=expected) as caught:
        parse(text)
    assert caught.value.mend == "Write it like ('bird' + 'rain') * 'dog bark'."


def test_captions_read_from_left_to_right_with_one_word_an_operator() -> None:
    tree = parse("('glass_break' + rain) * (dog + cat)")
    words = Connectors("before", "with")
    assert read_out(tree, words) == "glass break before rain with dog before cat"
    assert events(tree) == ["glass_break", "rain", "dog", "cat"]
    assert read_out(Event("dog bark"), words) == "dog bark"


def test_connectors_are_drawn_from_both_lists() -> None:
    drawn = [draw_connectors(generator(0, i)) for i in range(200)]
    assert {each.then for each in drawn} == set(THEN)
    assert {each.during for each in drawn} == set(WHILE)
    assert draw_connectors(generator(0, 5)) == drawn[5]


def test_positives_and_negatives_of_two_events() -> None:
    then, during = parse("a + b"), parse("a * b")
    assert written(positives(then)) == ["'a'", "'b'"]
    assert written(negatives(then)) == ["'b' + 'a'", "'a' * 'b'"]
    assert written(positives(during)) == ["'b' * 'a'", "'a'", "'b'"]
    assert written(negatives(during)) == ["'b' + 'a'"]  # read "b then a"
    assert positives(Event("a")) == negatives(Event("a")) == []


def test_positives_and_negatives_of_a_deep_tree() -> None:
    tree = parse("(a + b) * c")
    assert written(positives(tree)) == ["'c' * ('a' + 'b')", "'a' + 'b'"]  # no single events
    assert written(negatives(tree)) == [
        "('a' + 'b') + 'c'",  # flipped at the top
        "('b' + 'a') * 'c'",
        "('a' * 'b') * 'c'",
        "'b' + 'a'",  # of the sub-expression
        "'a' * 'b'",
    ]


def test_repeated_labels_make_no_false_negative() -> None:
    assert written(negatives(parse("a + a"))) == ["'a' * 'a'"]  # swapped it is the same
    tree = parse("(a + b) + a")  # b then a is heard, too
    assert "'b' + 'a'" not in written(negatives(tree))
    assert "'a' * 'b'" in written(negatives(tree))


def test_what_holds() -> None:
    tree = parse("(a + b + c) * (d * e)")
    for true in ("c", "b + c", "a + (b + c)", "e * d", "(a + b + c) * e", "d * (a + (b + c))"):
        assert holds(tree, parse(true)), true
    for false in ("a + c", "b + a", "a * b", "c + d", "d * d", "f"):
        assert not holds(tree, parse(false)), false


@FEW
@given(trees(st.sampled_from(["a", "b", "c", "d"])))
def test_every_tree(tree: Expression) -> None:
    labels = sorted(events(tree))
    true, false = positives(tree), negatives(tree)
    assert len(sub_expressions(tree)) == 2 * len(labels) - 2
    assert all(holds(tree, each) for each in [*true, *sub_expressions(tree)])
    assert not any(holds(tree, each) for each in false)
    assert len(set(false)) == len(false)
    assert tree not in true
    for each in false:  # an operator of some part was changed, and no event
        assert any(sorted(events(part)) == sorted(events(each)) for part in _parts(tree))


def _parts(tree: Expression) -> list[Expression]:
    return [tree, *sub_expressions(tree)]


@FEW
@given(trees(st.sampled_from(["a", "b"])).filter(lambda tree: isinstance(tree, Joined)))
def test_swapping_twice_is_the_identity(tree: Joined) -> None:
    assert swapped(swapped(tree)) == tree
    assert holds(tree, swapped(tree)) or tree.operator == "+"
