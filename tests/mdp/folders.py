"""A small ward as the tables that a user would write, for tests to read and to break."""

from __future__ import annotations

from pathlib import Path

import numpy as np

WARD = {
    "transitionFunction.csv": """\
0.60,0.25,0.00,0.05,0.10
0.35,0.15,0.00,0.05,0.45
0.10,0.50,0.25,0.15,0.00
0.35,0.35,0.15,0.10,0.05
0.00,0.10,0.40,0.50,0.00
0.05,0.30,0.35,0.30,0.00
0,0,0,1,0
0,0,0,1,0
0,0,0,0,1
0,0,0,0,1
""",
    "rewardFunction.csv": "0,0,0,0,1\n",
    "initialStateDistribution.csv": "0.5,0.35,0.15,0,0\n",
    "states.csv": """\
state,description,map_mmhg,lactate_mmol_per_l
2,"In shock, barely arousable",46,6.9
0,Pressure holds,72,1.8
1,Falling pressure,58,
""",
    "actions.csv": "label,description\nwait,observe for 4 hours\nfluids,500 mL crystalloid over 30 minutes\n",
    "mdp.toml": 'title = "Small ward"\nvalue_name = "survival"\nterminal = [3, 4]\n',
}
"""Five states, two actions; death is state 3, discharge state 4."""


def write(folder: Path, **changes: str | bytes | None) -> Path:
    """The ward in a new folder, files changed or left out by their names without ending."""
    folder.mkdir(parents=True)
    files = {**WARD, **{_full(name): text for name, text in changes.items()}}
    for name, text in files.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def _full(name: str) -> str:
    extras = {"admissibleActions": "extras/admissibleActions.txt", "sofaScores": "extras/sofaScores.csv"}
    known = {Path(path).stem: path for path in WARD} | {"expertPolicy": "expertPolicy.csv"} | extras
    return known[name]


def save_tables(folder: Path, P, R, start) -> Path:
    """Arrays in the published layout, to the last bit."""
    folder.mkdir(parents=True, exist_ok=True)
    S, A, _ = P.shape
    flat = R.reshape(S * A, S) if R.ndim == 3 else np.atleast_2d(R)
    for name, table in (
        ("transitionFunction.csv", P.reshape(S * A, S)),
        ("rewardFunction.csv", flat),
        ("initialStateDistribution.csv", start[None]),
    ):
        np.savetxt(folder / name, table, delimiter=",", fmt="%.17g")
    return folder
