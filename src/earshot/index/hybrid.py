"""Search by sound and words together: each sound's best window, and the words that name it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earshot.core.shapes import check_shape
from earshot.core.urls import below
from earshot.index.found_rows import Rows
from earshot.index.rows import file_id, true_path
from earshot.index.scores import Background
from earshot.index.store import Store
from earshot.index.words import matches

WORD_WEIGHT = 4.0  # spreads of the sound score that a name which says it all is worth
N_WORD_HITS = 10_000  # files that full text may bring in; a word of more says too little


@dataclass(frozen=True)
class Hit:
    """One place in one sound. `score` is the cosine, -1 to 1; hits are sorted by `fused`."""

    rank: int  # 1 is best
    path: Path | str  # a string where it is a URL
    name: str  # below the root of the index, with slashes
    start_s: float
    end_s: float
    score: float
    z: float | None  # spreads above the middle of this index; None when it holds too few sounds
    false_alarm: float | None  # chance that another sound scores this high
    words: tuple[str, ...]  # of the query, found in name, folders, tags or caption
    sound_part: float  # of `fused`
    words_part: float  # of `fused`
    duration_s: float
    tags: tuple[str, ...]
    caption: str

    @property
    def fused(self) -> float:
        """Sound and words together."""
        return self.sound_part + self.words_part


@dataclass(frozen=True)
class Found:
    """Hits, best first, and whether the best stands out of the rest of the index."""

    hits: tuple[Hit, ...]
    background: Background
    stands_out: bool

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, i: int) -> Hit:
        return self.hits[i]


def find(
    store: Store,
    vector: NDArray[np.float32],
    *,
    words: Sequence[str] = (),
    k: int = 10,
    where: str | None = None,
    every_window: bool = False,
    without: str | None = None,
) -> Found:
    """The `k` best hits for a unit `vector` [dim] and the query's `words`.

    One hit a sound, at its best window, unless `every_window`. Where no name has any of the words
    the order is that of the cosine. `without` is a path to leave out.
    """
    check_shape("vector", vector, (store.settings.dim,), mend="Embed with the index's model.")
    named = store.matching_words(words, N_WORD_HITS)
    word_part, found_words = _weigh_words(words, named, store)
    if store.is_exact:
        rows = store.all_rows(where)
        scores = rows.vectors @ vector
        background = Background.of(scores[rows.best_of_each_file(scores)])
    else:
        rows = _candidates(store, vector, k, where, list(named), one_a_file=not every_window)
        scores = rows.vectors @ vector
        sample = store.background()
        sample_scores = sample.vectors @ vector
        background = Background.of(sample_scores[sample.best_of_each_file(sample_scores)])
        background = Background(background.centre, background.spread, store.n_files)
    kept = np.arange(len(scores)) if every_window else rows.best_of_each_file(scores)
    ids = rows.table["file_id"].take(kept).to_pylist()
    if without is not None:
        stays = np.array([each != file_id(without) for each in ids], dtype=bool)
        kept, ids = kept[stays], [each for each in ids if each != file_id(without)]
    bonus = np.array([word_part.get(each, 0.0) for each in ids])
    fused = (scores[kept] - background.centre) / background.spread + bonus
    order = _top(fused, rows, kept, k)
    hits = tuple(
        _hit(
            store,
            rows,
            int(kept[i]),
            n + 1,
            float(scores[kept[i]]),
            background,
            bonus[i],
            found_words,
        )
        for n, i in enumerate(order)
    )
    best = max((hit.score for hit in hits), default=-1.0)
    named_best = any(hit.words_part >= WORD_WEIGHT / 2 for hit in hits)
    stands_out = named_best or not background.is_known or background.stands_out(best)
    return Found(hits, background, bool(hits) and stands_out)


def _weigh_words(
    query: Sequence[str], named: dict[str, str], store: Store
) -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    """By file id: what its words are worth, and which words of the query they are.

    A file that has them all is worth WORD_WEIGHT; rare words are worth more than common ones, and
    one in more files than full text may bring in is worth nothing, since others have it as well.
    """
    found = {each: tuple(matches(query, text.split())) for each, text in named.items()}
    n_files = max(store.n_files, 1) if named else 1
    n_with = {word: sum(word in words for words in found.values()) for word in query}
    most = N_WORD_HITS // 2 if len(named) == N_WORD_HITS else n_files
    weight = {
        word: math.log1p(n_files / (1 + n)) if n <= most else 0.0 for word, n in n_with.items()
    }
    total = sum(weight[word] for word in query) or 1.0
    parts = {
        each: WORD_WEIGHT * sum(weight[word] for word in words) / total
        for each, words in found.items()
        if words
    }
    return parts, found


def _candidates(
    store: Store,
    vector: NDArray[np.float32],
    k: int,
    where: str | None,
    named: list[str],
    *,
    one_a_file: bool,
) -> Rows:
    """Rows that the approximate index brings, and those of the best named files."""
    import pyarrow as pa

    near = store.nearest(vector, k, where, one_a_file=one_a_file)
    seen = set(near.table["file_id"].to_pylist())
    missing = [each for each in named[: 5 * k] if each not in seen]
    if not missing:
        return near
    more = store.rows_of_files(missing, where)
    return Rows(
        np.concatenate([near.vectors, more.vectors]),
        pa.concat_tables([near.table, more.table.select(near.table.column_names)]),
    )


def _top(fused: NDArray[np.float64], rows: Rows, kept: NDArray[np.int64], k: int) -> list[int]:
    """Positions in `kept` of the k best; equal ones by path, then by time."""
    if not len(fused):
        return []
    k = min(k, len(fused))
    least = np.partition(fused, -k)[-k]
    candidates = np.flatnonzero(fused >= least)
    about = rows.table.take(kept[candidates])
    paths, starts = about["path"].to_pylist(), about["start_s"].to_pylist()
    order = sorted(
        range(len(candidates)), key=lambda i: (-fused[candidates[i]], paths[i], starts[i])
    )
    return [int(candidates[i]) for i in order[:k]]


def _hit(
    store: Store,
    rows: Rows,
    row: int,
    rank: int,
    score: float,
    background: Background,
    words_part: float,
    found_words: dict[str, tuple[str, ...]],
) -> Hit:
    about: dict[str, Any] = rows.table.slice(row, 1).to_pylist()[0]
    name = true_path(about["path"], about["path_bytes"])
    z = background.z(score)
    return Hit(
        rank=rank,
        path=below(store.root, name),
        name=name,
        start_s=about["start_s"],
        end_s=about["end_s"],
        score=score,
        z=z if background.is_known else None,
        false_alarm=background.false_alarm(score) if background.is_known else None,
        words=found_words.get(about["file_id"], ()),
        sound_part=z,
        words_part=float(words_part),
        duration_s=about["duration_s"],
        tags=tuple(about["tags"] or ()),
        caption=about["caption"] or "",
    )
