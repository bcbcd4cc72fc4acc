"""Make 300 sounds, index them with the model that ships, search and tag them, write a page.

    python examples/demo.py [FOLDER]

Everything happens on this machine: the sounds are computed, the model comes with EarShot.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import earshot
from earshot.data import open_clips
from earshot.jobs.report import ReportSearch, ReportSound, ReportTable, write_report
from earshot.synth import SOUNDS, write_dataset

N_SOUNDS = 300
QUERIES = (
    "a dog barking",
    "rain falling",
    "an alarm beeping",
    "church bells",
    "footsteps",
    "an engine running",
)


def main(folder: Path) -> None:
    """Run the demo in `folder`; a second run takes up what the first one left."""
    began = time.monotonic()
    console = Console()
    sounds = folder / "sounds"
    manifest = write_dataset(sounds, kind="sounds", n=N_SOUNDS, seed=0)
    clips = open_clips(manifest)
    console.print(f"{len(clips)} sounds of {len(SOUNDS)} kinds in {sounds}")

    earshot.index(sounds)
    paths = [sounds / clip.id for clip in clips]
    place = {path.resolve(): number for number, path in enumerate(paths)}
    searches = []
    table = Table("query", "best hits, by their true names", "score")
    for query in QUERIES:
        hits = earshot.search(query, sounds, k=5)
        found = [(place[hit.path.resolve()], hit.score) for hit in hits]
        searches.append(ReportSearch(query, found))
        names = ", ".join(clips[number].labels[0] for number, _ in found)
        table.add_row(query, names, f"{found[0][1]:.2f}")
    console.print(table)

    labels = sorted({clip.labels[0] for clip in clips})
    tagged = earshot.tag(paths[:8], labels=labels)
    rows = [
        (Path(row.path).name, clip.labels[0], row.label, f"{row.score:.2f}")
        for row, clip in zip(tagged, clips, strict=False)
    ]
    columns = ("file", "made as", "tagged as", "score")
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    console.print(table)

    embeddings = earshot.embed(paths)
    page = write_report(
        folder / "report.html",
        title="What EarShot hears",
        facts=f"{len(clips)} procedural sounds, indexed by earshot-small in "
        f"{time.monotonic() - began:.0f} s. Press a picture to hear it.",
        sounds=[
            ReportSound(path, clip.captions[0], SOUNDS[clip.labels[0]].category)
            for path, clip in zip(paths, clips, strict=True)
        ],
        embeddings=embeddings.embeddings,
        searches=searches,
        tables=[ReportTable("Tags of eight sounds", columns, rows)],
    )
    console.print(f"Open {page} in a browser. The whole took {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
