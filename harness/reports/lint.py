"""What was found in a prompt, in tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from harness.core.text import harmless
from harness.prompts.lint import CHARACTERS_PER_TOKEN, Report
from harness.reports.block import Block


def lengths(found: Report) -> Iterator[Block]:
    """How long the parts of the prompt are; nothing where it could not be rendered."""
    if not found.lengths:
        return
    estimated = found.tokenizer is None
    mark = "~" if estimated else ""
    yield Block(
        f"{harmless(found.prompt)}, {found.patients} patients",
        ("part", "characters", f"tokens ({'estimated' if estimated else found.tokenizer})"),
        [(length.part, f"{length.characters:,}", f"{mark}{length.tokens:,}") for length in found.lengths],
        (
            f"Tokens are estimated, {CHARACTERS_PER_TOKEN} characters each; --tokens MODEL counts them."
            if estimated
            else "Tokens of the texts alone, without the model's chat template.",
            f"{found.alike} patients have the same text as another, {found.shown_alike} because the environment "
            "shows no difference.",
        ),
    )


def findings(found: Report) -> Iterator[str]:
    """A line for every finding, errors first, and one that counts them."""
    for finding in sorted(found.findings, key=lambda f: f.severity):
        yield f"{finding.severity}: {finding.file}: {harmless(finding.text)}"
    warnings = len(found.findings) - found.errors
    yield f"{found.errors} error{'s' * (found.errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
