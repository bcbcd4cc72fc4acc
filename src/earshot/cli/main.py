"""The `earshot` command: its sub-commands, and the one place where an error becomes a sentence."""

from __future__ import annotations

import sys

import typer

from earshot.cli import (
    blend,
    caption,
    check,
    claim,
    console,
    data,
    decode,
    doctor,
    embed,
    evaluate,
    export,
    index,
    mcp,
    papers,
    rewrite,
    run,
    search,
    serve,
    similar,
    store,
    tag,
    transcribe,
    translate,
    where,
)
from earshot.core.errors import EarShotError

app = typer.Typer(
    name="earshot",
    help="Search, tag and caption sounds by words; run the field's methods.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich takes longer than all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    offline: bool = typer.Option(False, "--offline", help="Never touch the network."),
) -> None:
    """Options of every command."""
    if offline:
        from earshot.core.network import close_network

        close_network()


JOBS = (
    index,
    search,
    similar,
    tag,
    caption,
    transcribe,
    translate,
    decode,
    embed,
    evaluate,
    store,
    serve,
)
OTHERS = (export, mcp)  # EarShot's models in other programs
RESEARCH = (data, rewrite, run, blend, claim, papers, where)
HEALTH = (check, doctor)
for command in (*JOBS, *OTHERS, *RESEARCH, *HEALTH):  # as --help lists them
    command.register(app)


def main() -> None:
    """Run the command line; faults that the caller can mend become one sentence and exit 1."""
    console.show_anything()
    try:
        app()
    except EarShotError as fault:
        console.error(str(fault))
        sys.exit(1)
    except BrokenPipeError:  # `earshot search ... | head` closes our stdout: not a fault
        sys.stderr.close()
        sys.exit(141)
