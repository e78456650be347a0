"""Which task the words of a command name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from harness.mdp.environment import TabularEnvironment


def env_id(context: typer.Context, env: str, mdp: str | None) -> str:
    """The environment of `--env` or `--mdp`, as an id that another working directory understands.

    Raises
    ------
    UsageError
        If both were given.
    """
    from harness.core.errors import UsageError
    from harness.envs.ids import PREFIX, absolute

    if mdp is None:
        return absolute(env)
    if not mdp:
        raise UsageError("--mdp is empty; expected a folder, an .npz file, or gymnasium:ID.")
    source = context.get_parameter_source("env")
    if source is not None and source.name == "COMMANDLINE":
        raise UsageError("--env and --mdp both name a task; give one of them.")
    return absolute(f"{PREFIX}{mdp}")


def env_options(
    inadmissible: str | None = None, discount: float | None = None, others: list[str] | None = None
) -> dict[str, str]:
    """The options of the environment that were given, `others` as NAME=VALUE.

    Raises
    ------
    UsageError
        If one of `others` is written otherwise, or an option was given twice.
    """
    from harness.core.errors import UsageError

    named = [("inadmissible", inadmissible), ("discount", None if discount is None else f"{discount!r}")]
    given = {name: str(value) for name, value in named if value is not None}
    for text in others or []:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise UsageError(f"--option {text} is not understood; expected NAME=VALUE, e.g. --option glucose=original.")
        if name in given:
            raise UsageError(f"The option '{name}' was given twice.")
        given[name] = value
    return given


def tabular_task(
    context: typer.Context,
    policies: list[str],
    env: str,
    mdp: str | None,
    inadmissible: str | None,
    others: list[str] | None,
) -> tuple[TabularEnvironment[Any, Any], dict[str, str]]:
    """The tabular environment that was asked for, or that of the first run among policies; and its options.

    Raises
    ------
    UsageError
        If there is no such environment, or it is not tabular.
    """
    from harness.envs.registry import make_tabular
    from harness.evaluation.task import task_of

    source = context.get_parameter_source("env")
    typed = mdp is not None or (source is not None and source.name == "COMMANDLINE")
    task, options = env_id(context, env, mdp), env_options(inadmissible, None, others)
    if not typed and not options and (found := task_of(policies)) is not None:
        task, options = found[0], dict(found[1])
    return make_tabular(task, **options), options
