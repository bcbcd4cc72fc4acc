"""Rows of the store in memory, to be scored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Rows:
    """Rows in memory, a file's beside each other and in order of time.

    `vectors` [rows, dim], and the other columns as an Arrow table.
    """

    vectors: NDArray[np.float32]
    table: pyarrow.Table

    @classmethod
    def of(cls, table: pyarrow.Table) -> Rows:
        """The rows of a table with a vector column, put in order."""
        ordered = table.sort_by([("file_id", "ascending"), ("start_s", "ascending")])
        return cls(matrix_of(ordered), ordered.drop_columns(["vector"]))

    @cached_property
    def file_of_row(self) -> NDArray[np.int64]:
        """Number of each row's file [rows], counted from 0 in the order of the rows."""
        ids = self.table["file_id"].combine_chunks().dictionary_encode()
        numbers: NDArray[np.int64] = ids.indices.to_numpy().astype(np.int64)
        return numbers

    @property
    def n_files(self) -> int:
        """How many files the rows are of."""
        return int(self.file_of_row[-1]) + 1 if len(self.vectors) else 0

    def best_of_each_file(self, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """The row of every file's best score [files]; of equal ones the earliest."""
        if not len(scores):
            return np.zeros(0, dtype=np.int64)
        files = self.file_of_row
        best = np.maximum.reduceat(scores, np.flatnonzero(np.diff(files, prepend=-1)))
        as_good = np.flatnonzero(scores == best[files])
        return as_good[np.diff(files[as_good], prepend=-1) > 0]


def matrix_of(table: pyarrow.Table) -> NDArray[np.float32]:
    """The vector column [rows, dim]."""
    column = table["vector"].combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    matrix: NDArray[np.float32] = flat.reshape(len(column), column.type.list_size)
    return matrix
