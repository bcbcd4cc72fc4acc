"""A factory's folder made fit to be given away: card, statistics, failures, tables of captions."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from earshot import __version__
from earshot.core.config import to_dict
from earshot.core.errors import EarShotError
from earshot.core.files import replacing, write_text
from earshot.factories.factory import Factory
from earshot.factories.figures import statistics, write_statistics
from earshot.factories.ledger import FILE, Ledger
from earshot.factories.meter import Prices
from earshot.factories.part_store import rows_in

CARD, FAILED, SETTINGS = "README.md", "failed.jsonl", "factory.json"


def publish(
    out: Path, factory: Factory | None = None, prices: Prices | None = None
) -> dict[str, Any]:
    """Write the card, statistics.json and failed.jsonl of a folder; the figures come back.

    `factory` is written down with its settings; left out, what a run wrote stays. Rejected clips
    lie in `rejects/` with their reasons. Raises EarShotError while another process writes there.
    """
    with opened(out) as ledger:
        if factory is not None:
            write_text(out / SETTINGS, json.dumps(_described(factory), indent=1) + "\n")
        figures = statistics(ledger, prices)
        write_statistics(out, figures)
        with replacing(out / FAILED) as part, part.open("w", encoding="utf-8") as file:
            for id, error in ledger.failures():
                file.write(json.dumps({"id": id, "error": error}) + "\n")
    held = out / SETTINGS
    about = json.loads(held.read_text("utf-8")) if held.is_file() else {}
    write_text(out / CARD, card(out.resolve().name, about, figures))
    return figures


def settle(out: Path) -> None:
    """Move the last clips of a run that was killed into parts, for all who read those."""
    with opened(out) as ledger:
        ledger.parts.compact()


def opened(out: Path) -> Ledger:
    """The ledger of a folder that a run has filled; a context manager."""
    if not (out / FILE).is_file():
        raise EarShotError(
            got=f"{out} without a {FILE}",
            expected="a folder that earshot factory run has filled",
            mend="Name its --out.",
        )
    return Ledger(out)


def write_captions(out: Path, path: Path) -> int:
    """The captions as `id,caption`, the form of AudioSetCaps' tables; how many there are."""
    n = 0
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "caption"])
        for row in rows_in(out, "data", ["id", "caption"]):
            writer.writerow([row["id"], row["caption"]])
            n += 1
    return n


def write_questions(out: Path, path: Path) -> int:
    """Questions and answers as `id,question,answer`, a row each; how many there are."""
    n = 0
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "question", "answer"])
        for row in rows_in(out, "data", ["id", "questions"]):
            for pair in row["questions"]:
                writer.writerow([row["id"], pair["question"], pair["answer"]])
                n += 1
    return n


def _described(factory: Factory) -> dict[str, Any]:
    settings = factory.settings
    return {
        "name": factory.name,
        "identity": factory.identity,
        "earshot": __version__,
        "stages": {stage.name: stage.identity for stage in factory.stages},
        "settings": to_dict(settings) if hasattr(settings, "__dataclass_fields__") else settings,
    }


def card(name: str, about: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """A dataset card in Markdown, with the head that the Hugging Face Hub reads."""
    clips, words = figures["clips"], figures["words_per_caption"]
    head = [
        "---",
        f"pretty_name: {json.dumps(name)}",
        "task_categories: [audio-to-text]",
        "tags: [audio, captions, synthetic]",
        "configs:",
    ]
    for config, folder in (("default", "data"), ("rejects", "rejects")):
        if clips["accepted" if folder == "data" else "rejected"]:
            head += [f"- config_name: {config}", f'  data_files: "{folder}/*.parquet"']
    head += ["---", ""]
    made = f" by the factory `{about['name']}` (`{about['identity']}`)" if about else ""
    lines = [
        f"# {name}",
        "",
        f"{clips['accepted']:,} captions of sounds, written by machine{made}, EarShot "
        f"{about.get('earshot', __version__)}. {clips['rejected']:,} clips were rejected, each "
        "with its reason, in `rejects/`.",
        "",
        "Sounds are not in here: `audio` is a path from this folder, or a URL. Their licences, and "
        "those of the texts that came with them, hold for what was made of them.",
        "",
        "| figure | value |",
        "|---|---|",
        f"| words in a caption, median | {words.get('median', 0):g} |",
        f"| different words | {figures['vocabulary']:,} |",
        f"| different labels | {figures['n_labels']:,} |",
        f"| questions and answers | {figures['questions']:,} |",
        *(
            f"| {score.replace('_', ' ')}, median | {found['median']:.2f} |"
            for score, found in figures["scores"].items()
        ),
        f"| hours in stages | {figures['hours_in_stages']:.2f} |",
        "",
        "| column | what |",
        "|---|---|",
        *(f"| `{column}` | {what} |" for column, what in COLUMNS.items()),
    ]
    if figures["rejects"]:
        lines += ["", "| rejected or failed | clips |", "|---|---|"]
        lines += [f"| {_cell(why)} | {n:,} |" for why, n in figures["rejects"].items()]
    return "\n".join([*head, *lines, ""])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


COLUMNS = {
    "id": "of the clip",
    "caption": "one sentence or two",
    "labels": "ground truth that came with it",
    "audio, start_s, duration_s": "where the sound lies, and which part of it",
    "clap_caption, clap_label": "cosines of sound and caption, of sound and labels",
    "scores": "all scores, by name",
    "notes": "what stages found out before the caption was written",
    "questions": "with answers",
    "source": "texts that came with the clip",
    "provenance": "which stage worked on it, and the digest of what it was",
    "factory": "digest of the factory",
    "rejected_by, reason, detail": "why a clip of `rejects/` has no caption",
}
