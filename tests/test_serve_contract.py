"""The description and the service agree: requests made from the description never make it fail."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from elocute.serve.dialect import PATH
from elocute.serve.problems import CODES
from servers import running

schemathesis.openapi.media_type("audio/wav", st.binary(max_size=2000))

CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(lanes=1, queue=64) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/v1/assess", "/v1/align", PATH, "/v1/models", "/healthz", "/readyz", "/metrics"]
)
def test_what_the_description_allows_and_forbids(client: httpx.Client, path: str) -> None:
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    (operation,) = [found.ok() for found in schema.get_all_operations() if found.ok().path == path]
    has_form = operation.method == "post"
    relaxed = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

    for mode in schemathesis.GenerationMode if has_form else [schemathesis.GenerationMode.POSITIVE]:

        @settings(relaxed, max_examples=40 if has_form else 3)
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS, timeout=20)

        ask()


def test_every_code_is_described(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/v1/assess"]["post"]["responses"]
    described = {
        code
        for answer in operation.values()
        for content in answer["content"].values()
        for code in content.get("examples", {})
    }
    assert described == set(CODES) - {"not_found"}
