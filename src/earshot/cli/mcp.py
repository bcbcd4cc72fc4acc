"""`earshot mcp`: an index as tools for an assistant."""

from __future__ import annotations

from typing import Annotated

import typer

from earshot.core.errors import EarShotError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(mcp)


def mcp(
    folder: Annotated[
        str | None,
        typer.Option("--dir", help="The indexed folder; this one or one above it if left out."),
    ] = None,
    index: Annotated[str | None, typer.Option(metavar="PATH", help="The index itself.")] = None,
    model: Annotated[str | None, typer.Option(help="The index's model if left out.")] = None,
) -> None:
    """Serve an index to an assistant over the Model Context Protocol, on stdin and stdout.

    Tools: search, similar, tag, index_stats. They read and never write, and reach no file that is
    not in the index. Name this command in the assistant's settings; it is not for the keyboard.
    """
    try:
        from earshot.adapters.mcp import build_server
    except ModuleNotFoundError as fault:
        if (fault.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise EarShotError(
            got="no package mcp",
            expected="the library that speaks the protocol",
            mend="Install it: pip install 'earshot[mcp]'.",
        ) from fault
    build_server(folder, index=index, model=model).run()
