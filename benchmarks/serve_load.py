"""Load on `earshot serve`: many clients at once on loopback, three by words to one by upload.

python benchmarks/serve_load.py --model earshot-small --out results/serve_load.json

Every client asks again as soon as it is answered. Writes requests a second, faults, the time in
which 95 of 100 are answered, and how many items the model had in one pass.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
import soundfile

from earshot.audio import write_audio
from earshot.core.files import write_text
from earshot.core.machine import describe_machine
from earshot.synth import SOUNDS, render_sound

RATE = 16_000  # Hz
N_TAKES = 2  # of each kind of sound in the index
UPLOAD_EVERY = 4  # requests: one of so many is an upload


@dataclass
class Tally:
    """What the clients saw."""

    words_s: list[float] = field(default_factory=list)
    upload_s: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LoadFigures:
    """The figures of one run; times in milliseconds."""

    model: str
    machine: dict[str, str | int]
    n_clients: int
    seconds: float
    n_sounds: int
    requests: int
    requests_per_s: float
    faults: int
    words_p50_ms: float
    words_p95_ms: float
    upload_p50_ms: float
    upload_p95_ms: float
    texts_per_pass: float
    windows_per_pass: float
    first_faults: list[str]


def main(
    out: Path, *, model: str = "earshot-small", seconds: float = 60.0, n_clients: int = 32
) -> LoadFigures:
    """Run the load and write its figures to `out`."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "sounds"
        uploads = _write_sounds(folder)
        earshot = [sys.executable, "-m", "earshot"]
        subprocess.run([*earshot, "index", str(folder), "--model", model], check=True)
        server = subprocess.Popen(
            [*earshot, "serve", str(folder), "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            figures = asyncio.run(_load(address, model, uploads, seconds, n_clients))
        finally:
            server.terminate()
            server.wait(60)
    write_text(out, json.dumps(asdict(figures), indent=2) + "\n")
    return figures


def _write_sounds(folder: Path) -> list[bytes]:
    """An indexed folder's sounds, and others to upload."""
    for name, kind in SOUNDS.items():
        for take in range(N_TAKES):
            waveform = render_sound(name, sample_rate=RATE, seed=take)
            write_audio(folder / kind.category / f"{name} {take}.wav", waveform, RATE)
    uploads = []
    for name in list(SOUNDS)[:16]:
        held = io.BytesIO()
        soundfile.write(held, render_sound(name, sample_rate=RATE, seed=99), RATE, format="FLAC")
        uploads.append(held.getvalue())
    return uploads


async def _load(
    address: str, model: str, uploads: list[bytes], seconds: float, n_clients: int
) -> LoadFigures:
    tally = Tally()
    limits = httpx.Limits(max_connections=n_clients, max_keepalive_connections=n_clients)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as http:
        n_sounds = (await http.get("/v1/health")).json()["n_sounds"]
        begin = time.perf_counter()
        clients = (_client(http, i, uploads, tally, begin + seconds) for i in range(n_clients))
        await asyncio.gather(*clients)
        took_s = time.perf_counter() - begin
        metrics = (await http.get("/metrics")).text
    n = len(tally.words_s) + len(tally.upload_s)
    return LoadFigures(
        model=model,
        machine=describe_machine(),
        n_clients=n_clients,
        seconds=round(took_s, 1),
        n_sounds=n_sounds,
        requests=n,
        requests_per_s=round(n / took_s, 1),
        faults=len(tally.faults),
        words_p50_ms=_percentile(tally.words_s, 50),
        words_p95_ms=_percentile(tally.words_s, 95),
        upload_p50_ms=_percentile(tally.upload_s, 50),
        upload_p95_ms=_percentile(tally.upload_s, 95),
        texts_per_pass=_mean_batch(metrics, "text"),
        windows_per_pass=_mean_batch(metrics, "audio"),
        first_faults=tally.faults[:5],
    )


async def _client(
    http: httpx.AsyncClient, number: int, uploads: list[bytes], tally: Tally, until: float
) -> None:
    """One client: asks, waits for the answer, asks again."""
    names, turn = list(SOUNDS), number
    while time.perf_counter() < until:
        is_upload = turn % UPLOAD_EVERY == 0
        begin = time.perf_counter()
        try:
            if is_upload:
                files = {"file": ("query.flac", uploads[turn % len(uploads)])}
                answer = await http.post("/v1/search/file", files=files)
            else:
                text = f"{names[turn % len(names)]} number {turn}"  # no two queries alike
                answer = await http.post("/v1/search", json={"text": text})
            if answer.status_code != 200 or not answer.json()["hits"]:
                tally.faults.append(f"{answer.status_code} {answer.text[:200]}")
        except httpx.HTTPError as fault:
            tally.faults.append(repr(fault))
        (tally.upload_s if is_upload else tally.words_s).append(time.perf_counter() - begin)
        turn += 7


def _percentile(times_s: list[float], percent: int) -> float:
    if len(times_s) < 2:
        return float("nan")
    return round(1_000 * statistics.quantiles(times_s, n=100)[percent - 1], 1)


def _mean_batch(metrics: str, kind: str) -> float:
    """Items in a pass of the model, on average, from the server's own figures."""
    found = {}
    for what in ("sum", "count"):
        pattern = rf'^earshot_model_batch_items_{what}{{kind="{kind}",[^}}]*}} (\S+)$'
        found[what] = sum(float(value) for value in re.findall(pattern, metrics, re.MULTILINE))
    return round(found["sum"] / max(found["count"], 1), 2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="earshot-small")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("results/serve_load.json"))
    given = parser.parse_args()
    found = main(given.out, model=given.model, seconds=given.seconds, n_clients=given.clients)
    print(json.dumps(asdict(found), indent=2))
