"""Write docs/catalogue.md and its picture from the catalogue.

python scripts/write_catalogue_page.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from earshot.catalogue import (
    ARCHITECTURES,
    STAGES,
    Entry,
    catalogue,
    origins_of,
    recipe_of,
    stands,
    status_of,
)
from earshot.catalogue.drawing import svg_map
from earshot.catalogue.origins import SITES
from earshot.core.paper import FAMILIES

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "catalogue.md", ROOT / "docs" / "catalogue.svg"
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
HEAD = """\
# The catalogue: what the field has

Models, objectives, tasks, data sets and benchmarks of sound and language in one taxonomy, that of *Audio-Language
Models for Audio-Centric Tasks: A survey*, [arXiv:2501.15177](https://arxiv.org/abs/2501.15177). The recipe of the same
survey, with what it shows, has [a page of its own]({survey}).

![Models by architecture and stage](catalogue.svg)

```console
$ earshot catalogue                                # all entries, a line each; * is what EarShot has
$ earshot catalogue models --task captioning       # with every cell
$ earshot catalogue datasets --family labelled
$ earshot catalogue --architecture "two towers" --stage T1
$ earshot catalogue benchmarks --json
$ earshot data overlap audiocaps/ AudioSetCaps_caption.csv --blacklist leave_out.txt
```

This page is written from `src/earshot/catalogue/entries/` by `python scripts/write_catalogue_page.py`. Whether a thing is
here is found by looking: for the recipe, the command, the class, the layout. Sizes are as published; licences and
references were put down from the papers and cards at hand, so read the original before you rely on one.

## The words

| architecture | |
| --- | --- |
{architectures}

| stage | |
| --- | --- |
{stages}
"""  # noqa: E501 - prose


def page() -> str:
    """The page as it should be."""
    known = catalogue()
    models = known.of("models")
    survey = ROOT / "docs" / "papers" / "alm_survey.md"
    parts = [
        HEAD.format(
            survey="papers/alm_survey.md"
            if survey.is_file()
            else "https://arxiv.org/abs/2501.15177",
            architectures="\n".join(f"| {name} | {told} |" for name, told in ARCHITECTURES.items()),
            stages="\n".join(f"| {name} | {told} |" for name, told in STAGES.items()),
        )
    ]
    own = [each for each in models if recipe_of(each) == each.name]
    n_here = sum(map(stands, own))
    parts.append(
        f"## EarShot's recipes\n\n{len(own)} systems; {n_here} stand, the others are planned."
    )
    for family in FAMILIES:
        some = [each for each in own if each.family == family]
        parts.append(
            f"### {family.replace('_', ' ')}\n\n"
            + _table(
                (
                    "recipe",
                    "what",
                    "architecture",
                    "objectives",
                    "stage",
                    "tasks",
                    "modalities",
                    "data",
                    "licence",
                    "paper",
                ),
                (
                    (
                        _own(e),
                        e.title,
                        e.architecture,
                        _names(e.objectives),
                        " + ".join(e.stage),
                        _names(e.tasks),
                        _names(e.modalities),
                        _names(e.data),
                        e.license,
                        _linked(e.reference),
                    )
                    for e in some
                ),
            )
        )
    others = [each for each in models if each not in own]
    parts.append(
        "## Models of others\n\n"
        + _table(
            (
                "model",
                "what",
                "architecture",
                "objectives",
                "stage",
                "tasks",
                "modalities",
                "data",
                "licence",
                "here",
                "paper",
            ),
            (
                (
                    f"`{e.name}`",
                    e.title,
                    e.architecture,
                    _names(e.objectives),
                    " + ".join(e.stage),
                    _names(e.tasks),
                    _names(e.modalities),
                    _names(e.data),
                    e.license,
                    _here(e),
                    _linked(e.reference),
                )
                for e in others
            ),
        )
    )
    parts.append(
        "## Objectives\n\n"
        + _table(
            (
                "objective",
                "what",
                "kind",
                "at home in",
                "stage",
                "tasks",
                "learns from",
                "here",
                "paper",
            ),
            (
                (
                    f"`{e.name}`",
                    e.title,
                    e.family,
                    e.architecture,
                    " + ".join(e.stage),
                    _names(e.tasks),
                    _names(e.data),
                    _here(e),
                    _linked(e.reference),
                )
                for e in known.of("objectives")
            ),
        )
    )
    parts.append(
        "## Tasks\n\n"
        + _table(
            ("task", "what", "kind", "at home in", "objectives", "stage", "here", "recipes"),
            (
                (
                    e.name,
                    e.title,
                    e.family,
                    e.architecture,
                    _names(e.objectives),
                    " + ".join(e.stage),
                    _here(e),
                    _names([f"`{m.name}`" for m in own if e.name in m.tasks]) or "-",
                )
                for e in known.of("tasks")
            ),
        )
    )
    parts.append(
        "## Data sets\n\n"
        + _table(
            (
                "data set",
                "what",
                "kind",
                "tasks",
                "modalities",
                "drawn from",
                "licence",
                "here",
                "reference",
            ),
            (
                (
                    f"`{e.name}`",
                    e.title,
                    e.family,
                    _names(e.tasks),
                    _names(e.modalities),
                    _names(e.data),
                    e.license,
                    _here(e),
                    _linked(e.reference),
                )
                for e in known.of("datasets")
            ),
        )
    )
    parts.append(_shared())
    parts.append(
        "## Benchmarks\n\n"
        + _table(
            (
                "benchmark",
                "what",
                "kind",
                "tasks",
                "modalities",
                "drawn from",
                "licence",
                "here",
                "reference",
            ),
            (
                (
                    f"`{e.name}`",
                    e.title,
                    e.family,
                    _names(e.tasks),
                    _names(e.modalities),
                    _names(e.data),
                    e.license,
                    _here(e),
                    _linked(e.reference),
                )
                for e in known.of("benchmarks")
            ),
        )
    )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _shared() -> str:
    """Which data sets may share recordings: all that were drawn from one site."""
    known = catalogue()
    rows = []
    for site, told in SITES.items():
        drawn = [name for name in known.names("datasets") if site in origins_of(name, known)]
        if len(drawn) > 1:
            rows.append((told, _names([f"`{name}`" for name in drawn])))
    return (
        "### Which of them share recordings\n\n"
        "Sets of one row may hold the same recording, and then a model that was trained on the one "
        "has heard the test of the other. `earshot data overlap A B` compares their ids "
        "(YouTube's, Freesound's and others', in all ways that published tables write them), and "
        "`--blacklist FILE` writes what to leave out; tables are enough, no sound is read.\n\n"
        + _table(("site", "data sets"), rows)
    )


def _own(entry: Entry) -> str:
    """A recipe with links to its file, page and result, as far as they are there."""
    if not stands(entry):
        return f"`{entry.name}`, planned"
    places = (
        (f"`{entry.name}`", "src/earshot/recipes", "py"),
        ("page", "docs/papers", "md"),
        ("result", "results", "json"),
    )
    return ", ".join(
        f"[{words}](../{folder}/{entry.name}.{suffix})".replace("../docs/", "")
        for words, folder, suffix in places
        if (ROOT / folder / f"{entry.name}.{suffix}").is_file()
    )


def _here(entry: Entry) -> str:
    if status_of(entry) == "planned":
        return f"planned: `{entry.config}`" if entry.config != "planned" else "planned"
    is_code = entry.config.startswith(("earshot", "transformers.", "layout="))
    return f"`{entry.config}`" if is_code else entry.config


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def _linked(reference: str) -> str:
    return _ARXIV.sub(lambda found: f"[{found[1]}](https://arxiv.org/abs/{found[1]})", reference)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    PICTURE.write_text(svg_map(catalogue().of("models")), "utf-8")
