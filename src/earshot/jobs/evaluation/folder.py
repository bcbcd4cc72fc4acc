"""A folder of results: for programs, for people, and to look at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from earshot.core.files import write_text
from earshot.core.machine import describe_machine
from earshot.jobs.evaluation.page import evaluation_page
from earshot.jobs.evaluation.picture import evaluation_picture
from earshot.jobs.evaluation.result import Evaluation
from earshot.jobs.evaluation.sections import sections

NAMES = ("results.json", "results.md", "results.svg")


def write_results(out: Path, results: Sequence[Evaluation]) -> list[Path]:
    """Write results.json, results.md and results.svg into `out`; what was there is replaced."""
    json_path, page_path, picture_path = (out / name for name in NAMES)
    write_text(json_path, json.dumps(results_object(results)) + "\n")
    write_text(picture_path, evaluation_picture(results))
    write_text(page_path, evaluation_page(results, picture_path.name))
    return [json_path, page_path, picture_path]


def results_object(results: Sequence[Evaluation]) -> dict[str, Any]:
    """All as one JSON object: every result, every paired difference, the machine."""
    from earshot import __version__

    return {
        "format": 1,
        "earshot": __version__,
        "machine": describe_machine(),
        "results": [result.to_row() for result in results],
        "differences": difference_rows(results),
    }


def difference_rows(results: Sequence[Evaluation]) -> list[dict[str, Any]]:
    """Every later model less the first, as JSON objects, in order."""
    return [
        {
            "task": section.results[0].task,
            "data": section.results[0].data,
            "model": model,
            "against": section.models[0],
            "differences": [asdict(each) for each in found],
        }
        for section in sections(results)
        for model, found in section.differences()
    ]
