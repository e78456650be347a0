"""Run the commands shown in README.md and the pages of docs/ and put their real output below them.

A block to be filled is an HTML comment `<!-- output: COMMAND -->` followed by a fenced block; `<!-- output: ... | sed
-->` and other shell words are allowed. Only what COMMAND writes to stdout is kept. Words on the command line choose the
blocks to fill: those whose command holds one of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"(<!-- output: (.*?) -->\n```text\n)(.*?)(```)", flags=re.DOTALL)


def filled(match: re.Match[str]) -> str:
    """The block with the command's output in it."""
    command = match.group(2)
    if sys.argv[1:] and not any(word in command for word in sys.argv[1:]):
        return match.group(0)
    print(f"$ {command}", file=sys.stderr)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
        cwd=ROOT,
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    return match.group(1) + "\n".join(lines).strip("\n") + "\n" + match.group(4)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(BLOCK.sub(filled, page.read_text(encoding="utf-8")), encoding="utf-8")
