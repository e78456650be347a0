"""`harness train`: one file per algorithm."""

from __future__ import annotations

import typer

from harness.cli.train import bandit, dqn, neural, offline, optim_neural_ts, reinforce, tabular

app = typer.Typer(
    help="Train an agent, or a search.\n\n[bold]Example[/bold]\n\n  harness train optim-neural-ts --seeds 0,1,2\n\n"
    "  harness train reinforce --env polypharmacy/easy-screening\n\n"
    "  harness train dqn --env heparin-labs\n\n  harness train q-learning --env icu-sepsis --seeds 20",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


app.command("dqn", help=dqn.HELP)(dqn.train)
app.command("optim-neural-ts", help=optim_neural_ts.HELP)(optim_neural_ts.train)
app.command("reinforce", help=reinforce.HELP)(reinforce.train)
for name, command in bandit.COMMANDS.items():
    app.command(name, help=bandit.help_of(name))(command)
for name, command in offline.COMMANDS.items():
    app.command(name, help=offline.help_of(name), short_help=f"{offline.HEADS[name]} Or `{offline.SHORT[name]}`.")(
        command
    )
    app.command(offline.SHORT[name], help=offline.help_of(name), hidden=True)(command)
for name, command in neural.COMMANDS.items():
    short = neural.SHORT.get(name)
    also = "" if short is None else f" Or `{short}`."
    app.command(name, help=neural.help_of(name), short_help=f"{neural.HEADS[name]}{also}")(command)
    if short is not None:
        app.command(short, help=neural.help_of(name), hidden=True)(command)
for name in tabular.TITLES:
    app.command(name, help=tabular.help_of(name))(tabular.command(name))
