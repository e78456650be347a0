"""Which task the words of a command name."""

from __future__ import annotations

import typer


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
    source = context.get_parameter_source("env")
    if source is not None and source.name == "COMMANDLINE":
        raise UsageError("--env and --mdp both name a task; give one of them.")
    return absolute(f"{PREFIX}{mdp}")


def env_options(inadmissible: str | None, discount: float | None) -> dict[str, str]:
    """The options of the environment that were given."""
    given = {"inadmissible": inadmissible, "discount": None if discount is None else f"{discount!r}"}
    return {name: value for name, value in given.items() if value is not None}
