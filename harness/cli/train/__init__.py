"""`harness train`: one file per algorithm."""

from __future__ import annotations

import typer

from harness.cli.train import dqn, offline, optim_neural_ts, reinforce

app = typer.Typer(
    help="Train an agent, or a search.\n\n[bold]Example[/bold]\n\n  harness train optim-neural-ts --seeds 0,1,2\n\n"
    "  harness train reinforce --env polypharmacy/easy-screening\n\n"
    "  harness train dqn --env heparin-labs",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


app.command("dqn", help=dqn.HELP)(dqn.train)
app.command("optim-neural-ts", help=optim_neural_ts.HELP)(optim_neural_ts.train)
app.command("reinforce", help=reinforce.HELP)(reinforce.train)
for _name, _command in offline.COMMANDS.items():
    app.command(_name, help=offline.help_of(_name), short_help=f"{offline.HEADS[_name]} Or `{offline.SHORT[_name]}`.")(
        _command
    )
    app.command(offline.SHORT[_name], help=offline.help_of(_name), hidden=True)(_command)
