"""The map of the field as a picture: architectures from top to bottom, stages across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from earshot.catalogue.entry import ARCHITECTURES, Entry
from earshot.catalogue.sketches import sketch
from earshot.catalogue.standing import recipe_of, status_of

COLUMNS = (  # stages, what they are called, chips side by side
    (("P1",), "one modality", 2),
    (("P2",), "sound and language", 2),
    (("T1",), "one task", 1),
    (("T2", "T3"), "many tasks, cooperation", 1),
    (("data", "eval"), "data, measuring", 1),
)
COLOURS = {
    "alignment": "#2563a8",
    "representation": "#2e7d4f",
    "captioning": "#a8561a",
    "modalities": "#7a3f9d",
    "audio_llm": "#b3263c",
    "generation": "#0f7f86",
    "speech_separation": "#7d6a12",
}
NAMES = {"audio_llm": "audio LLMs", "speech_separation": "speech and separation"}
CHIP_W, CHIP_H, GAP, PAD = 134, 19, 4, 9
HEAD_W, TOP = 184, 92
INK, GREY, LINE = "#1d2733", "#5c6875", "#d8dee5"


def svg_map(models: Sequence[Entry]) -> str:
    """An SVG of all models, each in the row of its architecture and the column of its first stage.

    Filled: a recipe that stands. Framed: a recipe that is planned. Plain: models of others.
    """
    rows = [name for name in ARCHITECTURES if any(each.architecture == name for each in models)]
    lefts = [HEAD_W]
    for _, _, across in COLUMNS:
        lefts.append(lefts[-1] + across * (CHIP_W + GAP) - GAP + 2 * PAD)
    parts, y = [], TOP
    for number, row in enumerate(rows):
        cells = [
            [each for each in models if each.architecture == row and each.stage[0] in stages]
            for stages, _, _ in COLUMNS
        ]
        deep = max(
            -(-len(cell) // across) for cell, (_, _, across) in zip(cells, COLUMNS, strict=True)
        )
        height = max(deep * (CHIP_H + GAP) - GAP + 2 * PAD, 56)
        if number % 2 == 0:
            parts.append(_rect(0, y, lefts[-1], height, fill="#f5f7fa"))
        parts.append(_row_head(row, y, height))
        for cell, left, (_, _, across) in zip(cells, lefts, COLUMNS, strict=False):
            parts += _chips(cell, left + PAD, y, height, across)
        y += height
    parts += [_line(left, TOP - 40, left, y) for left in lefts[:-1]]
    parts += _column_heads(lefts)
    parts += _legend(y + 14)
    width, height = lefts[-1], y + 72
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" role="img">\n'
        f"<title>Models of the field by architecture and stage</title>\n"
        f"{_rect(0, 0, width, height, fill='#ffffff')}\n"
        f"{_text(12, 26, 'Audio-language models, by what they are and how they are taught', 17, INK, bold=True)}\n"  # noqa: E501
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _chips(
    cell: Sequence[Entry], left: float, y: float, height: float, across: int
) -> Iterable[str]:
    """The models of one cell, centred from top to bottom; EarShot's own ones first."""
    ordered = sorted(cell, key=lambda each: (recipe_of(each) != each.name, each.family, each.name))
    deep = -(-len(cell) // across)
    top = y + (height - deep * (CHIP_H + GAP) + GAP) / 2
    for i, entry in enumerate(ordered):
        x = left + i // deep * (CHIP_W + GAP)
        yield _chip(entry, x, top + i % deep * (CHIP_H + GAP))


def _chip(entry: Entry, x: float, y: float) -> str:
    colour, more = COLOURS[entry.family], entry.stage[1:]
    own = recipe_of(entry) == entry.name
    stands = own and status_of(entry) == "recipe"
    label = entry.name.replace("_", " ") + (f" +{'+'.join(more)}" if more else "")
    fill, ink = (colour, "#ffffff") if stands else ("#ffffff" if own else "none", colour)
    dash = "" if stands else ' stroke-dasharray="3 2"'
    frame = f' stroke="{colour}"{dash}' if own else ""
    size = 10.5 if len(label) <= 23 else 9
    return (
        f"<g><title>{escape(entry.title)}</title>"
        f'<rect x="{x:g}" y="{y:g}" width="{CHIP_W}" height="{CHIP_H}" rx="5" '
        f'fill="{fill}"{frame}/>'
        f"{_text(x + CHIP_W / 2, y + 13.2, label, size, ink if own else GREY, middle=True)}</g>"
    )


def _row_head(row: str, y: float, height: float) -> str:
    middle = y + height / 2
    words = _wrapped(ARCHITECTURES[row], 26)
    first = middle - 3 - 5 * (len(words) - 1)
    lines = [_text(54, first, row, 11.5, INK, bold=True)]
    lines += [_text(54, first + 12 + 10.5 * i, line, 8.8, GREY) for i, line in enumerate(words)]
    return sketch(row, 10, middle - 14) + "".join(lines)


def _column_heads(lefts: Sequence[float]) -> Iterable[str]:
    for left, right, (stages, words, _) in zip(lefts, lefts[1:], COLUMNS, strict=False):
        centre = (left + right) / 2
        name = " / ".join(stages)
        yield _text(centre, TOP - 24, name, 13, INK, bold=True, middle=True)
        yield _text(centre, TOP - 9, words, 10, GREY, middle=True)


def _legend(y: float) -> Iterable[str]:
    x = 12.0
    for family, colour in COLOURS.items():
        yield _rect(x, y, 11, 11, fill=colour)
        yield _text(x + 16, y + 9.5, NAMES.get(family, family), 10.5, INK)
        x += 40 + 6.2 * len(NAMES.get(family, family))
    frame = f'stroke="{GREY}"'
    told = (("a recipe of EarShot", f'fill="{GREY}" {frame}'),
            ("planned", f'fill="#ffffff" stroke-dasharray="3 2" {frame}'),
            ("a model of others", 'fill="none"'))  # fmt: skip
    x, y = 12.0, y + 24
    for words, style in told:
        yield f'<rect x="{x:g}" y="{y:g}" width="26" height="12" rx="4" {style}/>'
        yield _text(x + 32, y + 10, words, 10.5, INK)
        x += 60 + 6 * len(words)
    yield _text(x, y + 10, "+T2: a further stage", 10.5, GREY)


def _wrapped(words: str, most: int) -> list[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _rect(x: float, y: float, width: float, height: float, *, fill: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}"/>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{LINE}"/>'


def _text(
    x: float, y: float, words: str, size: float, fill: str, *, bold: bool = False,
    middle: bool = False,
) -> str:  # fmt: skip
    weight = ' font-weight="600"' if bold else ""
    anchor = ' text-anchor="middle"' if middle else ""
    at = f'<text x="{x:g}" y="{y:g}" font-size="{size:g}"'
    return f'{at} fill="{fill}"{weight}{anchor}>{escape(words)}</text>'
