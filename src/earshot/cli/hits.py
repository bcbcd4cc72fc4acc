"""Hits, as a table for people or as JSON Lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from earshot.cli import console

if TYPE_CHECKING:
    from earshot.index.hybrid import Found, Hit


def show_hits(found: Found, *, as_json: bool, explain: bool) -> None:
    """Print hits on stdout, and on stderr a note when none of them stands out."""
    for hit in found:
        if as_json:
            console.json_line(hit_row(hit))
            continue
        z = "" if hit.z is None else f"  z {hit.z:+.1f}"
        place = f"{_clock(hit.start_s)}-{_clock(hit.end_s)}"
        line = f"{hit.rank:>3}  {hit.score:+.3f}{z}  {place}  {_from_here(hit.path)}"
        print(console.one_line(line))
        if explain:
            print(console.printable(f"     {_why(hit)}"))
    if not len(found):
        console.note("No hit: the index holds no sound that the filter lets through.")
    elif not found.stands_out:
        console.note("Nothing stands out: these score no better than other sounds do by chance.")


def hit_row(hit: Hit) -> dict[str, Any]:
    """The JSON object of a hit."""
    return {
        "rank": hit.rank,
        "path": str(hit.path),
        "start_s": hit.start_s,
        "end_s": hit.end_s,
        "score": hit.score,
        "z": hit.z,
        "false_alarm": hit.false_alarm,
        "duration_s": hit.duration_s,
        "tags": list(hit.tags),
        "caption": hit.caption,
        "explain": {
            "sound": hit.sound_part,
            "words": hit.words_part,
            "words_found": list(hit.words),
        },
    }


def _why(hit: Hit) -> str:
    words = f" ({', '.join(hit.words)})" if hit.words else ""
    return f"{hit.fused:.2f} = {hit.sound_part:.2f} by sound + {hit.words_part:.2f} by words{words}"


def _from_here(path: Path | str) -> Path | str:
    """`path` as people would write it: relative where it lies in the working folder."""
    if isinstance(path, str):
        return path
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _clock(seconds: float) -> str:
    """Seconds as 0:07.5 or 2:03:07.5."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
