"""The one error a caller can mend, and the words it is made of."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EarShotError(Exception):
    """Something the caller can mend: says what was got, what was expected, and the mend.

    One place in the command line turns it into a sentence and exit 1, one in the web page into a
    400. Anything else that is raised is a bug of EarShot and keeps its traceback.
    """

    def __init__(self, *, got: str, expected: str, mend: str) -> None:
        self.got, self.expected, self.mend = got, expected, mend
        sentence = f"got {got}; expected {expected}. {mend}"
        super().__init__(sentence.replace("\n", "\\n"))  # names of files may hold line breaks

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip between worker processes, which keyword-only arguments would not."""
        return (_rebuild, (type(self), self.got, self.expected, self.mend))


def _rebuild(kind: type[EarShotError], got: str, expected: str, mend: str) -> EarShotError:
    return kind(got=got, expected=expected, mend=mend)


def unknown_name(what: str, name: str, known: Iterable[str], *, mend: str = "") -> EarShotError:
    """An error for a name that is not among `known`, offering the nearest one."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return EarShotError(
        got=f"{what} {name!r}",
        expected=f"one of {', '.join(names)}" if names else f"a known {what}",
        mend=(hint + mend).strip() or f"Pick one of the {len(names)} names above.",
    )
