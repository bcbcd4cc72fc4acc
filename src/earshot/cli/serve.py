"""`earshot serve`: search, see and hear an index in a browser."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from earshot.cli import console
from earshot.core.errors import EarShotError
from earshot.core.urls import is_url

NEEDED = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    folder: Annotated[
        str | None,
        typer.Argument(metavar="[DIR]", help="The indexed folder; this one if left out."),
    ] = None,
    index: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="The index itself; several may be given."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Which of the index's models; several can be compared. All if left out."),
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8008,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    max_upload_mb: Annotated[float, typer.Option(help="Largest upload, in megabytes.")] = 50.0,
    max_sound_s: Annotated[float, typer.Option(help="Longest upload, in seconds.")] = 600.0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name that this server is reached by."),
    ] = None,
) -> None:
    """Search, see and hear an index in a browser; programs find a JSON API at the same address.

    Only this machine can reach it unless --host says otherwise. Stop it with Ctrl-C.
    """
    missing = [name.replace("_", "-") for name in NEEDED if find_spec(name) is None]
    if missing:
        raise EarShotError(
            got=f"no {', '.join(missing)}",
            expected="what the page is served with",
            mend='Run: pip install "earshot[web]"',
        )
    from earshot.web.app import create_app
    from earshot.web.limits import Limits
    from earshot.web.opening import open_libraries
    from earshot.web.server import LOOPBACK_NAMES, address_of, is_loopback, listen
    from earshot.web.server import serve as run

    if folder is not None and not is_url(folder) and not Path(folder).is_dir():
        raise EarShotError(
            got=f"{folder}, which is not a folder",
            expected="a folder that was indexed",
            mend="Correct the path.",
        )
    limits = Limits(max_upload_mb=max_upload_mb, max_sound_s=max_sound_s)
    libraries = open_libraries(folder, indexes=index or (), models=model or ())
    listening = listen(host, port)
    address = address_of(listening)
    hosts = None
    if is_loopback(host):
        hosts = {*LOOPBACK_NAMES, host, *(allow_host or ())}
    else:
        console.note(
            f"Whoever reaches {host}:{port} can hear every sound of this index: there is no "
            "password. Put a proxy with a login before it."
        )
        hosts = set(allow_host) if allow_host else None
    for library in libraries:
        files, _ = library.counts()
        console.note(f"{library.name}: {files} sounds of {library.root}")
    print(console.printable(address), flush=True)
    if open_browser:
        typer.launch(address)
    run(create_app(libraries, limits=limits, hosts=hosts), listening)
