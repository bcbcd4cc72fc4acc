"""How near captions by rule come to those that people's models made of the same web text.

    python benchmarks/web_writer.py soundbible_raw_and_caption.json

Records are halved by a digest of their ids: the rules were written with one half in view ("dev"),
the other half ("held out") is only measured. Captions of a record that fails count as empty.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

from earshot.data.layouts.wavcaps import WebRecord, read_records
from earshot.metrics.caption_scores import caption_scores
from earshot.text.web_check import fault_of
from earshot.text.web_entities import find_entities
from earshot.text.web_text import n_words, strip_markup
from earshot.text.web_writer import WebText, write_caption

FIGURES = ("cider_d", "bleu_1", "bleu_4", "rouge_l")


def half(record: WebRecord) -> str:
    """Which half a record is of."""
    digest = hashlib.sha256(record.id.encode()).hexdigest()
    return "held out" if int(digest, 16) % 2 else "dev"


def figures_of(captions: list[str], references: list[str]) -> dict[str, float]:
    """Scores, words a caption, and shares of captions with numbers or other entities left."""
    found = caption_scores(captions, [[each] for each in references]).corpus
    left = [find_entities(caption) for caption in captions]
    return {name: found[name] for name in FIGURES} | {
        "words": sum(map(n_words, captions)) / len(captions),
        "with_numbers": sum(any(e.kind == "number" for e in es) for es in left) / len(left),
        "with_entities": sum(any(e.kind != "number" for e in es) for es in left) / len(left),
    }


def measure(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by half and by what is held against the given captions."""
    records = [record for record in read_records(path) if record.captions]
    told = {}
    for name in ("dev", "held out"):
        part = [record for record in records if half(record) == name]
        references = [record.captions[0] for record in part]
        began = time.process_time()
        written = [
            write_caption(WebText(record.title, record.description, record.tags)) or ""
            for record in part
        ]
        cost_ms = (time.process_time() - began) / len(part) * 1_000
        passed = [text if text and fault_of(text) is None else "" for text in written]
        told[name] = {
            "by rule": figures_of(passed, references)
            | {"failed": passed.count("") / len(part), "ms": cost_ms},
            "title": figures_of([record.title for record in part], references),
            "raw": figures_of([strip_markup(record.description) for record in part], references),
            "given": figures_of(references, references),
        }
    return told


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python benchmarks/web_writer.py FILE.json")
    print(json.dumps(measure(Path(sys.argv[1])), indent=2))
