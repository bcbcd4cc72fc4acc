from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.urls import below, is_url, name_below

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(name=NAMES, root=st.sampled_from(["s3://b", "s3://b/a%20b/", "gs://b/c?x=http://y:1"]))
def test_a_name_comes_back_from_its_url(name: str, root: str) -> None:
    url = below(root, name)
    assert is_url(url)
    assert " " not in str(url)
    assert name_below(root, str(url)) == name


def test_a_query_stays_at_the_end() -> None:
    assert below("s3://b/c?region=eu", "d/e f.wav") == "s3://b/c/d/e%20f.wav?region=eu"


def test_a_folder_stays_a_path() -> None:
    assert below(Path("/a"), "b c#.wav") == Path("/a/b c#.wav")
    assert not is_url(Path("s3://b"))


@pytest.mark.parametrize("url", ["s3://bucket/x.wav", "s3://b", "gs://b/x.wav", "s3://b/x?y=1"])
def test_what_lies_elsewhere_has_no_name(url: str) -> None:
    assert name_below("s3://b", url) is None
