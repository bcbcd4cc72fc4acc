"""Probe every encoder, trained here under its small preset: python benchmarks/probes.py.

Written to results/probes.json, then into docs/probes.md and docs/images/probes.svg. The tasks of
recordings want EARSHOT_SHARED.
"""

from __future__ import annotations

from earshot.jobs.probing import probe_table
from table import make, options

if __name__ == "__main__":
    make("probes", probe_table, options(__doc__, seeds=3).parse_args())
