"""The engine that a word names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from earshot.core.errors import unknown_name
from earshot.engines.task import Done, Task

if TYPE_CHECKING:
    from earshot.models.embedder import Embedder

K = TypeVar("K")
ENGINES = ("local", "ray")


class Engine(Protocol):
    """What runs tasks: every one comes back once, embedded or with the reason why not."""

    def __call__(self, tasks: Iterable[Task[K]], embedder: Embedder) -> Iterator[Done[K]]:
        """The tasks done, in the order given."""


def engine_of(name: str = "local", *, address: str | None = None) -> Engine:
    """ "local": this process; "ray": Ray at `address`, or one of its own on this machine."""
    if name == "ray":
        from earshot.engines.ray_data import embed_each_on_ray

        return partial(embed_each_on_ray, address=address)
    if name != "local":
        raise unknown_name("engine", name, ENGINES)
    from earshot.engines.local import embed_each

    return embed_each
