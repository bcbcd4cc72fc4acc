"""A folder of everything that a file system can hold under the name of a sound."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from toy_embedder import write_tones

# Good sounds under names that break programs which split, quote, print or decode them.
NAMES = {
    "plain.wav": ("dog",),
    "two\nlines.wav": ("cat",),
    "tab\tand\rreturn.wav": ("rain",),
    "\x1b[31mred\x07.wav": ("bell",),
    "'quoted' \"twice\" `and` $(more).wav": ("car",),
    "; drop table sounds; --.wav": ("dog", "cat"),
    os.fsdecode(b"caf\xe9 \xff\xfe.wav"): ("rain",),
    " blanks .wav": ("bell",),
    "-k.wav": ("car",),
    "100% #1?&=*[x].wav": ("dog",),
    "\u202edesrever.wav": ("cat",),
    "n" * 251 + ".wav": ("rain",),  # the 255 bytes that a name may have
    "\U0001f415" * 62 + ".wav": ("bell",),
    "deep/" * 60 + "down.wav": ("car",),
}


def make_odd_folder(folder: Path) -> tuple[set[str], set[str]]:
    """Fill `folder`; the names of the good sounds, and of what must be listed as failed.

    Pipes and devices are there as well: whoever opens them waits for ever, or reads without end.
    """
    write_tones(folder, NAMES)
    (folder / "loop").symlink_to("loop")  # a link that leads to itself, not to a sound
    (folder / "up").symlink_to("..")
    (folder / "deep" / "again").symlink_to(folder, target_is_directory=True)
    bad = {
        "itself.wav": lambda path: path.symlink_to(path.name),
        "dangling.wav": lambda path: path.symlink_to("nowhere.wav"),
        "pipe.wav": os.mkfifo,
        "socket.wav": _socket,
        "endless.wav": lambda path: path.symlink_to("/dev/zero"),
        "nothing.wav": lambda path: path.symlink_to(os.devnull),
        "empty.wav": lambda path: path.touch(),
        "text.wav": lambda path: path.write_text("It rained all night.\n"),
    }
    for name, make in bad.items():
        make(folder / name)
    return set(NAMES), set(bad)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # an address may have 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as handle:
            handle.bind(path.name)
    finally:
        os.chdir(here)
