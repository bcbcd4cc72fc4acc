"""Expressions over sounds: events joined by + (one after the other) and * (at once).

Everything is done on the tree, so that an event may occur twice. Source: arXiv:2310.08753, Sec. 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from earshot.core.errors import EarShotError

Operator = Literal["+", "*"]
FLIPPED: dict[Operator, Operator] = {"+": "*", "*": "+"}
THEN = (
    "followed by", "ends with", "before", "and later", "and then", "proceeded by", "succeeded by",
)  # fmt: skip  # readings of +, as the paper words them
WHILE = (
    "overlayed by", "and", "with", "accompanied by", "surrounded by", "amidst by", "coupled with",
)  # fmt: skip  # readings of *
MAX_LENGTH = 10_000  # characters of a written expression
_TOKEN = re.compile(
    r"""(?s)\s*(?:([+*()])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s+*()'"]+))"""
)


@dataclass(frozen=True)
class Event:
    """One sound, by its label."""

    label: str

    def __str__(self) -> str:
        return "'" + self.label.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True)
class Joined:
    """Two expressions, one after the other or at once."""

    operator: Operator
    left: Expression
    right: Expression

    def __str__(self) -> str:
        sides = [f"({s})" if isinstance(s, Joined) else str(s) for s in (self.left, self.right)]
        return f"{sides[0]} {self.operator} {sides[1]}"


Expression = Event | Joined


@dataclass(frozen=True)
class Connectors:
    """The words that a caption has for each operator."""

    then: str = THEN[0]
    during: str = WHILE[0]


def draw_connectors(rng: np.random.Generator) -> Connectors:
    """One of the paper's words for each operator."""
    return Connectors(THEN[int(rng.integers(len(THEN)))], WHILE[int(rng.integers(len(WHILE)))])


def read_out(expression: Expression, connectors: Connectors) -> str:
    """The expression as a caption: "dog bark followed by rain"."""
    if isinstance(expression, Event):
        return " ".join(expression.label.replace("_", " ").split())
    word = connectors.then if expression.operator == "+" else connectors.during
    sides = read_out(expression.left, connectors), read_out(expression.right, connectors)
    return f"{sides[0]} {word} {sides[1]}"


def events(expression: Expression) -> list[str]:
    """The labels, from left to right."""
    if isinstance(expression, Event):
        return [expression.label]
    return events(expression.left) + events(expression.right)


def sub_expressions(expression: Expression) -> list[Expression]:
    """Every expression below this one, from the top."""
    if isinstance(expression, Event):
        return []
    sides = (expression.left, expression.right)
    return [*sides, *(below for side in sides for below in sub_expressions(side))]


def positives(expression: Expression) -> list[Expression]:
    """What else is true of the sound: its sub-expressions, and B * A for every A * B.

    Single events count for a plain A + B or A * B; in deeper trees they are left out.
    """
    below = sub_expressions(expression)
    if len(below) > 2:
        below = [each for each in below if isinstance(each, Joined)]
    turned = [
        swapped(each)
        for each in (expression, *below)
        if isinstance(each, Joined) and each.operator == "*"
    ]
    return _distinct(each for each in (*turned, *below) if each != expression)


def negatives(expression: Expression) -> list[Expression]:
    """What sounds like it and is false: one operator flipped, or the operands of one + swapped.

    These changes are made in the expression and in each of its sub-expressions. A plain A * B that
    is flipped is read "B then A". Whatever repeated labels make true all the same is left out.
    """
    made: list[Expression] = []
    for whole in (expression, *sub_expressions(expression)):
        made += _variants(whole)
    return _distinct(each for each in made if not holds(expression, each))


def holds(expression: Expression, other: Expression) -> bool:
    """Whether `other` is the same as `expression` or a part of it.

    The order of what sounds at once does not matter, nor how a chain of + or of * is bracketed.
    """
    return _contains(normal_form(expression), normal_form(other))


Normal = str | tuple[str, tuple["Normal", ...]]


def normal_form(expression: Expression) -> Normal:
    """A label, or an operator with all operands of its chain; those of * are sorted.

    Two expressions that say the same of a sound have one form.
    """
    if isinstance(expression, Event):
        return expression.label
    operands: list[Normal] = []
    for side in (normal_form(expression.left), normal_form(expression.right)):
        chained = isinstance(side, tuple) and side[0] == expression.operator
        operands += side[1] if isinstance(side, tuple) and chained else [side]
    if expression.operator == "*":
        operands.sort(key=repr)
    return (expression.operator, tuple(operands))


def swapped(expression: Joined) -> Joined:
    """The operands the other way round."""
    return Joined(expression.operator, expression.right, expression.left)


def parse(text: str) -> Expression:
    """The expression that is written as ('bird' + 'rain') * "dog bark"; * binds closer than +.

    Labels of one word need no quotes. Raises EarShotError, with the place.
    """
    if len(text) > MAX_LENGTH:
        raise _fault(text[:20] + "...", "a shorter expression")
    reader = _Reader(text)
    try:
        expression = reader.sum()
    except RecursionError as fault:
        raise _fault(text[:20] + "...", "fewer brackets") from fault
    if reader.token is not None:
        raise _fault(text, f"+ or * or the end at place {reader.start + 1}")
    return expression


class _Reader:
    """Recursive descent over the tokens of a written expression."""

    def __init__(self, text: str) -> None:
        self.text, self.end = text.rstrip(), 0
        self.advance()

    def advance(self) -> None:
        """Go to the next token: its sign, or its label as ("label", text); None at the end."""
        self.start = self.end
        self.token: str | tuple[str, str] | None = None
        if self.end == len(self.text):
            return
        found = _TOKEN.match(self.text, self.end)
        if found is None:
            raise _fault(self.text, f"a label, a sign or a bracket at place {self.end + 1}")
        sign, *quoted, word = found.groups()
        self.end = found.end()
        label = next((each for each in quoted if each is not None), None)
        if sign:
            self.token = sign
        else:
            self.token = ("label", word if label is None else re.sub(r"(?s)\\(.)", r"\1", label))

    def sum(self) -> Expression:
        """Terms joined by +."""
        left = self.product()
        while self.token == "+":
            self.advance()
            left = Joined("+", left, self.product())
        return left

    def product(self) -> Expression:
        """Factors joined by *."""
        left = self.factor()
        while self.token == "*":
            self.advance()
            left = Joined("*", left, self.factor())
        return left

    def factor(self) -> Expression:
        """A label, or a sum in brackets."""
        token, place = self.token, self.start + 1
        if isinstance(token, tuple) and token[1].strip():
            self.advance()
            return Event(token[1])
        if token != "(":
            raise _fault(self.text, f"a label or an opening bracket at place {place}")
        self.advance()
        inner = self.sum()
        if self.token != ")":
            raise _fault(self.text, f"a closing bracket at place {self.start + 1}")
        self.advance()
        return inner


def _fault(text: str, expected: str) -> EarShotError:
    return EarShotError(
        got=f"the expression {text!r}",
        expected=expected,
        mend="Write it like ('bird' + 'rain') * 'dog bark'.",
    )


def _is_plain(expression: Expression) -> bool:
    """True for one operator between two events."""
    return len(sub_expressions(expression)) == 2


def _variants(expression: Expression) -> Iterator[Expression]:
    """The expression with one operator changed, the topmost first."""
    if isinstance(expression, Event):
        return
    left, right = expression.left, expression.right
    if expression.operator == "+":
        yield swapped(expression)
        yield Joined("*", left, right)
    else:
        plain = _is_plain(expression)
        yield Joined("+", right, left) if plain else Joined("+", left, right)
    for side in _variants(left):
        yield Joined(expression.operator, side, right)
    for side in _variants(right):
        yield Joined(expression.operator, left, side)


def _distinct(expressions: Iterator[Expression]) -> list[Expression]:
    return list(dict.fromkeys(expressions))


def _contains(mine: Normal, yours: Normal) -> bool:
    if mine == yours:
        return True
    if isinstance(mine, str):
        return False
    operator, operands = mine
    if isinstance(yours, tuple) and yours[0] == operator:
        wanted = yours[1]
        if operator == "*" and all(wanted.count(e) <= operands.count(e) for e in wanted):
            return True
        starts = range(len(operands) - len(wanted) + 1) if operator == "+" else ()
        if any(operands[start : start + len(wanted)] == wanted for start in starts):
            return True
    return any(_contains(operand, yours) for operand in operands)
