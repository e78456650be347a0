"""`harness report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o

if TYPE_CHECKING:
    from harness.evaluation.policies import NamedPolicy

HELP = """Write what a policy of a tabular task is worth and what it does to whom into a folder: tables as Markdown and
CSV, and maps of the policy and of its action-values by dose (or by action) and severity as PNG and SVG.

[bold]Examples[/bold]

  harness report runs/…-qwen --out report\n
  harness report optimal expert runs/…-bcq --out report\n
  harness report optimal expert --mdp my/hypotension --out report

The task is that of the first run or training among the policies, if none is named. Needs matplotlib: pip install
'harness\\[plots]'. A benchmark, not medical advice.
"""


def report(
    context: typer.Context,
    policies: Annotated[
        list[str],
        typer.Argument(metavar="RUN|AGENT…", help="Folders of runs by exact or certify, of trainings, or agents' ids."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    env: o.Env = "icu-sepsis",
    mdp: o.Mdp = None,
    inadmissible: o.Inadmissible = None,
    option: o.EnvOption = None,
) -> None:
    """Compute, draw and write."""
    from harness.cli.tables import print_blocks, print_lines
    from harness.cli.task import tabular_task
    from harness.core.errors import UsageError
    from harness.evaluation.policies import certain_bounds, named_policies
    from harness.evaluation.safety import action_maps, dose_maps, safety
    from harness.reports import dose_maps as figures
    from harness.reports import plots, written
    from harness.reports import safety as tables
    from harness.reports.block import Block
    from harness.reports.text import between

    plots.new_figure(1, 1)  # says what is missing before anything is computed
    task, options = tabular_task(context, policies, env, mdp, inadmissible, option)
    named = named_policies(policies, task, options)
    worth, best = certain_bounds(task, named), task.optimum.J
    known = [policy for one in named for policy in one.completions()]
    found = [(policy, safety(task, policy.table)) for policy in known]
    by_action = [action_maps(task, policy.table) for policy in known]
    by_dose = [dose_maps(task, policy.table) for policy in known]
    rows = [
        (p.name, between(low, high), between(max(best - high, 0.0), max(best - low, 0.0)), p.caveat)
        for p, (low, high) in zip(named, worth, strict=True)
    ]
    what = "exact values" if all(policy.bounds is None for policy in named) else "exact values, or certain bounds"
    first = Block(
        f"{task.spec.title} v{task.spec.version}: {what}",
        ("policy", task.spec.value_name, "regret", "mind"),
        rows,
        tuple(tables.mind(task)),
    )
    unit = 0.01 if task.spec.possible_returns == (0.0, 1.0) else 1.0
    in_grids = 1 <= len(task.doses) <= 2
    stems = [f"{'doses' if in_grids else 'actions'}-{stem}" for stem in _stems(known)]
    maps = "Maps: share of the decisions, and action-values above the policy's own value, by severity"
    shown = Block(
        f"{maps} and by {'dose' if in_grids else 'action, those taken most often'}.", (), (), (tables.IN_FILES,)
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = written.markdown([first, *tables.blocks(found, task), shown])
        pictures = "\n".join(
            f"![{written.escaped(p.name)}](<{stem}.png>)\n" for p, stem in zip(known, stems, strict=True)
        )
        last = written.markdown([Block("", (), (), (tables.NOTICE,))])
        (out / "report.md").write_text(f"{text}\n{pictures}\n{last}", encoding="utf-8")
        (out / "safety.csv").write_text(written.comma_separated(tables.records(found)), encoding="utf-8")
        actions = written.comma_separated(tables.actions(list(zip(known, by_action, strict=True)), task))
        (out / "actions.csv").write_text(actions, encoding="utf-8")
        files = [out / "report.md", out / "safety.csv", out / "actions.csv"]
        if task.doses:
            doses = written.comma_separated(tables.doses(list(zip(known, by_dose, strict=True)), task))
            (out / "doses.csv").write_text(doses, encoding="utf-8")
            files.append(out / "doses.csv")
        for n, (policy, stem) in enumerate(zip(known, stems, strict=True)):
            name, value_name = policy.name, task.spec.value_name
            if in_grids:
                figure = figures.dose_maps(name, by_dose[n], task.doses, value_name, unit)
            else:
                figure = figures.action_maps(name, by_action[n], task.action_labels, value_name, unit)
            files += plots.save(figure, out / stem)
    except OSError as error:
        raise UsageError(f"Cannot write into {out} ({error.strerror}); give another folder with --out.") from error
    print_blocks([first])
    print_lines([f"written: {path}" for path in files])


def _stems(policies: list[NamedPolicy]) -> list[str]:
    """A file name for every policy, none twice."""
    import re

    found: list[str] = []
    for policy in policies:
        plain = re.sub(r"[^\w+=-]+", "-", policy.name).strip("-")[:80] or "policy"
        found.append(next(n for n in (plain, *(f"{plain}-{i}" for i in range(2, 10_000))) if n not in found))
    return found
