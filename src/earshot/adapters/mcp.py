"""An index as tools for an assistant: search, similar, tag, caption and figures, read-only.

Source: Model Context Protocol, modelcontextprotocol.io.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import numpy as np
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

import earshot
from earshot.core.errors import EarShotError
from earshot.core.urls import below
from earshot.index.hybrid import Found, Hit, find
from earshot.index.place import last_part
from earshot.index.where import both, has_tag, in_folder
from earshot.index.words import query_words
from earshot.jobs.caption import caption_each, load_writer
from earshot.jobs.each_file import Failure
from earshot.jobs.search import clean_query, open_index
from earshot.jobs.tag import tag as tag_sounds

if TYPE_CHECKING:
    from earshot.index import Store
    from earshot.jobs.caption import CaptionWriter
    from earshot.models.embedder import Embedder

T = TypeVar("T")
MAX_HITS, MAX_LABELS, MAX_CHARS = 50, 200, 1_000
MAX_CAPTIONED_S = 600.0  # the longest sound that is captioned in a call
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)
INSTRUCTIONS = (
    "Tools over one folder of indexed sounds. Scores are cosines, -1 to 1; z says how many spreads "
    "a hit lies above the middle of this index. When stands_out is false, say that nothing fits. "
    "Paths are relative to the folder; give them back as they came."
)

Words = Annotated[
    str,
    Field(
        description="What it sounds like: a dog barking.",
        json_schema_extra={"maxLength": MAX_CHARS},
    ),
]
Count = Annotated[
    int,
    Field(description="How many.", json_schema_extra={"minimum": 1, "maximum": MAX_HITS}),
]
Sound = Annotated[str, Field(description="A path that search gave.")]
Labels = Annotated[
    list[str],
    Field(
        description="Words for sounds; everyday sounds when empty.",
        json_schema_extra={"maxItems": MAX_LABELS},
    ),
]


class Tools:
    """What the tools do, on an index that stays open; one call at a time."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self.store, self.embedder = store, embedder
        self._writer: CaptionWriter | None = None  # loaded when something is captioned
        self._lock = threading.Lock()

    def search(
        self,
        words: Words,
        k: Count = 10,
        tag: str | None = None,
        folder: str | None = None,
        longer_than_s: float | None = None,
        shorter_than_s: float | None = None,
    ) -> dict[str, Any]:
        """Find sounds by words: which file, where in it, and how well it fits."""
        with self._lock:
            query = clean_query(_bounded("words", words))
            vector = self.embedder.embed_texts([query])[0]
            where = both(
                has_tag(_bounded("tag", tag)) if tag else None,
                in_folder(_bounded("folder", folder)) if folder else None,
                f"duration_s > {float(longer_than_s)!r}" if longer_than_s is not None else None,
                f"duration_s < {float(shorter_than_s)!r}" if shorter_than_s is not None else None,
            )
            n_hits = _count("k", k, MAX_HITS)
            self.store.refresh()
            named = query_words(query)
            return self._answer(find(self.store, vector, words=named, k=n_hits, where=where))

    def similar(self, path: Sound, k: Count = 10) -> dict[str, Any]:
        """Find the sounds most like one of the index."""
        with self._lock:
            self.store.refresh()
            name = self._known(path)
            rows = self.store.rows_of(name)
            assert rows is not None
            mean = rows.vectors.mean(axis=0)
            vector = mean / max(float(np.linalg.norm(mean)), 1e-12)
            found = find(self.store, vector, k=_count("k", k, MAX_HITS), without=name)
            return self._answer(found)

    def tag(self, path: Sound, labels: Labels | None = None, k: Count = 10) -> dict[str, Any]:
        """Say how well each label fits a sound of the index; scores add up to 1 over all labels."""
        with self._lock:
            n_shown = _count("k", k, MAX_HITS)
            if labels:
                _count("labels", len(labels), MAX_LABELS)
                labels = [_bounded("a label", label) for label in labels]
            self.store.refresh()
            file = self._file(self._known(path))
            answers = tag_sounds([file], labels=labels or None, model=self.embedder)
            if answers.failures:
                raise ToolError(answers.failures[0].error)
            best = answers[0].labels[:n_shown]
            scores = [{"label": s.label, "score": s.score, "cosine": s.cosine} for s in best]
            return {"path": path, "duration_s": answers[0].duration_s, "labels": scores}

    def caption(self, path: Sound) -> dict[str, Any]:
        """Say in a sentence what is heard in a sound of the index, window by window."""
        with self._lock:
            self.store.refresh()
            name = self._known(path)
            file, rows = self._file(name), self.store.rows_of(name)
            assert rows is not None
            if rows.duration_s > MAX_CAPTIONED_S:
                raise EarShotError(
                    got=f"{path!r} of {rows.duration_s:,.0f} s",
                    expected=f"a sound of at most {MAX_CAPTIONED_S:,.0f} s",
                    mend="Caption it on the command line: earshot caption FILE.",
                )
            self._writer = self._writer or load_writer()
            [answer] = caption_each([file], self._writer)
            if isinstance(answer, Failure):
                raise ToolError(answer.error)
            windows = [
                {"start_s": each.start_s, "end_s": each.end_s, "caption": each.caption}
                for each in answer.windows
            ]
            return {
                "path": path,
                "duration_s": answer.duration_s,
                "caption": answer.caption,
                "windows": windows,
            }

    def index_stats(self) -> dict[str, Any]:
        """How many sounds and windows the index holds, and the model that made it."""
        with self._lock:
            self.store.refresh()
            facts = self.store.stats()
            return facts | {
                "model": Path(facts["model"]).name,
                "folder": last_part(self.store.root),
            }

    def _answer(self, found: Found) -> dict[str, Any]:
        hits = [self._row(hit) for hit in found]
        return {"stands_out": found.stands_out, "hits": hits}

    def _row(self, hit: Hit) -> dict[str, Any]:
        return {
            "path": _shown(hit.name),
            "start_s": hit.start_s,
            "end_s": hit.end_s,
            "duration_s": hit.duration_s,
            "score": hit.score,
            "z": hit.z,
            "words_found": list(hit.words),
            "tags": list(hit.tags),
            "caption": hit.caption,
        }

    def _known(self, path: str) -> str:
        """The index's name for a path that `_row` showed; nothing else leads to a file."""
        name = os.fsdecode(_bounded("path", path).encode("utf-8", "surrogateescape"))
        if self.store.rows_of(name) is None:
            odd = self.store.known() if "\\x" in path else ()
            shown = next((each for each in odd if _shown(each) == path), None)
            if shown is None:
                raise EarShotError(
                    got=f"{path!r}",
                    expected="the path of a sound in the index, as search gives it",
                    mend="Search first, and give a path back as it came.",
                )
            name = shown
        return name

    def _file(self, name: str) -> Path | str:
        """The file or URL of a known name, unless a link leads out of the folder."""
        path = below(self.store.root, name)
        if isinstance(path, str):
            return path
        root = os.path.realpath(self.store.root)
        if not Path(os.path.realpath(path)).is_relative_to(root):
            raise EarShotError(
                got=f"{_shown(name)!r}, a link that leads out of the indexed folder",
                expected="a file inside it",
                mend="Copy the file into the folder and index again.",
            )
        return path


def build_server(
    folder: str | Path | None = None,
    *,
    index: str | Path | None = None,
    model: str | Path | Embedder | None = None,
) -> MCPServer:
    """The server over an index: that of `folder` or the one named, with the model that made it."""
    tools = Tools(*open_index(folder, index, model))
    server = MCPServer("earshot", instructions=INSTRUCTIONS, version=earshot.__version__)
    for tool in (tools.search, tools.similar, tools.tag, tools.caption, tools.index_stats):
        server.tool(annotations=READ_ONLY)(_in_sentences(tool))
    return server


def _in_sentences(tool: Callable[..., T]) -> Callable[..., T]:
    """`tool`, whose mendable faults reach the assistant as their sentence."""

    @wraps(tool)
    def call(*args: Any, **options: Any) -> T:
        try:
            return tool(*args, **options)
        except EarShotError as fault:
            raise ToolError(str(fault)) from fault

    return call


def _bounded(what: str, text: str) -> str:
    if len(text) > MAX_CHARS:
        raise EarShotError(
            got=f"{what} of {len(text):,} characters",
            expected=f"at most {MAX_CHARS:,}",
            mend="Say it in a sentence.",
        )
    return text


def _count(what: str, number: int, most: int) -> int:
    if not 1 <= number <= most:
        raise EarShotError(
            got=f"{what}={number}" if what == "k" else f"{number} {what}",
            expected=f"1 to {most}",
            mend="Ask for fewer and narrow the search instead.",
        )
    return number


def _shown(name: str) -> str:
    """A name as text that JSON can hold: bytes that are not UTF-8 become \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
