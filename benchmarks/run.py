"""Measure EarShot's speed: python benchmarks/run.py [SECTION ...], or all of it: make bench.

Each section runs in a process of its own and is written to results/bench.json when it is done; one
that this commit has measured already is passed over, so an interrupted run is taken up again.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from earshot.core.files import write_text  # noqa: E402
from earshot.core.machine import commit_of, describe_machine  # noqa: E402
from page import write_pages  # noqa: E402

SECTIONS = (
    "embed",
    "log_mel",
    "small",
    "search",
    "indexing",
    "training",
    "pretraining",
    "startup",
    "serve",
    "factory",
)
N_PAIRS = 5


def main() -> int:
    """Run what is asked for; 1 when a section failed."""
    options = _options()
    if options.inside:
        _measure(options.sections[0], options.tiny, options.out)
        return 0
    failed = []
    for name in options.sections or SECTIONS:
        if not options.again and _is_done(options.out, name):
            print(f"{name}: measured at this commit already (--again measures it anew)")
            continue
        print(f"{name} ...", flush=True)
        again = [sys.executable, __file__, name, "--inside", "--out", str(options.out)]
        env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        env |= {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "PYTHONPATH": str(ROOT / "src")}
        status = subprocess.run(again + ["--tiny"] * options.tiny, env=env).returncode
        if status:
            failed.append(f"{name} (exit status {status})")
    if not options.tiny and options.out.is_file():
        write_pages(ROOT, json.loads(options.out.read_text("utf-8")))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="all if left out")
    parser.add_argument("--again", action="store_true", help="measure anew what is there already")
    parser.add_argument("--tiny", action="store_true", help="a few clips: does it run at all?")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "bench.json")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(name: str, tiny: bool, out: Path) -> None:
    """Run one section here and keep what it gives."""
    section = importlib.import_module(f"sections.{name}")
    started = time.monotonic()
    figures, facts = section.measure(tiny=tiny, n_pairs=1 if tiny else N_PAIRS)
    for figure in figures:
        bound = "" if figure.met is None else "  as wished" if figure.met else "  MISSED"
        print(f"  {figure.what}: {figure.value:.4g} {figure.unit}{bound}", flush=True)
    results = _read(out)
    results[name] = {
        "about": (section.__doc__ or "").strip(),
        "machine": describe_machine(),
        "commit": commit_of(ROOT),
        "date": datetime.date.today().isoformat(),
        "minutes": round((time.monotonic() - started) / 60, 1),
        "load": round(os.getloadavg()[0], 1),
        "figures": [figure.to_row() for figure in figures],
        "facts": facts,
    }
    ordered = {key: results[key] for key in SECTIONS if key in results}
    # the kind keeps it off the page of claims
    write_text(out, json.dumps({"kind": "speed", **ordered}, indent=1) + "\n")


def _read(out: Path) -> dict[str, dict]:
    return json.loads(out.read_text("utf-8")) if out.is_file() else {}


def _is_done(out: Path, name: str) -> bool:
    """True when these very sources were measured on this machine."""
    held = _read(out).get(name)
    same = held and (held["commit"], held["machine"]) == (commit_of(ROOT), describe_machine())
    return bool(same) and not held["commit"].endswith("+")


if __name__ == "__main__":
    sys.exit(main())
