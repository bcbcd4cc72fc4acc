"""Which faults of a caption each metric sees: python benchmarks/caption_metrics.py.

A true caption of a procedural scene is held against the same one with a fault. Written to
results/caption_metrics.json, then into docs/caption_metrics.md. Minutes of one core; less without
Java and without --encoder.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from earshot.core.files import write_text  # noqa: E402
from earshot.core.machine import commit_of, describe_machine  # noqa: E402
from earshot.jobs.evaluation.captions import caption_parts  # noqa: E402
from earshot.metrics.bootstrap import mean_interval  # noqa: E402
from earshot.metrics.caption_events import EventReader, event_counts  # noqa: E402
from earshot.metrics.caption_scores import caption_scores  # noqa: E402
from earshot.synth.captions import captions_of  # noqa: E402
from earshot.synth.sounds import SOUNDS  # noqa: E402

KINDS = (
    "dog bark", "siren", "rain", "engine idling", "footsteps", "church bell", "reversing beeps",
    "songbird", "wind", "typing", "piano", "guitar", "drum", "bubbles", "smoke alarm",
)  # fmt: skip
N_REFERENCES = 4
FAULTS = {
    "drop": "one of two sounds left out",
    "wrong": "one sound told as another",
    "swap": "told in the wrong order",
    "repeat": "its last words said twice",
    "shuffle": "its words in any order",
    "copied lie": "false, but in a reference's words, against true in other words",
}
SHOWN = ("bleu_1", "bleu_4", "rouge_l", "cider_d", "meteor", "sbert_sim", "fense", "event_f1")
BEGIN, END = (f"<!-- written by benchmarks/caption_metrics.py: {w} -->" for w in ("begin", "end"))
Groups = list[list[str]]


def written(groups: Groups, seed: Sequence[int], n: int = 1) -> list[str]:
    """`n` captions of groups of sounds; equal seeds give equal templates."""
    described = [[(SOUNDS[kind], {}) for kind in group] for group in groups]
    return list(captions_of(described, n, np.random.default_rng(seed)))


def scene(seed: int, index: int) -> tuple[list[str], dict[str, tuple[str, str]], Groups]:
    """References, pairs (better, worse) of captions by fault, and the sounds of a scene."""
    rng = np.random.default_rng((seed, index))
    one, other, third = (str(kind) for kind in rng.choice(KINDS, 3, replace=False))
    in_order = bool(rng.random() < 0.5)
    groups: Groups = [[one], [other]] if in_order else [[one, other]]
    lie = [[one], [third]] if in_order else [[one, third]]
    true, telling = (seed, index, 1), (seed, index, 2)
    references = written(groups, telling, N_REFERENCES)
    good = next(text for text in written(groups, true, 12) if text not in references)
    order = written(groups, true, 12).index(good)
    words = good.split()
    mixed = [words[i] for i in rng.permutation(len(words))]
    pairs = {
        "drop": (good, written([[one]], true)[0]),
        "wrong": (good, written(lie, true, order + 1)[order]),
        "repeat": (good, f"{good} {' '.join(words[-3:])}"),
        "shuffle": (good, " ".join(mixed)),
        "copied lie": (good, written(lie, telling)[0]),
    }
    if in_order:
        pairs["swap"] = (good, written([[other], [one]], true, order + 1)[order])
    return references, pairs, groups


def event_f1(captions: Sequence[str], groups: Sequence[Groups]) -> NDArray[np.float64]:
    """Of each caption; sounds in the wrong order are worth half."""
    gold = [
        [
            {"kind": kind, "onset_s": 2 * i, "offset_s": 2 * i + 1}
            for i, group in enumerate(each)
            for kind in group
        ]
        for each in groups
    ]
    counts = event_counts(captions, gold, EventReader.of(KINDS))
    f1 = 2 * counts.right / np.maximum(counts.told + counts.there, 1)
    return np.where(counts.pairs > counts.in_order, f1 / 2, f1)


def measure(seeds: int, n: int, encoder: Path | None) -> dict[str, Any]:
    """For each metric and fault: how often the better caption scores higher; a tie is half."""
    parts = caption_parts(tokenizer="python", encoder=encoder)
    names = ["bleu", "rouge_l", "cider_d", "meteor", "sbert_sim", "fense"]
    scenes = [scene(seed, index) for seed in range(seeds) for index in range(n)]
    rows = [(fault, pair, each) for each in scenes for fault, pair in each[1].items()]
    texts = [text for _, pair, _ in rows for text in pair]  # better, worse, better, worse ...
    references = [each[0] for _, _, each in rows for _ in range(2)]
    found = caption_scores(texts, references, names, parts=parts)  # each program starts once
    groups = [each[2] for _, _, each in rows for _ in range(2)]
    figures = found.per_clip | {"event_f1": event_f1(texts, groups)}
    better: dict[str, dict[str, list[float]]] = {}
    for name, values in figures.items():
        if name.split("[")[0] in SHOWN:
            gain = values[::2] - values[1::2]
            wins = np.where(np.abs(gain) < 1e-9, 0.5, gain > 0)
            better[name] = {f: wins[[r[0] == f for r in rows]].tolist() for f in FAULTS}
    return {
        "kind": "caption_metrics",
        "seeds": seeds,
        "n": n,
        "accuracy": {name: {f: _row(w) for f, w in each.items()} for name, each in better.items()},
        "unavailable": found.unavailable,
        "machine": describe_machine(),
        "commit": commit_of(ROOT),
    }


def _row(wins: Sequence[float]) -> dict[str, float]:
    found = mean_interval(wins)
    return {"value": found.value, "low": found.low, "high": found.high, "n": len(wins)}


def tables(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    head = ["fault", *result["accuracy"]]
    lines = [_line(head), _line(["---"] * len(head))]
    for fault, words in FAULTS.items():
        cells = [each.get(fault) for each in result["accuracy"].values()]
        lines.append(_line([words, *(f"{cell['value']:.0%}" if cell else "" for cell in cells)]))
    worst = max(
        (row["high"] - row["low"]) / 2
        for each in result["accuracy"].values()
        for row in each.values()
    )
    missing = ", ".join(result["unavailable"])
    lines += [
        "",
        f"{result['seeds']} x {result['n']} scenes of two sounds, {N_REFERENCES} references each; "
        f"95 % intervals are at most {worst:.1%} to either side. Not measured here: {missing}.",
    ]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write_page(page: Path, result: dict[str, Any]) -> None:
    """The table between the marks of the page."""
    before, rest = page.read_text("utf-8").split(BEGIN)
    write_text(page, f"{before}{BEGIN}\n{tables(result)}\n{END}{rest.split(END)[1]}")


def main(tell: Callable[[str], None] = print) -> None:
    """Measure, keep, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n", type=int, default=150, help="scenes a seed")
    parser.add_argument("--encoder", type=Path, help="folder of a sentence encoder")
    parser.add_argument("--page-only", action="store_true", help="from the results there are")
    asked = parser.parse_args()
    path = ROOT / "results" / "caption_metrics.json"
    if not asked.page_only:
        result = measure(asked.seeds, asked.n, asked.encoder)
        write_text(path, json.dumps(result, indent=2) + "\n")
    result = json.loads(path.read_text("utf-8"))
    write_page(ROOT / "docs" / "caption_metrics.md", result)
    tell(tables(result))


if __name__ == "__main__":
    main()
