"""docs/robustness.md from results/torture.json."""

# ruff: noqa: E501  - rows of tables stay on one line

from __future__ import annotations

from typing import Any

PAGE = """# When things break

What EarShot promises when files are damaged, disks are full and processes are killed: never a
traceback, never a silent skip, never the loss of what was done. The tests in `tests/robustness/`
hold it to that on every change; `make torture` holds it to that for minutes, at random moments.

| what happens | what you get |
| --- | --- |
| a file is damaged, empty, no sound, a pipe, a device, a socket, a dangling link | the job goes on, lists it at the end with the reason, and exits 2 |
| a file changes or vanishes while it is indexed | it is listed; the next run takes it up |
| names with line breaks, quotes, control characters, bytes that are not UTF-8 | found, indexed and searched like others; escaped where people read them |
| `kill -9` of `index` | the index opens with every committed file, whole; the next run does the rest |
| `kill -9` of `run` | `--resume` goes on from the last whole checkpoint, to the same weights, bit for bit |
| `kill -9` of `data make` | running it again gives the same bytes as an uninterrupted run |
| the disk is full | one sentence, exit 1; with room again the same command does the rest |
| two processes write one index, run or data set | the second is refused with a sentence; readers never are |
| a folder of sounds cannot be written | its index lies in your cache folder |
| the files of an index are damaged | a sentence that says so; `earshot index` mends its full text by itself |
| a checkpoint holds code (a pickle, a tokenizer that brings Python) | it is refused, and nothing of it runs |
| a checkpoint asks for absurd sizes | it is refused before anything is allocated |

## Figures

From `results/torture.json`: {processor}, {cores} cores, {minutes} minutes in all.

**Indexing, killed {index_kills} times** (commit `{index_commit}`) with SIGKILL at random moments of {index_runs} runs over one
folder whose files changed in between ({index_before} kills before a run's first commit,
{index_between} between commits, {index_after} while compacting). Indexes that did not open:
{not_opened}; finished files lost: {lost}; windows doubled: {doubled}; files cut short: {cut_short}.
In the end it {same} an index made at once.

**Training, killed {training_kills} times** (commit `{training_commit}`) over {training_rounds} runs of the `clap` recipe at its
smallest, each resumed until done. Checkpoints lost: {checkpoints_lost}; runs that ended with other
weights than the uninterrupted one: {other_weights}, compared bit for bit.

**{hostile_files} hostile sound files** (commit `{hostile_commit}`), all different: {sound} gave a waveform, {refused} a
sentence, {broke} anything else. The slowest took {slowest_s} s of processor time
(`{slowest}`); memory grew by {memory_mb} MB over all of them.

```bash
make torture
```
"""


def robustness_page(facts: dict[str, Any]) -> str:
    """The whole page as Markdown."""
    index, training, hostile = facts["index"], facts["training"], facts["hostile"]
    return PAGE.format(
        processor=facts["machine"]["processor"],
        cores=facts["machine"]["cores"],
        minutes=facts["minutes"],
        index_commit=index["commit"],
        training_commit=training["commit"],
        hostile_commit=hostile["commit"],
        index_kills=index["kills"],
        index_runs=index["runs"],
        index_before=index["moments"]["before the first commit"],
        index_between=index["moments"]["between commits"],
        index_after=index["moments"]["after the last"],
        not_opened=index["faults"]["not opened"],
        lost=index["faults"]["lost"],
        doubled=index["faults"]["doubled"],
        cut_short=index["faults"]["cut short"],
        same="equalled" if index["ends_as_a_fresh_index"] else "DIFFERED from",
        training_kills=training["kills"],
        training_rounds=training["runs_finished"],
        checkpoints_lost=training["checkpoints_lost"],
        other_weights=training["runs_with_other_weights"],
        hostile_files=f"{hostile['files']:,}",
        sound=f"{hostile['outcomes']['sound']:,}",
        refused=f"{hostile['outcomes']['refused']:,}",
        broke=hostile["outcomes"]["broke"],
        slowest_s=hostile["slowest_cpu_s"],
        slowest=hostile["slowest_file"],
        memory_mb=hostile["memory_growth_mb"],
    )
