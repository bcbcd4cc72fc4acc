"""What a factory's folder holds, in figures: clips, words, scores, rejects, hours, cost."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from earshot.core.files import write_text
from earshot.factories.ledger import Ledger
from earshot.factories.meter import Prices
from earshot.factories.part_store import parts_in
from earshot.factories.parts import CLAP

FILE = "statistics.json"
MOST = 20  # labels, words that are listed
SCORE_BINS = 200  # of [-1, 1]; a quantile is right to half a hundredth
MOST_WORDS = 200  # a caption of more counts as this long


def statistics(ledger: Ledger, prices: Prices | None = None) -> dict[str, Any]:
    """Figures of all clips, in bounded memory, and what was spent on them in all."""
    ledger.parts.compact()
    counts = ledger.counts()
    spent = {name: each.to_row() for name, each in ledger.spent().items()}
    if prices is not None:
        for name, each in ledger.spent().items():
            spent[name]["cost"] = prices.cost(each)
    return {
        "clips": counts._asdict(),
        **_captions(ledger.out),
        "rejects": ledger.rejects(),
        "stages": spent,
        "hours_in_stages": sum(each.seconds for each in ledger.spent().values()) / 3600,
        **({"currency": prices.currency} if prices is not None else {}),
    }


def write_statistics(out: Path, figures: Mapping[str, Any]) -> None:
    """As OUT/statistics.json."""
    write_text(out / FILE, json.dumps(figures, indent=1) + "\n")


def _captions(out: Path) -> dict[str, Any]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = ["caption", "labels", "duration_s", "questions", *CLAP]
    lengths, words, labels = Counter[int](), Counter[str](), Counter[str]()
    scores = {name: Counter[int]() for name in CLAP}
    seconds, n_timed, n_questions = 0.0, 0, 0
    for path in parts_in(out):
        table = pq.read_table(path, columns=columns)
        said = pc.utf8_split_whitespace(pc.utf8_lower(table["caption"]))
        _count(lengths, pc.list_value_length(said))
        _count(words, pc.utf8_trim(pc.list_flatten(said), ".,;:!?\"'()"))
        _count(labels, pc.list_flatten(table["labels"]))
        seconds += pc.sum(table["duration_s"]).as_py() or 0.0
        n_timed += pc.count(table["duration_s"]).as_py()
        n_questions += pc.sum(pc.list_value_length(table["questions"])).as_py() or 0
        for name in CLAP:
            found = pc.filter(table[name], pc.is_finite(table[name]), "drop")
            binned = pc.floor(pc.multiply(pc.add(found, 1.0), SCORE_BINS / 2))
            _count(scores[name], binned)
    words.pop("", None)
    return {
        "words_per_caption": _quantiles(lengths),
        "vocabulary": len(words),
        "words": dict(heapq.nlargest(MOST, words.items(), key=lambda each: (each[1], each[0]))),
        "labels": dict(heapq.nlargest(MOST, labels.items(), key=lambda each: (each[1], each[0]))),
        "n_labels": len(labels),
        "questions": n_questions,
        "hours_of_clips_with_a_duration": seconds / 3600,
        "clips_with_a_duration": n_timed,
        "scores": {
            name: _quantiles({(2 * bin + 1) / SCORE_BINS - 1: n for bin, n in found.items()})
            for name, found in scores.items()
            if found
        },
    }


def _count(counter: Counter[Any], values: Any) -> None:
    for each in values.value_counts().to_pylist():
        counter[each["values"]] += each["counts"]


def _quantiles(counts: Mapping[Any, int]) -> dict[str, float]:
    """Mean and quantiles of values that were counted; nothing for none."""
    whole = sum(counts.values())
    if not whole:
        return {}
    found = {"mean": sum(value * n for value, n in counts.items()) / whole}
    wanted = {"least": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95, "most": 1.0}
    seen, ordered = 0, sorted(counts.items())
    for name, share in wanted.items():
        while ordered[0][1] + seen < share * whole:
            seen += ordered.pop(0)[1]
        found[name] = float(ordered[0][0])
    return found
