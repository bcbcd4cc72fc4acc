"""`make torture`: kill and break for minutes; figures to results/torture.json and the docs."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lancedb  # noqa: F401  - before any fork, so that no child pays for it; so are the next two
import numpy as np
import torch

import earshot.jobs.indexing  # noqa: F401
import earshot.recipes.clap  # noqa: F401
import hostile_sounds
import index_kills
import training_kills
from earshot.core.files import write_text
from earshot.core.machine import commit_of, describe_machine
from forked import run
from page import robustness_page

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run the parts, write the figures and the page; exit 1 when anything broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="of each of index and training")
    parser.add_argument("--files", type=int, default=2_000, help="hostile sounds, at least")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "torture.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "robustness.md")
    args = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["HF_HUB_OFFLINE"] = "1"
    logging.getLogger("earshot.audio").setLevel(logging.ERROR)  # of thousands of damaged files
    draw = np.random.default_rng(args.seed)
    commit = commit_of(ROOT)
    parts: dict[str, Callable[[Path], dict[str, Any]]] = {
        "index": lambda folder: index_kills.torment(folder, args.kills, draw),
        "training": lambda folder: training_kills.torment(folder, args.kills, draw),
        "hostile": lambda folder: run(
            lambda: hostile_sounds.torment(folder, args.files, 100 + args.seed)
        ),
    }
    figures: dict[str, Any] = {}
    for name, part in parts.items():
        since = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            figures[name] = part(Path(folder))
        figures[name] |= {"commit": commit, "minutes": round((time.monotonic() - since) / 60, 1)}
        print(name, json.dumps(figures[name]), flush=True)
    facts = {
        "kind": "torture",
        "machine": describe_machine(),
        "minutes": round(sum(part["minutes"] for part in figures.values()), 1),
        "seed": args.seed,
        **figures,
    }
    write_text(args.out, json.dumps(facts, indent=2, sort_keys=True) + "\n")
    write_text(args.page, robustness_page(facts))
    sys.exit(1 if broke(figures) else 0)


def broke(figures: dict[str, Any]) -> bool:
    """True when anything was lost, doubled, not opened, not the same, or ended in a traceback."""
    index, training, hostile = figures["index"], figures["training"], figures["hostile"]
    return bool(
        sum(index["faults"].values())
        or not index["ends_as_a_fresh_index"]
        or training["checkpoints_lost"]
        or training["runs_with_other_weights"]
        or hostile["outcomes"]["broke"]
    )


if __name__ == "__main__":
    main()
