"""Recordings that two corpora share: what makes a "zero-shot" figure worth less than it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from earshot.core.files import write_text
from earshot.data.source_ids import Corpus, Source, read_corpus


@dataclass(frozen=True)
class Shared:
    """One recording that both have, with the clips that each cut from it."""

    source: Source
    clips_a: tuple[str, ...]
    clips_b: tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """What corpora `a` and `b` share."""

    a: Corpus
    b: Corpus
    shared: tuple[Shared, ...] = field(repr=False)  # by site and id

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that both draw from: without one there is nothing to compare."""
        return tuple(site for site in self.a.sites if site in self.b.sites)

    @property
    def clips_a(self) -> tuple[str, ...]:
        """The clips of `a` whose recording `b` has as well, in the order of the sources."""
        return tuple(clip for each in self.shared for clip in each.clips_a)

    @property
    def clips_b(self) -> tuple[str, ...]:
        """The clips of `b` whose recording `a` has as well."""
        return tuple(clip for each in self.shared for clip in each.clips_b)


def overlap_of(
    a: Path,
    b: Path,
    *,
    columns_a: Mapping[str, str] | None = None,
    columns_b: Mapping[str, str] | None = None,
) -> Overlap:
    """The recordings that two corpora share, by their ids at the site they come from.

    Two clips of one recording count even where they are cut from different seconds of it. `a` and
    `b` are as `read_corpus` takes them.
    """
    return compare(read_corpus(a, columns_a), read_corpus(b, columns_b))


def compare(a: Corpus, b: Corpus) -> Overlap:
    """The same of corpora that are read."""
    both = sorted(a.clips_of.keys() & b.clips_of.keys())
    shared = (Shared(key, tuple(a.clips_of[key]), tuple(b.clips_of[key])) for key in both)
    return Overlap(a, b, tuple(shared))


def write_blacklist(overlap: Overlap, path: Path) -> None:
    """The clips of `a` to leave out, one a line, as `open_clips(blacklist=...)` takes them."""
    about = f"# clips of {overlap.a.name} whose recordings {overlap.b.name} has as well"
    write_text(path, "\n".join([about, *dict.fromkeys(overlap.clips_a)]) + "\n")
