"""What can be ordered every six hours: the model that agents fill in, and its places as arrays."""

from __future__ import annotations

from itertools import product
from typing import Literal, get_args

import numpy as np
from pydantic import Field

from harness.core.environment import Action
from harness.envs.anticoagulation.dic import constants as c
from harness.mdp.tabular import BoolArray

Transfuse = Literal[
    "none", "platelets", "plasma", "platelets_plasma", "cryo", "platelets_cryo", "plasma_cryo", "platelets_plasma_cryo"
]
Drug = Literal["none", "txa", "heparin_prophylactic", "heparin_therapeutic"]
TreatCause = Literal["no", "yes"]

TRANSFUSE: tuple[str, ...] = get_args(Transfuse)
TREAT_CAUSE: tuple[str, ...] = get_args(TreatCause)


class DicAction(Action):
    """What is done for the next six hours."""

    transfuse: Transfuse = Field(
        description="components, one adult dose of each: platelets = one pool or apheresis unit, plasma = 15 mL/kg, "
        "cryo = cryoprecipitate, 10 units"
    )
    drug: Drug = Field(
        description="txa = tranexamic acid 1 g; heparin_prophylactic and heparin_therapeutic = in such a dose for six "
        "hours"
    )
    treat_cause: TreatCause = Field(
        description="yes = what causes the DIC is treated now (source control, surgery, delivery, chemotherapy); it is "
        "needed once, later it changes nothing"
    )


ACTIONS: tuple[DicAction, ...] = tuple(
    DicAction(transfuse=transfuse, drug=drug, treat_cause=treat)
    for treat, drug, transfuse in product(TREAT_CAUSE, c.DRUGS, TRANSFUSE)
)
"""Every action; the place of one is `index` of it."""

PLATELETS, PLASMA, CRYO = 1, 2, 4
"""What each component adds to an action's place; a drug adds `DRUG` times its place, the cause `CAUSE`."""

DRUG, CAUSE = len(TRANSFUSE), len(TRANSFUSE) * len(c.DRUGS)

INDEX = {action: i for i, action in enumerate(ACTIONS)}

GIVES_PLATELETS: BoolArray = np.array(["platelets" in a.transfuse for a in ACTIONS])
GIVES_PLASMA: BoolArray = np.array(["plasma" in a.transfuse for a in ACTIONS])
GIVES_CRYO: BoolArray = np.array(["cryo" in a.transfuse for a in ACTIONS])
DOSES = GIVES_PLATELETS.astype(np.int64) + GIVES_PLASMA + GIVES_CRYO
DRUG_OF = np.array([c.DRUGS.index(a.drug) for a in ACTIONS])
TREATS_CAUSE: BoolArray = np.array([a.treat_cause == "yes" for a in ACTIONS])
