"""A corpus of hostile sound files: good ones of every format, damaged in every way we know of."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sound_files import EVERY, encode, tones

HEADER_CUTS = (1, 3, *range(4, 64, 4), 100, 200)  # bytes: chunks of wav begin at multiples of 4
FRACTIONS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
HUGE = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00")
SUFFIXES = (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".webm", ".aac", ".txt", "")


@dataclass(frozen=True)
class HostileFile:
    """A file and how it came about."""

    name: str  # with a suffix, right or wrong
    content: bytes


def hostile_files(seed: int, n_flips: int = 4) -> Iterator[HostileFile]:
    """All kinds of damage to a small file of each format, the same for the same seed."""
    rng = np.random.default_rng(seed)
    for kind in EVERY:
        good = encode(kind, tones(0.25, 16_000, 1 + seed % 2, seed), 16_000)
        for damage, content in damaged(good, rng, n_flips):
            yield HostileFile(f"{damage}.{kind}", content)
        suffix = SUFFIXES[int(rng.integers(len(SUFFIXES)))]
        yield HostileFile(f"{kind} in disguise{suffix}", good)
    yield from strange_headers()
    yield from no_sound(rng)


def damaged(good: bytes, rng: np.random.Generator, n_flips: int) -> Iterator[tuple[str, bytes]]:
    """Truncations, flipped bits, huge sizes, holes and foreign parts."""
    for cut in sorted({*HEADER_CUTS, *(int(part * len(good)) for part in FRACTIONS)}):
        if cut < len(good):
            yield f"cut at {cut}", good[:cut]
    for end in box_ends(good):
        yield f"cut at box {end}", good[:end]
    for number in range(n_flips):
        yield f"bits flipped {number}", flipped(good, rng, len(good), 1 + 5 * number)
        yield f"header flipped {number}", flipped(good, rng, min(len(good), 200), 1 + number)
    for word in HUGE:
        place = 4 * int(rng.integers(1, 16))
        yield f"{word.hex()} at {place}", good[:place] + word + good[place + 4 :]
    middle, hole = len(good) // 2, min(512, len(good) // 4)
    yield "hole", good[:middle] + bytes(hole) + good[middle + hole :]
    yield "missing part", good[:middle] + good[middle + hole :]
    yield "noise behind", good + rng.bytes(1_000)
    yield "noise in front", rng.bytes(100) + good
    yield "twice", good + good


def box_ends(good: bytes) -> list[int]:
    """Where the top-level boxes of an mp4 file end; none for other files."""
    ends, at = [], 0
    while good[4:8] == b"ftyp" and at + 8 <= len(good):
        at += max(int.from_bytes(good[at : at + 4], "big"), 8)
        ends += [at] if at < len(good) else []
    return ends


def flipped(good: bytes, rng: np.random.Generator, within: int, n_bits: int) -> bytes:
    """The file with bits turned over among its first `within` bytes."""
    content = bytearray(good)
    for place in rng.integers(within, size=n_bits):
        content[int(place)] ^= 1 << int(rng.integers(8))
    return bytes(content)


def wav(
    samples: bytes,
    *,
    n_channels: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    coding: int = 1,
    claimed: int | None = None,
) -> bytes:
    """A wav file written by hand, so that its header may say anything."""
    align = n_channels * bits // 8 & 0xFFFF
    size = len(samples) if claimed is None else claimed
    speed = rate * align & 0xFFFFFFFF
    head = struct.pack("<HHIIHH", coding, n_channels, rate, speed, align, bits)
    riff = b"RIFF" + struct.pack("<I", min(size + 36, 2**32 - 1)) + b"WAVE"
    return (
        riff + b"fmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", size) + samples
    )


def strange_headers() -> Iterator[HostileFile]:
    """Wav files whose headers or samples are odd, impossible or lies."""
    samples = (tones(0.1, 16_000)[0] * 32_767).astype("<i2").tobytes()
    for rate in (0, 1, 7, 999, 1_000, 11_127, 44_056, 192_000, 768_000, 999_999, 2**31, 2**32 - 1):
        yield HostileFile(f"rate {rate}.wav", wav(samples, rate=rate))
    for n_channels in (0, 2, 3, 31, 32, 33, 64, 65, 1_024, 1_025, 65_535):
        yield HostileFile(f"{n_channels} channels.wav", wav(samples, n_channels=n_channels))
    for bits in (0, 1, 7, 8, 12, 17, 24, 32, 64, 65_535):
        yield HostileFile(f"{bits} bits.wav", wav(samples, bits=bits))
    for coding in (0, 2, 3, 6, 7, 17, 49, 80, 85, 255, 65_534):
        yield HostileFile(f"coding {coding}.wav", wav(samples, coding=coding))
    for claimed in (0, 1, 2**31 - 1, 2**31, 2**32 - 100, 2**32 - 1):
        yield HostileFile(f"claims {claimed} bytes.wav", wav(samples, claimed=claimed))
    yield HostileFile("no samples.wav", wav(b""))
    yield HostileFile("one sample.wav", wav(b"\x01\x00"))
    yield HostileFile("half a sample.wav", wav(b"\x01"))
    yield HostileFile("silence.wav", wav(bytes(3_200)))
    for word, value in (("NaN", np.nan), ("Inf", np.inf), ("huge", 3e38), ("denormal", 1e-42)):
        floats = np.full(800, value, "<f4")
        floats[:400] = 0.1
        yield HostileFile(f"{word}.wav", wav(floats.tobytes(), bits=32, coding=3))


def no_sound(rng: np.random.Generator) -> Iterator[HostileFile]:
    """Files that hold no sound, under names that promise one."""
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    contents = {
        "empty": b"",
        "one byte": b"\x00",
        "zeros": bytes(10_000),
        "text": b"It rained all night.\n" * 100,
        "page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(1_000),
        "archive": b"PK\x03\x04" + bytes(1_000),
        "playlist": playlist,
        "script": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        "session": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
        "sync words": b"\xff\xfb" * 2_000,
        "only an ID3 tag": b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f" + bytes(500),
        "only magic": b"fLaC",
        "only OggS": b"OggS" * 50,
    }
    for name, content in contents.items():
        for suffix in (".wav", ".mp3", ".m4a"):
            yield HostileFile(name + suffix, content)
    for number in range(20):
        yield HostileFile(f"noise {number}.mp3", rng.bytes(int(rng.integers(1, 20_000))))
