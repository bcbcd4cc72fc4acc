"""Places as text: URLs of object storage, what lies below them, and names in them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote

ALLOWED = "%:/?#[]@!$&'()*+,;=~"  # what a URL written by hand may hold unquoted


def is_url(place: object) -> bool:
    """True for "scheme://...", never for a Path."""
    return isinstance(place, str) and "://" in place


def quoted(url: str) -> str:
    """A URL as it was typed, with blanks and letters of other scripts as %XX."""
    return quote(url, safe=ALLOWED)


def below(root: Path | str, name: str) -> Path | str:
    """The file `name`, a path with slashes, in a folder; its URL where the folder is one.

    A query, such as "?endpoint_override=...", stays at the end.
    """
    if isinstance(root, Path):
        return root / name
    place, mark, query = root.partition("?")
    return f"{place.rstrip('/')}/{quote(name)}{mark}{query}"


def name_below(root: str, url: str) -> str | None:
    """What `below` was given to make `url`; None for one that lies elsewhere."""
    place, _, query = root.partition("?")
    there, _, its_query = quoted(url).partition("?")
    start = quoted(place).rstrip("/") + "/"
    return (
        unquote(there.removeprefix(start))
        if there.startswith(start) and query == its_query
        else None
    )
