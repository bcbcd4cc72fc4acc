"""The store behind index and search: vectors, places in files, words and scores."""

from earshot.index.place import find_index, place_index
from earshot.index.rows import FileRows, KnownFile
from earshot.index.settings import IndexSettings
from earshot.index.store import Store

__all__ = ["FileRows", "IndexSettings", "KnownFile", "Store", "find_index", "place_index"]
