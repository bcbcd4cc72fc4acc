"""A bank of prompts: for each label several sentences that say what it sounds like."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path

from earshot.core.errors import EarShotError, unknown_name
from earshot.core.files import write_text
from earshot.core.seed import generator
from earshot.text.json_rows import read_json_rows
from earshot.text.label_names import label_key


@dataclass(frozen=True)
class BankEntry:
    """A label with its prompts, and the other names it is looked up by."""

    label: str
    prompts: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class PromptBank:
    """Label -> prompts. A label is found by any of its names, whatever case, article or "_".

    Source: arXiv:2409.09213, the custom prompts of section "prompt augmentation".
    """

    entries: tuple[BankEntry, ...]
    name: str = "prompts"
    about: str = ""  # for people: what it is for, its sources and licence
    _place: Mapping[str, BankEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        place: dict[str, BankEntry] = {}
        for entry in self.entries:
            place.setdefault(label_key(entry.label), entry)
        for entry in self.entries:  # a label's own name goes before another's second name
            for name in entry.also:
                place.setdefault(label_key(name), entry)
        object.__setattr__(self, "_place", place)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, label: str) -> bool:
        return label_key(label) in self._place

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels, in the order of the file."""
        return tuple(entry.label for entry in self.entries)

    def prompts_of(self, label: str, n: int | None = None, *, seed: int = 0) -> tuple[str, ...]:
        """The prompts of a label, or `n` of them drawn by (seed, label); all when it has fewer.

        A larger `n` keeps those of a smaller one. Raises EarShotError for an unknown label and for
        an `n` below 1.
        """
        entry = self._place.get(label_key(label))
        if entry is None:
            mend = "Add a line for it to the bank, or use plain prompts."
            raise unknown_name(
                f"label without prompts in {self.name}", label, self._names(), mend=mend
            )
        if n is None:
            return entry.prompts
        if n < 1:
            raise EarShotError(
                got=f"{n} prompts a label", expected="at least one", mend="Ask for 1 or more."
            )
        order = generator(seed, "prompts", label_key(entry.label)).permutation(len(entry.prompts))
        return tuple(entry.prompts[int(i)] for i in order[:n])

    def merged(self, other: PromptBank) -> PromptBank:
        """Both banks in one; where both have a label, this one's prompts stand."""
        new = tuple(each for each in other.entries if each.label not in self)
        return PromptBank(self.entries + new, self.name, self.about)

    def write(self, path: Path) -> None:
        """JSON Lines that `read_bank` takes: whole or not at all."""
        lines = [json.dumps({"about": self.about}, ensure_ascii=False)] if self.about else []
        for entry in self.entries:
            row: dict[str, object] = {"label": entry.label, "prompts": list(entry.prompts)}
            if entry.also:
                row["also"] = list(entry.also)
            lines.append(json.dumps(row, ensure_ascii=False))
        write_text(path, "\n".join(lines) + "\n")

    def _names(self) -> Sequence[str]:
        return self.labels if len(self) <= 60 else ()


def read_bank(path: Path) -> PromptBank:
    """A bank from JSON Lines: {"label": ..., "prompts": [...]}, and "also": [...] if wanted.

    Raises EarShotError, with file, line and field, for a row without label or prompts and for a
    label that occurs twice.
    """
    entries: list[BankEntry] = []
    line_of: dict[str, int] = {}
    for row in read_json_rows(path):
        entry = BankEntry(row.text("label"), row.texts("prompts", least=1), row.texts("also"))
        first = line_of.setdefault(label_key(entry.label), row.line)
        if first != row.line:
            raise row.fault(
                "label",
                f"{entry.label!r}, as in line {first}",
                "each label once",
                "Put its prompts in one line.",
            )
        entries.append(entry)
    if not entries:
        raise EarShotError(
            got=f"{path.name} without a label",
            expected="a line for each label",
            mend='Write them like {"label": "dog", "prompts": ["a dog barks, short and sharp"]}.',
        )
    return PromptBank(tuple(entries), name=path.stem)


def shipped_banks() -> tuple[str, ...]:
    """The names of the banks that come with EarShot."""
    return tuple(sorted(path.stem for path in _shipped()))


@cache
def shipped_bank(name: str | None = None) -> PromptBank:
    """A bank that comes with EarShot; all of them in one when no name is given."""
    if name is None:
        found = [read_bank(path) for path in sorted(_shipped(), key=_breadth)]
        whole = PromptBank(found[0].entries, name="descriptive")
        for bank in found[1:]:
            whole = whole.merged(bank)
        return whole
    paths = {path.stem: path for path in _shipped()}
    if name not in paths:
        raise unknown_name("bank of prompts", name, paths)
    return read_bank(paths[name])


def _shipped() -> Iterator[Path]:
    yield from Path(str(resources.files("earshot.text"))).joinpath("banks").glob("*.jsonl")


def _breadth(path: Path) -> tuple[bool, str]:
    """AudioSet's broad names come last: a set's own words for a label go before them."""
    return path.stem == "audioset", path.stem
