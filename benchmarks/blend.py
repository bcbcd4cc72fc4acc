"""Measure what each alignment method adds to earshot-small: python benchmarks/blend.py.

Written to results/blend.json, then into docs/blend.md and docs/images/blend.svg.
"""

from __future__ import annotations

from functools import partial

from earshot.jobs.blending import BlendArm, blend_table
from table import make, options

if __name__ == "__main__":
    parser = options(__doc__, seeds=3)
    parser.add_argument("--steps", type=int, default=BlendArm(()).steps, help="of every arm")
    asked = parser.parse_args()
    make("blend", partial(blend_table, BlendArm((), steps=asked.steps)), asked)
