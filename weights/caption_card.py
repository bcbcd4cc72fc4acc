"""The captioner's checkpoint, its results file and its model card."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from card import percent
from earshot.core.checkpoint import save_checkpoint
from earshot.core.files import write_text
from earshot.core.machine import commit_of, describe_machine
from earshot.models.named_captioner import KIND, NamedCaptioner, NamedCaptionerConfig
from ship import REPOSITORY, halved

FOLDER = REPOSITORY / "src/earshot/weights/earshot-captioner"
RESULTS = REPOSITORY / "results/earshot_captioner.json"
A_SET = 3  # captions of each set that the card prints


@dataclass(frozen=True)
class Shipped:
    """What the checkpoint says of itself: the config that builds it."""

    model: NamedCaptionerConfig


def ship(
    model: NamedCaptioner, told: dict[str, Any], rows: list[dict[str, str]], facts: dict[str, Any]
) -> None:
    """Write weights in half precision, tokenizer, figures, captions and card."""
    extra = {**facts, "machine": describe_machine(), "stored": "float16, read as float32"}
    save_checkpoint(FOLDER, KIND, Shipped(model.config), halved(model).half(), extra)
    model.float()
    model.save_beside(FOLDER)
    results = {
        "kind": "model", "what": "captions of sounds that training had not heard",
        "sets": told, "captions": rows, **extra, "commit": commit_of(REPOSITORY),
    }  # fmt: skip
    write_text(RESULTS, json.dumps(results, indent=1) + "\n")
    write_text(FOLDER / "README.md", model_card(told, rows, facts, size_of(FOLDER)))


def size_of(folder: Path) -> float:
    """Megabytes of a folder's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def spread(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """A few rows of each set, evenly spread over it: nobody chose them."""
    found = []
    for name in dict.fromkeys(row["set"] for row in rows):
        mine = [row for row in rows if row["set"] == name]
        found += [mine[(2 * i + 1) * len(mine) // (2 * A_SET)] for i in range(A_SET)]
    return found


def figures_table(told: dict[str, Any]) -> str:
    """A row for each set."""
    lines = [
        "| sounds | n | names one | of its names right | event F1 | made up | "
        "names nothing | CIDEr-D |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, each in told.items():
        if "event_f1" not in each:
            lines.append(
                f"| {name} | {each['n']} | | | | {percent(1 - each['names_nothing'])} | "
                f"{percent(each['names_nothing'])} | |"
            )
            continue
        lines.append(
            f"| {name} | {each['n']} | {percent(each['names_one'])} | "
            f"{percent(each['event_precision'])} | {each['event_f1']:.2f} | "
            f"{percent(each['hallucination_rate'])} | {percent(each['names_nothing'])} | "
            f"{each['cider_d']:.2f} |"
        )
    return "\n".join(lines)


def model_card(
    told: dict[str, Any], rows: list[dict[str, str]], facts: dict[str, Any], megabytes: float
) -> str:
    """README.md of the checkpoint folder."""
    captions = "\n".join(
        f"| {row['set']} | {row['truth'] or 'nothing that has a name'} | {row['caption']} |"
        for row in spread(rows)
    )
    minutes, two = facts["minutes"], told["procedural scenes of two sounds"]
    order = {
        name: each["order_accuracy"]
        for name, each in told.items()
        if each.get("order_accuracy", math.nan) == each.get("order_accuracy")
    }
    told_order = " and ".join(f"{percent(each)} ({name})" for name, each in order.items())
    return f"""# earshot-captioner

A sentence for a sound: `earshot caption FILES`. It hears with earshot-small, whose weights it does
not hold; its own are {facts["parameters"] / 1e6:.1f} M parameters in half precision, {megabytes:.1f} MB with the tokenizer. 32 kHz
mono, windows of up to 10 s; a longer recording has a sentence a window.

How it works: earshot-small turns a window, its first and its second half into three embeddings. A
namer says which of {facts["n_kinds"]} kinds of sound are likely enough, by thresholds that were set on sounds
that training had not heard. A small language model reads the embeddings and those names, and writes
of the names that the embeddings bear out. Where no name is likely enough it says only what sort of sound
it may be ("An animal makes a sound").

## Figures

Captions of sounds that neither the captioner nor its ears had heard: half of fold 4 of ESC-10, half
of a quarter of the instruments, digits of one speaker and a quarter of the spoken phrases (the ears
knew other takes and other phrases of those voices), mixes of all these, and renderings of other
seeds. As many others set the thresholds; the test was run once. For recordings the ears are
earshot-small as it was before its last stage, in which it heard everything: the shipped weights
must not be tested on these recordings.

{figures_table(told)}

*names one*: the caption names a sound that is there, by one of its own names. *made up*: it names
one that is not there: often what sounds alike (a double bass for a cello), now and then anything (an
air raid siren for a cello). *names nothing*: it stays general. Where two follow one another and
both are told, the order is right in {told_order}.
CIDEr-D is against sentences of the kind it was taught, so it only compares versions of this model.
So few recordings leave several points of uncertainty; `results/earshot_captioner.json` has every
caption.

## Captions

Three of each set, evenly spread over it; nobody chose them.

| sounds | there is | it writes |
| --- | --- | --- |
{captions}

## What it was taught

| data | licence | used for |
| --- | --- | --- |
| ESC-10 (K. J. Piczak, 2015), folds 1-3 | CC BY 3.0 | scenes |
| single instruments of FSDKaggle2018, three quarters | CC BY, CC0 | scenes |
| Tux Paint stamps: effects, short speech in nine languages | GPL-2, public domain | scenes |
| Free Spoken Digit Dataset, three of five speakers, a few takes | CC BY-SA 4.0 | scenes |
| procedural sounds, voices, tunes and noises of EarShot | Apache-2.0 | scenes |
| AudioCaps captions | MIT | the writer's language, text alone |
| Clotho captions | Tampere University, non-commercial with attribution | text alone |

{facts["n_scenes"]:,} scenes of one to three of these sounds, alone, one after the other or at once, were told by
rule; {facts["n_texts"]:,} captions of people stood for a seventh of what the writer read, by their text embeddings with
noise. No recording is in here.

## Limits

- It can name {facts["n_kinds"]} kinds; two thirds of them it knows from procedural sound alone, and names
  recordings of those less surely: how surely is not measured. Everything else gets a general sentence or, at worst, the name of what sounds
  alike.
- Sentences are plain: who or what sounds, in which order or at once. How loud, how many, where and
  why are left out. Speech is called speech, never written down, and its language is not told.
- Of two sounds it often tells only the clearer one, of three hardly ever all. In scenes of two
  procedural sounds it names a sound that is not there in {percent(two["hallucination_rate"])} of
  captions: what two sounds make together may be like a third.
- A sound that it has no name for is given a wrong one in about half of all cases.
- Loudness says nothing to it; what stays below -70 dB of full scale is called silence.

## Making it again

`make captioner`, after `make weights`: fixed seeds, goes on after a kill. These weights took
{sum(minutes.values()):.0f} minutes of clock on a share of two cores that other work was using
({"; ".join(f"{stage} {spent:.0f}" for stage, spent in minutes.items())}).
"""  # noqa: E501
