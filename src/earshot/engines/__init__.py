"""Where one job over many sounds runs: in this process, or on Ray."""

from earshot.engines.choice import Engine, engine_of
from earshot.engines.frames import read_each
from earshot.engines.local import embed_each
from earshot.engines.task import Done, FileWindows, Task, file_task

__all__ = [
    "Done",
    "Engine",
    "FileWindows",
    "Task",
    "embed_each",
    "engine_of",
    "file_task",
    "read_each",
]
