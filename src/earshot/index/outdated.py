"""Tables that nothing can search any more."""

from __future__ import annotations

from earshot.index.connection import PREFIX, connect, table_names, writing_faults
from earshot.index.place import is_remote
from earshot.index.settings import IndexSettings
from earshot.index.store import Store


def drop_outdated(place: str, settings: IndexSettings) -> int:
    """Take away what nothing can search: tables that the same model made before it changed, and
    what a kill left of others. Gives how many.

    On object storage what looks left behind may be another writer's first step, and stays.
    """
    connection = connect(place)
    held = [store.settings for store in Store.open_all(place)]
    names = {f"{PREFIX}{each.fingerprint}": each for each in held}
    mine = f"{PREFIX}{settings.fingerprint}"
    outdated = [name for name, each in names.items() if name != mine and each.is_of_same(settings)]
    if not is_remote(place):
        outdated += [name for name in table_names(connection, place) if name not in names]
    with writing_faults(place):
        for name in outdated:
            connection.drop_table(name)
    return len(outdated)
