from __future__ import annotations

import pickle

from earshot.data.faults import DataError, LoadFault, count_kinds

FAULT = LoadFault("bad_row", "m.csv", "3 fields", "4", "Quote them.", line=7, field="caption")


def test_a_fault_says_where_and_how_to_mend_it() -> None:
    assert str(FAULT) == "m.csv, line 7, field 'caption': 3 fields; expected 4. Quote them."


def test_the_error_counts_the_faults_and_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(DataError([FAULT, FAULT], "m.csv")))
    assert error.faults == (FAULT, FAULT)
    assert "the first of 2 faults" in str(error)
    assert "earshot data check m.csv" in str(error)
    assert "See all" not in str(DataError([FAULT], "m.csv"))
    assert count_kinds(error.faults) == {"bad_row": 2}
