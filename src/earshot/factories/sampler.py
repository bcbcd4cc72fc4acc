"""One page to listen and read: a sample of a factory's clips, with the rejected ones."""

from __future__ import annotations

import html
import os
import random
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from earshot.core.files import write_text
from earshot.core.urls import is_url
from earshot.factories.item import Item
from earshot.factories.part_store import rows_in
from earshot.factories.parts import item_of

FILE = "sampler.html"
T = TypeVar("T")


def write_sampler(out: Path, page: Path | None = None, *, n: int = 60, seed: int = 0) -> Path:
    """A page of up to `n` clips and a third as many rejected ones, drawn by `seed`.

    It opens from disk: sounds are linked relative to it, and nothing is fetched from elsewhere.
    """
    page = out / FILE if page is None else page
    accepted = _sampled((item_of(row, out) for row in rows_in(out, "data")), n, seed)
    rejected = _sampled((item_of(row, out) for row in rows_in(out, "rejects")), n // 3, seed)
    cards = "\n".join(_card(item, page.parent) for item in [*accepted, *rejected])
    title = html.escape(out.resolve().name)
    frame = resources.files("earshot.factories").joinpath("sampler.html").read_text("utf-8")
    facts = f"{len(accepted)} clips with a caption and {len(rejected)} rejected ones, by chance"
    for name, text in (("TITLE", title), ("FACTS", facts), ("CARDS", cards)):
        frame = frame.replace(f"<!--{name}-->", text, 2 if name == "TITLE" else 1)
    write_text(page, frame)
    return page


def _sampled(items: Iterable[T], n: int, seed: int) -> list[T]:
    """`n` of them, each as likely as any other, in their order."""
    chance, held = random.Random(seed), list[tuple[int, T]]()
    for i, item in enumerate(items):
        if len(held) < n:
            held.append((i, item))
        elif (place := chance.randrange(i + 1)) < n:
            held[place] = (i, item)
    return [item for _, item in sorted(held, key=lambda each: each[0])]


def _card(item: Item, folder: Path) -> str:
    no = item.rejected
    said = html.escape(item.caption) or "<i>no caption</i>"
    parts = [f'<article class="{"rejected" if no else "accepted"}">', f"<h2>{said}</h2>"]
    if no is not None:
        why = f"{no.stage}: {no.reason}{f', {no.detail}' if no.detail else ''}"
        parts.append(f'<p class="why">rejected by {html.escape(why)}</p>')
    if item.audio is not None:
        link = html.escape(_link(item, folder), quote=True)
        parts.append(f'<audio controls preload="none" src="{link}"></audio>')
    rows = [("labels", ", ".join(item.labels))]
    rows += [(name, f"{score:.3f}") for name, score in item.scores.items()]
    rows += [*item.notes.items(), *item.source.items()]
    rows += [(pair.question, pair.answer) for pair in item.answers]
    rows.append(("id", item.id))
    cells = (
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in rows
        if value
    )
    return "\n".join([*parts, f"<dl>{''.join(cells)}</dl>", "</article>"])


def _link(item: Item, folder: Path) -> str:
    """The sound as seen from the page, and the excerpt of it."""
    if is_url(item.audio):
        link = str(item.audio)
    else:
        seen = os.path.relpath(str(item.audio), folder.resolve())
        link = quote(Path(seen).as_posix())
    if item.start_s or item.duration_s is not None:
        end = "" if item.duration_s is None else f",{item.start_s + item.duration_s:g}"
        link += f"#t={item.start_s:g}{end}"
    return link
