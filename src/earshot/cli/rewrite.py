"""`earshot rewrite`: captions that say what sounds are like."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earshot.cli import console
from earshot.cli.failures import end_with, progress
from earshot.cli.llm_options import Concurrency, LlmCache, LlmModel, LlmUrl

if TYPE_CHECKING:
    from earshot.jobs.rewriting import DoneCaption
    from earshot.llm import LlmClient
    from earshot.text.rewriting import Rewriter


class How(StrEnum):
    """What a rewrite is."""

    DESCRIBE = "describe"
    PARAPHRASE = "paraphrase"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rewrite)


def rewrite(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="A table with captions.")],
    out: Annotated[
        Path, typer.Option(metavar="OUT.jsonl", help="The rows with rewritten_captions; or .csv.")
    ],
    n: Annotated[int, typer.Option("-n", min=1, help="Rewrites of each caption.")] = 4,
    how: Annotated[
        How, typer.Option(help="Say what each sound is like, or the same in other words.")
    ] = How.DESCRIBE,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=NAME", help="Such as caption=text; may be repeated."),
    ] = None,
    llm: LlmUrl = None,
    llm_model: LlmModel = None,
    llm_cache: LlmCache = None,
    concurrency: Concurrency = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of the rules' choices.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a caption.")] = False,
) -> None:
    """Rewrite captions, to train with more of them: earshot run reclap --data OUT, or slam_aac.

    To say what each sound is like, or with --how paraphrase the same in other words. Offline, by a
    lexicon, unless --llm names an endpoint; its key is read from EARSHOT_LLM_API_KEY.
    A run that was killed is taken up again, and nothing is asked twice. Captions that fail are
    listed at the end, with exit status 2; they stay as they are in OUT until a later run.
    """
    from earshot.data.columns import parse_columns
    from earshot.jobs.rewriting import rewrite_manifest
    from earshot.text.paraphrasing import RuleParaphraser
    from earshot.text.rewriting import RuleRewriter
    from earshot.text.stored_rewrites import clean_rewrite

    paraphrase = how is How.PARAPHRASE
    rewriter: Rewriter = RuleParaphraser(seed=seed) if paraphrase else RuleRewriter(seed=seed)
    client = None
    if llm is not None or llm_model is not None:
        from earshot.llm.rewriter import LlmRewriter

        client = _client(llm, llm_model, llm_cache or out.with_name(out.name + ".llm"), concurrency)
        prompt = "paraphrase_v1" if paraphrase else "rewrite_v1"
        rewriter = LlmRewriter(client, clean_rewrite, prompt=prompt)
    with ExitStack() as held:
        bar = held.enter_context(progress("caption"))

        def tell(done: DoneCaption) -> None:
            bar.update()
            if as_json:
                said = {"error": done.error} if done.error else {"rewrites": list(done.rewrites)}
                console.json_line({"caption": done.caption, **said})

        result = rewrite_manifest(
            manifest,
            out,
            rewriter,
            n=n,
            columns=parse_columns(column or []),
            each=None if client is None else client.map,
            tell=tell,
        )
    if result.unknown:
        shown = console.one_line(result.unknown[0])
        console.note(
            f"{len(result.unknown)} captions have no word that is known, such as {shown!r}: they "
            "stay as they are."
            if paraphrase
            else f"{len(result.unknown)} captions name no sound that is known, such as {shown!r}: "
            "they stay as they are."
        )
    if client is not None:
        console.note(str(client.usage))
    console.note(
        f"{result.n_rewrites} rewrites of {result.n_captions} captions, {result.n_rows} rows: {out}"
    )
    end_with(result.failures, as_json=as_json, rows_written=True)


def _client(url: str | None, model: str | None, cache: Path, concurrency: int) -> LlmClient:
    from earshot.core.errors import EarShotError
    from earshot.llm import LlmClient, LlmConfig

    if url is None or model is None:
        raise EarShotError(
            got="--llm without --llm-model" if model is None else "--llm-model without --llm",
            expected="both, or neither",
            mend="Write them as --llm http://localhost:8000/v1 --llm-model NAME.",
        )
    return LlmClient(LlmConfig(url, model, concurrency=concurrency), cache)
