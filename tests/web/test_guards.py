from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from earshot.jobs.indexing import index
from earshot.web.app import create_app
from earshot.web.library import Library
from earshot.web.limits import Limits
from earshot.web.opening import open_libraries
from toy_embedder import ToyEmbedder, write_tones
from web_calls import message, serving, wav_of

BOUNDARY = b"----x"
HEAD = (
    b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="file"; filename="x.wav"\r\n\r\n'
)
FORM = {"content-type": "multipart/form-data; boundary=----x"}


def left_over(client: TestClient) -> list[str]:
    """Temporary uploads that are still there."""
    return [path.name for path in client.app.state.service.folder.glob("upload-*")]


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/v1/health", "/nothing", "/static/app.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert "access-control-allow-origin" not in headers


def test_an_upload_that_claims_to_be_too_large_is_refused(strict: TestClient) -> None:
    response = strict.post("/v1/search/file", files={"file": ("x.wav", bytes(400_000))})
    assert response.status_code == 413
    assert "too large" in message(response)
    assert left_over(strict) == []


def test_an_upload_that_does_not_say_its_length_is_cut_off(strict: TestClient) -> None:
    sent = 0

    def body():
        nonlocal sent
        yield HEAD
        for _ in range(100):
            sent += 1
            yield bytes(100_000)

    response = strict.post("/v1/search/file", content=body(), headers=FORM)
    assert response.status_code == 413
    assert "too large" in message(response)
    assert left_over(strict) == []


def test_a_long_json_is_refused(client: TestClient) -> None:
    response = client.post("/v1/search", json={"text": "x" * 1_100_000})
    assert response.status_code == 413
    assert message(response)


def test_a_long_sound_is_refused_by_what_decodes(strict: TestClient) -> None:
    ok = strict.post("/v1/search/file", files={"file": ("x.wav", wav_of("dog", "dog"))})
    assert ok.status_code == 200
    quiet = Limits(max_sound_s=3.0)
    with serving(list(strict.app.state.service.libraries.values()), limits=quiet) as client:
        long = client.post("/v1/search/file", files={"file": ("x.wav", wav_of(*["dog"] * 5))})
    assert long.status_code == 400
    assert "a sound of 5 s; expected at most 3 s" in message(long)


def test_uploads_leave_nothing_behind(client: TestClient) -> None:
    for content in (wav_of("dog"), b"no sound"):
        client.post("/v1/search/file", files={"file": ("x.wav", content)})
    assert left_over(client) == []


def call(app, body, headers: dict[str, str] | None = None, path: str = "/v1/search/file"):
    """Call the application with pieces of a body that come when they come: status and JSON."""

    async def within():
        given = [(name.encode(), value.encode()) for name, value in (headers or FORM).items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [(b"host", b"testserver"), *given],
            "server": ("testserver", 80),
            "client": ("127.0.0.1", 1),
        }
        sent = []

        async def send(piece) -> None:
            sent.append(piece)

        pieces = body()
        await asyncio.wait_for(app(scope, pieces.__anext__, send), 60)
        await pieces.aclose()
        content = b"".join(each.get("body", b"") for each in sent[1:])
        return sent[0]["status"], json.loads(content)

    return asyncio.run(within())


def test_a_slow_upload_is_told_so(libraries: list[Library]) -> None:
    async def slow():
        yield {"type": "http.request", "body": HEAD, "more_body": True}
        await asyncio.sleep(3_600)

    app = create_app(libraries, limits=Limits(body_timeout_s=0.2))
    status, answer = call(app, slow)
    assert status == 408
    assert "longer than 0.2 s" in answer["error"]["message"]
    assert list(app.state.service.folder.iterdir()) == []


def test_a_client_that_goes_away_leaves_nothing(libraries: list[Library]) -> None:
    async def breaks_off():
        yield {"type": "http.request", "body": HEAD + bytes(3_000_000), "more_body": True}
        while True:
            yield {"type": "http.disconnect"}

    app = create_app(libraries)
    status, _ = call(app, breaks_off)
    assert status == 400
    assert list(app.state.service.folder.iterdir()) == []


def test_more_uploads_than_allowed_are_told_when_to_come_back(libraries: list[Library]) -> None:
    app = create_app(libraries, limits=Limits(max_uploads=1))

    async def within() -> None:
        arrived, go = asyncio.Event(), asyncio.Event()

        async def held_back():
            yield HEAD
            arrived.set()
            await go.wait()
            yield wav_of("dog") + b"\r\n--" + BOUNDARY + b"--\r\n"

        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t", timeout=60) as http:
            first = asyncio.create_task(
                http.post("/v1/search/file", content=held_back(), headers=FORM)
            )
            await arrived.wait()
            await asyncio.sleep(0)
            second = await http.post("/v1/search/file", files={"file": wav_of("cat")})
            assert second.status_code == 503
            assert int(second.headers["retry-after"]) >= 1
            assert message(second)
            words = await http.post("/v1/search", json={"text": "dog"})  # words go on meanwhile
            assert words.status_code == 200
            go.set()
            assert (await first).status_code == 200
            third = await http.post("/v1/search/file", files={"file": wav_of("cat")})
            assert third.status_code == 200

    asyncio.run(within())


def test_other_host_names_are_refused(libraries: list[Library]) -> None:
    with serving(libraries, hosts={"localhost", "[::1]"}) as client:
        for host, status in (
            ("localhost", 200),
            ("LocalHost:8008", 200),
            ("[::1]:8008", 200),
            ("evil.example", 421),
            ("localhost.evil.example", 421),
        ):
            response = client.get("/v1/health", headers={"host": host})
            assert response.status_code == status, host
        assert "--allow-host" in message(response)


def test_limits_have_to_be_above_nothing() -> None:
    with pytest.raises(Exception, match="max_upload_mb"):
        Limits(max_upload_mb=0)


def test_the_temporary_folder_goes_with_the_server(tmp_path: Path) -> None:
    write_tones(tmp_path, {"a.aiff": ("dog",)})
    index(tmp_path, model=ToyEmbedder())
    with serving(open_libraries(tmp_path, models=[ToyEmbedder()])) as client:
        folder = client.app.state.service.folder
        hit = client.post("/v1/search", json={"text": "dog"}).json()["hits"][0]
        client.get(f"/v1/sounds/{hit['id']}/audio")
        assert len(list(folder.iterdir())) == 1
    assert not folder.exists()
