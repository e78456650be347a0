"""The command `harness`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

# The dense systems here gain nothing from a second thread, and BLAS threads that wait would spin beside a model's.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer

from harness.cli import (
    ab,
    agents,
    build_mdp,
    cache,
    calibrate,
    collect,
    compare,
    data,
    doubt,
    envs,
    evaluate,
    models,
    ope,
    optimum,
    plan,
    play,
    plot,
    prompts,
    rank,
    recheck,
    report,
    reproduce,
    safety,
    screen,
    sweep,
    trace,
    train,
)
from harness.cli.help import unwrap
from harness.core.errors import INTERRUPTED, HarnessError

NOTICE = "A benchmark for research, not medical advice."

app = typer.Typer(
    name="harness",
    help="Measure how good the clinical decisions of a language model, or of any other agent, are: its policy's value "
    f"beside the computed optimum, and which decisions cost most.\n\n{NOTICE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(asked: bool) -> None:
    if asked:
        from harness import __version__

        typer.echo(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def harness(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take what belongs to no command."""


app.command("eval", help=evaluate.HELP)(evaluate.evaluate)
app.command("ab", help=ab.HELP)(ab.ab)
app.command("build-mdp", help=build_mdp.HELP)(build_mdp.build_mdp)
app.command("collect", help=collect.HELP)(collect.collect)
app.command("play", help=play.HELP)(play.play)
app.command("compare", help=compare.HELP)(compare.compare)
app.command("rank", help=rank.HELP)(rank.rank)
app.command("recheck", help=recheck.HELP)(recheck.recheck)
app.command("doubt", help=doubt.HELP)(doubt.doubt)
app.command("ope", help=ope.HELP)(ope.ope)
app.command("optimum", help=optimum.HELP)(optimum.optimum)
app.command("plan", help=plan.HELP)(plan.plan)
app.command("plot", help=plot.HELP)(plot.plot)
app.command("safety", help=safety.HELP)(safety.safety)
app.command("report", help=report.HELP)(report.report)
app.command("sweep", help=sweep.HELP)(sweep.sweep)
app.command("trace", help=trace.HELP)(trace.trace)
app.command("screen", help=screen.HELP)(screen.screen)
app.add_typer(train.app, name="train")
app.add_typer(envs.app, name="envs")
app.add_typer(agents.app, name="agents")
app.add_typer(models.app, name="models")
app.add_typer(prompts.app, name="prompts")
app.add_typer(cache.app, name="cache")
app.add_typer(data.app, name="data")
app.add_typer(reproduce.app, name="reproduce")
app.command("calibrate", help=calibrate.HELP)(calibrate.calibrate)
unwrap(app)


def main() -> None:
    """Run the command; every failure that a user can mend is one sentence on stderr and an exit status."""
    try:
        app()
    except SystemExit as left:  # typer leaves without a word on Ctrl-C
        if left.code == INTERRUPTED and _was_interrupted(left):
            _leave("Interrupted.", INTERRUPTED)
        raise
    except HarnessError as error:
        _leave(str(error), error.exit_status)
    except KeyboardInterrupt:
        _leave("Interrupted.", INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has gone, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _leave(f"The operating system refused: {error.strerror or error}{where}.", 1)


def _was_interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is what led to an error."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _leave(sentence: str, status: int) -> None:
    from harness.core.text import harmless

    sys.stdout.flush()
    print(f"harness: {harmless(sentence)}", file=sys.stderr)  # noqa: T201 - plain text: it may be parsed
    sys.exit(status)
