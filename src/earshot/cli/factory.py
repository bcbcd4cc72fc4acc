"""`earshot factory`: captions for sounds that have none, and what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earshot.cli import console
from earshot.cli.failures import EXIT_SOME_FAILED, progress

if TYPE_CHECKING:
    from earshot.core.errors import EarShotError
    from earshot.factories.factory import FactoryReport
    from earshot.factories.item import Item
    from earshot.factories.meter import Prices
    from earshot.factories.recipe import FactoryJob
    from earshot.llm.config import LlmConfig

SHOWN = 20  # failures that are listed; failed.jsonl has them all

factory_app = typer.Typer(
    name="factory",
    help="Write captions for sounds, at any scale; look at them, and give them away.",
    no_args_is_help=True,
    add_completion=False,
)
Out = Annotated[Path, typer.Argument(metavar="OUT", help="A folder that factory run has filled.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]


def register(app: typer.Typer) -> None:
    """Add `earshot factory` to the command line."""
    app.add_typer(factory_app)


@factory_app.command()
def run(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONFIG] [SOURCE]",
            help="A .toml or .json job, unless --recipe is given; a folder, URL or table.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="audiosetcaps, wavcaps, PACKAGE.MODULE or FILE.py."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to fill; CONFIG's if left out.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change one of the recipe's settings."),
    ] = None,
    form: Annotated[str, typer.Option(help="What SOURCE is, where it is not recognised.")] = "auto",
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=NAME", help="Such as label=tags; may be repeated."),
    ] = None,
    llm: Annotated[
        str | None,
        typer.Option(metavar="URL", help="An OpenAI-compatible endpoint; by rule if left out."),
    ] = None,
    llm_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model there; needed with --llm.")
    ] = None,
    llm_cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Kept answers; OUT.llm if left out.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests under way at a time.")] = 4,
    engine: Annotated[str, typer.Option(help="local, or ray.")] = "local",
    ray_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Ray cluster; one here if left out.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Clips that go through the stages together.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Caption sounds: earshot factory run --recipe audiosetcaps clips/ --out captions/

    Killed at any moment, the same command takes it up again; nothing finished is done anew, no
    answer is paid for twice. Clips that fail are listed at the end, with exit status 2, and taken
    again by the next run. The key of --llm is read from EARSHOT_LLM_API_KEY.
    """
    from functools import partial

    from earshot.core.config import to_dict
    from earshot.data.columns import parse_columns
    from earshot.factories.factory import run_factory
    from earshot.factories.publishing import publish
    from earshot.factories.reading import items_of
    from earshot.factories.recipe import build, find_recipe, settings_of
    from earshot.factories.sampler import write_sampler

    job, source, folder = _job(words or [], recipe, out)
    cache = llm_cache or folder.with_name(f"{folder.name}.llm")
    asked = _llm(llm, llm_model, concurrency)
    module = find_recipe(job.recipe)
    settings = settings_of(module, job.settings, changes or [], asked, cache)
    made = module.factory(settings)
    with progress("clip") as bar:

        def tell(item: Item) -> None:
            bar.update()
            if as_json:
                console.json_line(item.to_row())

        report = run_factory(
            made,
            items_of(source, form=form, columns=parse_columns(column or [])),
            folder,
            engine=engine,  # type: ignore[arg-type]
            address=ray_address,
            build=partial(build, job.recipe, to_dict(settings)),
            batch_size=batch_size or job.running.batch_size,
            rows_per_part=job.running.rows_per_part,
            give_up_after=job.running.give_up_after,
            tell=tell,
        )
    publish(folder, made, job.prices)
    write_sampler(folder)
    if as_json:
        console.json_line({"summary": report.to_row(job.prices)})
    _say(report, job.prices)
    if report.counts.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


@factory_app.command()
def stats(out: Out, as_json: AsJson = False) -> None:
    """Print what a factory's folder holds: clips, words, scores, rejects, hours, tokens."""
    from earshot.factories.publishing import publish

    figures = publish(out)
    if as_json:
        console.json_line(figures)
        return
    for title, held in figures.items():
        if isinstance(held, dict):
            print(title.replace("_", " "))
            for name, value in held.items():
                print(f"  {console.one_line(f'{name}  {_short(value)}')}")
        else:
            print(f"{title.replace('_', ' ')}  {_short(held)}")


@factory_app.command()
def export(
    out: Out,
    to: Annotated[Path, typer.Option(metavar="PATH", help="The folder, or file, to write.")],
    form: Annotated[
        str, typer.Option("--as", help="csv, questions, webdataset or datasets.")
    ] = "csv",
    as_json: AsJson = False,
) -> None:
    """Write captions as `id,caption`, or with their sounds as WebDataset or `datasets` files.

    Clips without a sound that can be read are listed, with exit status 2.
    """
    from earshot.core.errors import unknown_name
    from earshot.factories import exports, publishing

    forms = ("csv", "questions", "webdataset", "datasets")
    if form not in forms:
        raise unknown_name("form", form, forms)
    publishing.settle(out)
    if form in ("csv", "questions"):
        write = publishing.write_captions if form == "csv" else publishing.write_questions
        done = exports.Exported([to], write(out, to))
    else:
        way = exports.export_webdataset if form == "webdataset" else exports.export_datasets
        done = way(out, to)
    if as_json:
        files = [str(path) for path in done.files]
        console.json_line({"files": files, "n": done.n_clips, "failed": len(done.failures)})
    console.note(f"{done.n_clips} rows in {len(done.files)} files: {to}")
    _list(done.failures)
    if done.failures:
        raise typer.Exit(EXIT_SOME_FAILED)


@factory_app.command()
def lint(
    file: Annotated[Path, typer.Argument(help="A table with captions, or a factory's folder.")],
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=NAME", help="Such as caption=text; may be repeated."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help=f"List more than {SHOWN} of a kind.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines, then a summary.")] = False,
) -> None:
    """Find machine noise in captions: scores, brackets, labels, links, what somebody says.

    Exit 0: nothing found. Exit 2: something.
    """
    from collections import Counter

    from earshot.data.columns import parse_columns
    from earshot.factories import linting

    linted, shown = linting.Linted(), Counter[str]()
    for found in linting.lint(file, linted, parse_columns(column or [])):
        kind = found.fault.kind
        shown[kind] += 1
        if as_json:
            row = {"where": found.where, "caption": found.caption, **found.fault._asdict()}
            console.json_line(row)
        elif every or shown[kind] <= SHOWN:
            fault = found.fault
            said = f"{found.where}: got {fault.got}; expected {fault.expected}. {fault.mend}"
            print(console.one_line(f"{kind}: {said}"))
    summary = {"captions": linted.n_captions, "faulty": linted.n_faulty, **linted.kinds}
    if as_json:
        console.json_line({"summary": summary})
    else:
        print(", ".join(f"{n} {name.replace('_', ' ')}" for name, n in summary.items()))
    if linted.kinds:
        raise typer.Exit(EXIT_SOME_FAILED)


@factory_app.command()
def sample(
    out: Out,
    page: Annotated[
        Path | None, typer.Option(metavar="PAGE.html", help="OUT/sampler.html if left out.")
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Clips; and a third as many rejected.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice.")] = 0,
) -> None:
    """Write one page to listen to clips and read what was written of them."""
    from earshot.factories.publishing import settle
    from earshot.factories.sampler import write_sampler

    settle(out)
    console.note(f"Open it in a browser: {write_sampler(out, page, n=n, seed=seed)}")


def _job(words: list[str], recipe: str | None, out: Path | None) -> tuple[FactoryJob, str, Path]:
    """The job, its source and its folder, from a file or from the command line alone."""
    from earshot.factories.recipe import FactoryJob, read_job

    if recipe is None:
        if not words:
            raise _unclear("neither CONFIG nor --recipe")
        job, rest = read_job(Path(words[0])), words[1:]
    else:
        job, rest = FactoryJob(recipe), words
    if len(rest) > 1:
        raise _unclear(f"{len(words)} words: {' '.join(words)}")
    source = rest[0] if rest else job.source
    folder = out or (None if job.out is None else Path(job.out))
    if source is None or folder is None:
        raise _unclear("no SOURCE" if source is None else "no --out")
    return job, source, folder


def _unclear(got: str) -> EarShotError:
    from earshot.core.errors import EarShotError

    return EarShotError(
        got=got,
        expected="a job's file, or a recipe, a source and a folder",
        mend="Write: earshot factory run --recipe audiosetcaps clips/ --out captions/",
    )


def _llm(url: str | None, model: str | None, concurrency: int) -> LlmConfig | None:
    from earshot.core.errors import EarShotError
    from earshot.llm import LlmConfig

    if url is None and model is None:
        return None
    if url is None or model is None:
        raise EarShotError(
            got="--llm without --llm-model" if model is None else "--llm-model without --llm",
            expected="both, or neither",
            mend="Write them as --llm http://localhost:8000/v1 --llm-model NAME.",
        )
    return LlmConfig(url, model, concurrency=concurrency)


def _say(report: FactoryReport, prices: Prices | None) -> None:
    counts = report.counts
    console.note(
        f"{report.taken} clips taken, {report.kept} kept from before"
        f"{f', {report.doubles} named twice' if report.doubles else ''}; {report.out} holds "
        f"{counts.accepted} captions and {counts.rejected} rejected clips."
    )
    if counts.elsewhere:
        console.note(f"{counts.elsewhere} of them are not of this source: kept from before.")
    costs = report.cost(prices) if prices is not None else {}
    for name, spent in report.spent.items():
        asked = (
            f", {spent.calls} calls ({spent.cached} answers from before), {spent.prompt_tokens} "
            f"tokens in and {spent.completion_tokens} out"
            if spent.calls or spent.cached
            else ""
        )
        paid = f", {costs[name]:.2f} {prices.currency}" if prices and costs[name] else ""
        console.note(
            f"  {name}: {spent.clips} clips in {spent.seconds / 3600:.3f} h, {spent.rejected} "
            f"rejected, {spent.failed} failed{asked}{paid}"
        )
    for why, n in report.rejects.items():
        console.note(console.one_line(f"  {why}: {n}"))
    _list(report.failures, counts.failed)
    if counts.failed:
        console.note(
            f"{counts.failed} failed, all in {report.out / 'failed.jsonl'}; run the same again."
        )


def _list(failures: list[tuple[str, str]], n: int | None = None) -> None:
    for id, error in failures[:SHOWN]:
        console.note(console.one_line(f"failed: {id}: {error}"))
    if (whole := n or len(failures)) > SHOWN:
        console.note(f"... and {whole - SHOWN} more")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
