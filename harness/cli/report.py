"""`harness report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o

if TYPE_CHECKING:
    from harness.evaluation.policies import NamedPolicy

HELP = """Write what a policy is worth and what it does to whom into a folder: tables as Markdown and CSV, and maps of
the policy and of its action-values by dose and severity as PNG and SVG.

[bold]Examples[/bold]

  harness report runs/…-qwen --out report\n
  harness report optimal expert runs/…-bcq --out report

Needs matplotlib: pip install 'harness\\[plots]'. A benchmark, not medical advice.
"""


def report(
    policies: Annotated[
        list[str],
        typer.Argument(metavar="RUN|AGENT…", help="Folders of runs by exact or certify, of trainings, or agents' ids."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    env: o.Env = "icu-sepsis",
    inadmissible: o.Inadmissible = None,
) -> None:
    """Compute, draw and write."""
    from harness.cli.tables import print_lines
    from harness.cli.task import env_options
    from harness.core.errors import UsageError
    from harness.envs.registry import make_tabular
    from harness.evaluation.policies import named_policy
    from harness.evaluation.safety import dose_maps, safety
    from harness.mdp.evaluate import values
    from harness.reports import plots, written
    from harness.reports import safety as tables
    from harness.reports.block import Block
    from harness.reports.dose_maps import dose_maps as draw
    from harness.reports.text import number

    plots.new_figure(1, 1)  # says what is missing before anything is computed
    options = env_options(inadmissible)
    task = make_tabular(env, **options)
    known = [named_policy(who, task, options) for who in policies]
    worth = values(task.mdp, [policy.table for policy in known])
    found = [(policy, safety(task, policy.table)) for policy in known]
    drawn = [dose_maps(task, policy.table) for policy in known]
    rows = [(p.name, number(v), number(task.optimum.J - v), p.caveat) for p, v in zip(known, worth, strict=True)]
    first = Block(
        f"{task.spec.title} v{task.spec.version}: exact values",
        ("policy", task.spec.value_name, "regret", "mind"),
        rows,
    )
    last = Block("", (), (), (tables.NOTICE,))
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.md").write_text(written.markdown([first, *tables.blocks(found), last]), encoding="utf-8")
        (out / "safety.csv").write_text(written.comma_separated(tables.records(found)), encoding="utf-8")
        doses = written.comma_separated(tables.doses(list(zip(known, drawn, strict=True))))
        (out / "doses.csv").write_text(doses, encoding="utf-8")
        files = [out / "report.md", out / "safety.csv", out / "doses.csv"]
        for policy, stem, maps in zip(known, _stems(known), drawn, strict=True):
            shares, Q = {band: m.share for band, m in maps.items()}, {band: m.Q for band, m in maps.items()}
            V = {band: m.V for band, m in maps.items()}
            figure = draw(policy.name, shares, Q, V, task.spec.value_name)
            files += plots.save(figure, out / f"doses-{stem}")
    except OSError as error:
        raise UsageError(f"Cannot write into {out} ({error.strerror}); give another folder with --out.") from error
    print_lines([f"written: {path}" for path in files])


def _stems(policies: list[NamedPolicy]) -> list[str]:
    """A file name for every policy, none twice."""
    import re

    found: list[str] = []
    for policy in policies:
        plain = re.sub(r"[^\w+=-]+", "-", policy.name).strip("-")[:80] or "policy"
        found.append(next(n for n in (plain, *(f"{plain}-{i}" for i in range(2, 10_000))) if n not in found))
    return found
