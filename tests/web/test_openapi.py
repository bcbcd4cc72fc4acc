"""Requests that a machine makes up from the OpenAPI: none may break the server or its promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings

from earshot.web.opening import open_libraries
from toy_embedder import ToyEmbedder
from web_calls import running

OPERATIONS = {
    ("GET", "/v1/models"),
    ("GET", "/v1/health"),
    ("GET", "/metrics"),
    ("POST", "/v1/search"),
    ("POST", "/v1/search/file"),
    ("POST", "/v1/tag"),
    ("GET", "/v1/sounds/{id}/audio"),
    ("GET", "/v1/sounds/{id}/picture"),
    ("GET", "/v1/facets"),
    ("GET", "/v1/map"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/embeddings/file"),
}


@pytest.fixture(scope="module")
def schema(sounds) -> Iterator[object]:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    with running(open_libraries(sounds, models=[ToyEmbedder()])) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS), ids=lambda each: each)
def test_made_up_requests_are_answered_as_promised(schema, method: str, path: str) -> None:
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    operation = schema[path][method]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=10,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answers(case) -> None:
        # no 5xx, and what the OpenAPI says of status, type and content. Left out: that all which
        # fits the schema is accepted: filters, names and files can be wrong in other ways
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    answers()


def test_every_route_is_described(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    found = {
        (method.upper(), path): operation
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert set(found) == OPERATIONS
    assert all(operation["description"] for operation in found.values())
