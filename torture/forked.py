"""Work in child processes: forked from one that has imported everything, killed or waited for."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """How a child ended: killed by us, or by itself with a status."""

    killed: bool
    status: int
    lived_s: float  # since it said that its work began


def run_and_kill(work: Callable[[Callable[[], None]], None], after_s: float) -> Ended:
    """Fork, let `work` say when it begins, and SIGKILL it `after_s` later if it still lives."""
    reads, writes = os.pipe()
    child = _fork(lambda: work(lambda: os.write(writes, b"!") and None), reads)
    os.close(writes)
    os.read(reads, 1)  # waits for the beginning, or for the end of a child that never began
    os.close(reads)
    began = time.monotonic()
    while time.monotonic() - began < after_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return Ended(False, os.waitstatus_to_exitcode(status), time.monotonic() - began)
        time.sleep(min(0.002, after_s))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return Ended(code == -signal.SIGKILL, code, time.monotonic() - began)


def run(work: Callable[[], T]) -> T:
    """What `work` gives when run in a child: this process stays one that may be forked."""
    reads, writes = os.pipe()

    def send() -> None:
        with os.fdopen(writes, "wb") as pipe:
            pickle.dump(work(), pipe)

    child = _fork(send, reads)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        sent = pipe.read()
    _, status = os.waitpid(child, 0)
    if status or not sent:
        raise RuntimeError(f"a child ended with {os.waitstatus_to_exitcode(status)}")
    answer: Any = pickle.loads(sent)
    return answer


def _fork(work: Callable[[], None], unused: int) -> int:
    """A child that does `work` and never returns here."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    try:
        os.close(unused)
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
