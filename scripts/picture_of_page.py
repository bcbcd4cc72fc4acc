"""Take the pictures of `earshot serve` that the docs show, of sounds made by EarShot itself.

python scripts/picture_of_page.py --model earshot-small --out docs/images

Needs the extra `dev` and Chromium. Writes serve.png (desktop, light), serve-dark.png (with the map)
and serve-phone.png.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from earshot.audio import write_audio
from earshot.index import FileRows, Store, find_index
from earshot.jobs.indexing import index
from earshot.models.embedder import Embedder
from earshot.synth import SOUNDS, make_scenes, render_sound
from earshot.web.app import create_app
from earshot.web.opening import open_libraries
from earshot.web.server import address_of, listen

RATE = 16_000
N_TAKES, N_SCENES = 3, 40


def write_sounds(folder: Path) -> dict[str, tuple[tuple[str, ...], str]]:
    """Three takes of every kind of sound, and scenes; tags and caption of each, by name."""
    about: dict[str, tuple[tuple[str, ...], str]] = {}
    for name, kind in SOUNDS.items():
        for take in range(N_TAKES):
            path = f"{kind.category}/{name} {take + 1}.wav"
            waveform = render_sound(name, sample_rate=RATE, seed=take)
            write_audio(folder / path, waveform, RATE)
            about[path] = ((kind.category,), "")
    for i, scene in enumerate(make_scenes(N_SCENES, seed=1)):
        path = f"scenes/scene {i:03}.wav"
        write_audio(folder / path, scene.waveform, scene.sample_rate)
        about[path] = (("scene",), scene.captions[0])
    return about


def describe(folder: Path, about: dict[str, tuple[tuple[str, ...], str]]) -> None:
    """Put tags and captions into the index."""
    store = Store.open(find_index(folder))
    files: list[FileRows] = []
    for name, (tags, caption) in about.items():
        rows = store.rows_of(name)
        if rows is not None:
            files.append(replace(rows, known=replace(rows.known, tags=tags, caption=caption)))
    store.put(files, replace=True)


@contextmanager
def served(folder: Path, model: str | Embedder) -> Iterator[str]:
    """The address of a server over the folder's index."""
    listening = listen("127.0.0.1", 0)
    app = create_app(open_libraries(folder, models=[model]))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield address_of(listening)
    finally:
        server.should_exit = True
        thread.join()


def take(browser: Browser, address: str, out: Path, **context: object) -> None:
    """One picture: a search, all spectrograms drawn, on a wide page with the map."""
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{address}?q=a+dog+barking")
    page.wait_for_selector(".hit .picture.drawn")
    if "dark" in out.name:
        page.click("#toggle-map")
        page.wait_for_selector("#map[data-dots]")
    page.wait_for_timeout(1_500)
    page.screenshot(path=out)
    page.context.close()
    with Image.open(out) as picture:  # 200 colours are a third of the bytes
        picture.convert("RGB").quantize(200).save(out, optimize=True)


def main(model: str | Embedder, out: Path) -> None:
    """Write the three pictures into `out`."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "sounds"
        about = write_sounds(folder)
        index(folder, model=model)
        describe(folder, about)
        with served(folder, model) as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            wide = {"viewport": {"width": 1180, "height": 760}}
            take(browser, address, out / "serve.png", **wide)
            take(browser, address, out / "serve-dark.png", color_scheme="dark", **wide)
            phone = {"viewport": {"width": 390, "height": 800}, "device_scale_factor": 2}
            take(browser, address, out / "serve-phone.png", **phone)
            browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="earshot-small")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    given = parser.parse_args()
    main(given.model, given.out)
