"""The pages that show the figures, written from results/bench.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from earshot.core.files import write_text

MARK = "<!-- written by make bench: {} -->"
TITLES = {
    "embed": "Embedding",
    "log_mel": "Log-mels",
    "small": "earshot-small",
    "search": "Search among a million",
    "indexing": "Indexing",
    "training": "Training",
    "pretraining": "Pre-training",
    "startup": "Starting up",
    "serve": "The server under load",
    "factory": "The caption factory",
}
HEAD = """# How fast it is

Written by `make bench` from `results/bench.json`; one section alone:
`python benchmarks/run.py search --again`. Ratios are medians of alternating runs in one process,
ours against the peer, with the extremes in brackets: above 1 is faster than the peer.
"""
SIZES = {"10 million": 10e6, "1 billion": 1e9}
EFFICIENCY = 0.85  # of wall time that workers are at work: starting, stragglers, listing
CORE_HOUR, GPU_HOUR = 0.04, 3.0  # what is paid, in the currency of your choice
GPU_TFLOPS, GPU_SHARE = 400.0, 0.15  # dense bf16 of one large card, and how much of it is reached
BYTES_PER_ROW = 512 * 4 + 512 // 8 + 400  # vector, its bits in the index, the other columns


def write_pages(root: Path, results: dict[str, Any]) -> None:
    """Write docs/speed.md whole, and the sizing table into docs/engines.md."""
    parts = [HEAD, *(_section(name, results[name]) for name in TITLES if name in results)]
    write_text(root / "docs" / "speed.md", "\n".join(parts))
    if "embed" in results:
        page = root / "docs" / "engines.md"
        begin, end = MARK.format("begin"), MARK.format("end")
        text = page.read_text("utf-8")
        before, rest = text.split(begin)
        after = rest.split(end)[1]
        write_text(page, f"{before}{begin}\n{sizing(results['embed'])}\n{end}{after}")


def _section(name: str, held: dict[str, Any]) -> str:
    machine = held["machine"]
    where = f"{machine['cores']} cores of {machine['processor']}, torch {machine['torch']}"
    lines = [
        f"## {TITLES[name]}",
        "",
        held["about"],
        "",
        "| figure | measured | wished |",
        "|---|---|---|",
        *(_row(figure) for figure in held["figures"]),
        "",
        f"{where}; commit {held['commit']}, {held['date']}, {held['minutes']} minutes, "
        f"load {held['load']} at the end.",
        "",
    ]
    return "\n".join(lines)


def _row(figure: dict[str, Any]) -> str:
    """A line of the table; what fell short says so."""
    unit = f" {figure['unit']}" if figure["unit"] else ""
    value = f"{_digits(figure['value'])}{unit}"
    if figure["low"] is not None and figure["low"] != figure["high"]:
        value += f" [{_digits(figure['low'])} to {_digits(figure['high'])}]"
    wish = ""
    if figure["at_least"] is not None:
        wish = f"at least {_digits(figure['at_least'])}"
    elif figure["at_most"] is not None:
        wish = f"at most {_digits(figure['at_most'])}"
    if figure["met"] is False:
        wish += ": **missed**"
    return f"| {figure['what']} | {value} | {wish} |"


def _digits(value: float) -> str:
    """Four figures; cosines near 1 keep the ones that tell."""
    if 0.99 < value < 1:
        return f"{value:.6f}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def sizing(embed: dict[str, Any]) -> str:
    """What millions of ten-second clips take, by the clips a second measured here."""
    facts, machine = embed["facts"], embed["machine"]
    per_core = {
        name: facts["clips_per_second"][name] / machine["cores"] for name in ("exact", "fast")
    }
    per_gpu = GPU_TFLOPS * GPU_SHARE * 1e3 / facts["gflop_per_clip"]
    feeding = per_gpu * facts["decode_core_ms_per_clip"] / 1e3
    lines = [
        f"Measured on {machine['processor']} ({machine['cores']} cores, {embed['date']}): "
        f"{per_core['exact']:.1f} clips a second and core exact, {per_core['fast']:.1f} fast; "
        f"decoding and log-mel {facts['decode_core_ms_per_clip']:.1f} ms of a core a clip; "
        f"the tower {facts['gflop_per_clip']:.1f} GFLOP a clip.",
        "",
        "| clips of 10 s | core-hours exact | core-hours fast | 64 cores, fast | cost, fast | "
        "GPU-hours | cost, GPUs | index |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, n in SIZES.items():
        hours = {key: n / value / 3_600 / EFFICIENCY for key, value in per_core.items()}
        gpu_hours = n / per_gpu / 3_600 / EFFICIENCY
        gpu_cost = gpu_hours * (GPU_HOUR + feeding * CORE_HOUR)
        cells = [
            name,
            f"{hours['exact']:,.0f}",
            f"{hours['fast']:,.0f}",
            _span(hours["fast"] / 64),
            f"{hours['fast'] * CORE_HOUR:,.0f}",
            f"{gpu_hours:,.0f}",
            f"{gpu_cost:,.0f}",
            f"{n * BYTES_PER_ROW / 1e9:,.0f} GB",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "How it is reckoned, so that you can put in your own numbers:",
        "",
        f"- core-hours = clips / (clips a second and core) / 3600 / {EFFICIENCY}; the last factor "
        "is the share of the time that workers are at work.",
        f"- cost = core-hours x {CORE_HOUR}, or GPU-hours x {GPU_HOUR} and the cores beside it; "
        "prices are assumptions, in your currency.",
        f"- a GPU: {GPU_TFLOPS:.0f} TFLOPS in bf16, of which {GPU_SHARE:.0%} are reached, gives "
        f"{per_gpu:,.0f} clips a second. **This was not measured.** It then takes {feeding:,.0f} "
        "cores to decode for it: with fewer, the cores are the limit and the GPU waits.",
        f"- index = clips x {BYTES_PER_ROW} bytes: 512 float32, their bits, and the other columns.",
    ]
    return "\n".join(lines)


def _span(hours: float) -> str:
    return f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:,.0f} days"
