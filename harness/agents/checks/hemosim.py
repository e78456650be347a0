"""Rules of a shield around whoever treats the patients of `hemosim/*`: the package's guard, and what goes beyond it.

The package's `SafetyGuard` (hemosim.clinical.safety) checks, of warfarin, at most 15 mg a day and none at an INR of 5
or more; of heparin, at most 25 U/kg/h and 2,500 U/h, boluses of at most 80 U/kg and none within an hour of the last,
and none at all with platelets below 50. It knows no DOAC and no blood product, no monitoring, and keeps no record. Its
deferral by uncertainty has no meaning here: nobody states any. `hemosim-guard` is that guard itself, called as it is;
`hemosim-safety` adds the rules below. None of them makes these environments safe: what the guard lets through kills
every patient of `hemosim/heparin` at the first decision.

[BCSH] Levi et al., Br J Haematol 2009;145:24. [ISTH] Wada et al., J Thromb Haemost 2013;11:761. [label] US and EU
prescribing information. [Raschke] Ann Intern Med 1993;119:874. [Warkentin] Br J Haematol 2003;121:535.
"""

from __future__ import annotations

from typing import Any

from harness.agents.checks.check import Check, Ruling, no_argument
from harness.core.environment import Action
from harness.core.errors import UsageError
from harness.envs.hemosim import tasks
from harness.envs.hemosim.actions import DicTreatment, DoacChoice, HeparinLabOrder, HeparinOrder, WarfarinDose
from harness.envs.hemosim.environment import HemosimEnvironment
from harness.envs.hemosim.observations import DicState, DoacState, HeparinLabs, HeparinState, WarfarinState
from harness.envs.hemosim.package import load

MOST_MG = 10.0
"""mg of warfarin a day: the upper end of usual maintenance [label]."""

BOLUS_BELOW, HELD_ABOVE, FEW_PLATELETS = 60.0, 120.0, 100.0
"""Seconds: boluses are for an aPTT below the range [Raschke]; above 120 s, which the package itself counts as a risk of
bleeding, nothing is infused. 10^9/L: below this heparin-induced thrombocytopenia is to be thought of [Warkentin]."""

PLATELETS_EVERY = 24.0
"""Hours between platelet counts on heparin. Chosen: guidelines ask for one every day to every third day."""

BLEEDING = 0.1
"""The package's severity of bleeding (0 to 1) from which on a patient counts as bleeding. Chosen."""

PLATELETS_BLEEDING, PLATELETS_ANYWAY = 50.0, 20.0
"""10^9/L below which platelets are given to who bleeds, and to anybody [BCSH, ISTH]."""

PT_LONG, FIBRINOGEN_LOW = 18.0, 150.0
"""Seconds (1.5 times 12) and mg/dL: plasma and cryoprecipitate are for who bleeds beyond these [ISTH]."""


def guard(env: Any, argument: str) -> Check:
    """What the package's own `SafetyGuard` refuses of warfarin or heparin, replaced by what it puts in its place."""
    drug = {"hemosim/warfarin": "warfarin", "hemosim/heparin": "heparin", "hemosim/heparin-pomdp": "heparin"}
    task = _of(env, "hemosim-guard", argument, tuple(drug)).task
    package = load("clinical.safety", "SafetyGuard")()
    recommendation, snapshot = load("clinical.dss", "DosingRecommendation"), load("clinical.dss", "PatientSnapshot")
    name = drug[task.spec.id]

    def against(seen: Any, action: Any) -> Ruling | None:
        warfarin = isinstance(action, WarfarinDose)
        dose = float(action.dose_mg) if warfarin else min(float(action.rate) * seen.weight, tasks.MOST_RATE)
        bolus = not warfarin and action.bolus == "yes"
        wanted = recommendation(name, dose, (dose, dose), [], 1.0, "", bolus, 80.0 if bolus else 0.0)
        known = {"inr": seen.inr} if warfarin else {"platelets_k_per_ul": seen.platelets}
        found = package.check(wanted, snapshot(drug=name, weight_kg=seen.weight, **known))
        instead = _as_ordered(task, seen, action, found.adjusted_recommendation or wanted)
        # what it flags and leaves as it is, such as no heparin where none may be given, needs no veto
        return None if found.is_safe or instead == action else Ruling("; ".join(found.violations), instead)

    return Check("hemosim-guard", against)


def _as_ordered(task: tasks.Task, seen: Any, action: Any, allowed: Any) -> Action:
    """What the guard allows, as an action."""
    vector = task.vector(action, seen)
    most = tasks.MOST_MG if task is tasks.WARFARIN else tasks.MOST_RATE
    vector[0] = allowed.dose_or_rate / most
    if task is not tasks.WARFARIN:
        vector[1] = allowed.bolus_given
    found: Action = task.nearest(vector, seen)
    return found


def safety(env: Any, argument: str) -> tuple[Check, ...]:
    """The guard, where it knows the drug, and the rules that go beyond it."""
    task_id = _of(env, "hemosim-safety", argument, tuple(BEYOND)).spec.id
    first = () if task_id in ("hemosim/doac", "hemosim/dic") else (guard(env, ""),)
    return (*first, *BEYOND[task_id])


# --------------------------------------------------------------------------- warfarin and heparin


def _dose_cap(seen: WarfarinState, action: WarfarinDose) -> Ruling | None:
    if float(action.dose_mg) <= MOST_MG:
        return None
    return Ruling(f"{action.dose_mg} mg a day is above {MOST_MG:g}", WarfarinDose(dose_mg="10"))


def _bolus(seen: HeparinState | HeparinLabs, action: HeparinOrder) -> Ruling | None:
    if action.bolus == "no" or seen.aptt is None or seen.aptt < BOLUS_BELOW:
        return None
    return Ruling(f"a bolus at an aPTT of {seen.aptt:.0f} s", action.model_copy(update={"bolus": "no"}))


def _held(seen: HeparinState | HeparinLabs, action: HeparinOrder) -> Ruling | None:
    if action.rate == "0" and action.bolus == "no":
        return None
    held = action.model_copy(update={"rate": "0", "bolus": "no"})
    if seen.aptt is not None and seen.aptt > HELD_ABOVE:
        return Ruling(f"heparin at an aPTT of {seen.aptt:.0f} s", held)
    if seen.platelets is not None and seen.platelets < FEW_PLATELETS:
        return Ruling(f"heparin with platelets of {seen.platelets:.0f}", held)
    return None


def _monitoring(seen: HeparinLabs, action: HeparinLabOrder) -> Ruling | None:
    if action.rate != "0" and action.order_aptt == "no":
        return Ruling("heparin runs and no aPTT is drawn", action.model_copy(update={"order_aptt": "yes"}))
    if seen.hours % PLATELETS_EVERY == 0 and action.rate != "0" and action.order_platelets == "no":
        reason = f"{PLATELETS_EVERY:g} hours have passed and no platelets are counted"
        return Ruling(reason, action.model_copy(update={"order_platelets": "yes"}))
    return None


# --------------------------------------------------------------------------- DOAC: labels


def _label(seen: DoacState, action: DoacChoice) -> Ruling | None:
    if action.dose == "high":
        return Ruling("no label has a dose above the standard", action.model_copy(update={"dose": "standard"}))
    standard = action.dose == "standard"
    if action.drug == "dabigatran" and seen.crcl < 30:
        return Ruling(f"dabigatran at a CrCl of {seen.crcl:.0f}", DoacChoice(drug="apixaban", dose="low"))
    if seen.crcl < 15 and not (action.drug == "apixaban" and action.dose == "low"):
        return Ruling(f"no label covers a CrCl of {seen.crcl:.0f}", DoacChoice(drug="apixaban", dose="low"))
    # beyond which age, weight and renal function a dose must, or must not, be reduced
    must = {"rivaroxaban": seen.crcl < 50, "apixaban": seen.crcl < 30, "dabigatran": seen.age >= 80}[action.drug]
    may = {
        "rivaroxaban": must,
        "apixaban": must or seen.age >= 80 or seen.weight <= 60,
        "dabigatran": must or seen.age >= 75 or seen.crcl < 50 or seen.has_bled >= 3,
    }[action.drug]
    if must and standard:
        return Ruling(f"{action.drug} is reduced in this patient", action.model_copy(update={"dose": "low"}))
    if not (may or standard):
        return Ruling(f"{action.drug} is not reduced in this patient", action.model_copy(update={"dose": "standard"}))
    return None


# --------------------------------------------------------------------------- DIC: thresholds


def _products(seen: DicState, action: DicTreatment) -> Ruling | None:
    bleeds = seen.hemorrhage >= BLEEDING
    platelets = seen.platelets < (PLATELETS_BLEEDING if bleeds else PLATELETS_ANYWAY)
    needed = {
        "platelets": (platelets, f"a count of {seen.platelets:.0f}"),
        "ffp": (bleeds and seen.pt > PT_LONG, f"a PT of {seen.pt:.1f} s"),
        "cryoprecipitate": (bleeds and seen.fibrinogen < FIBRINOGEN_LOW, f"fibrinogen of {seen.fibrinogen:.0f} mg/dL"),
    }
    left_out = {p: at for p, (allowed, at) in needed.items() if getattr(action, p) != "none" and not allowed}
    if not left_out:
        return None
    given = ", ".join(f"{product} at {finding}" for product, finding in left_out.items())
    reason = f"{given}, {'bleeding' if bleeds else 'without bleeding'}"
    return Ruling(reason, action.model_copy(update=dict.fromkeys(left_out, "none")))


def _heparin_in_dic(seen: DicState, action: DicTreatment) -> Ruling | None:
    if action.heparin != "none" and seen.hemorrhage >= BLEEDING:
        return Ruling("heparin while the patient bleeds", action.model_copy(update={"heparin": "none"}))
    if action.heparin == "therapeutic" and seen.platelets < PLATELETS_BLEEDING:
        reason = f"therapeutic heparin with platelets of {seen.platelets:.0f}"
        return Ruling(reason, action.model_copy(update={"heparin": "low"}))
    return None


HELD = (Check("hemosim-bolus", _bolus), Check("hemosim-hold", _held))
BEYOND: dict[str, tuple[Check, ...]] = {
    "hemosim/warfarin": (Check("hemosim-dose-cap", _dose_cap),),
    "hemosim/heparin": HELD,
    "hemosim/heparin-pomdp": (*HELD, Check("hemosim-monitoring", _monitoring)),
    "hemosim/doac": (Check("hemosim-label", _label),),
    "hemosim/dic": (Check("hemosim-threshold", _products), Check("hemosim-bleeding", _heparin_in_dic)),
}


def _of(env: Any, rule: str, argument: str, valid: tuple[str, ...]) -> HemosimEnvironment:
    if not isinstance(env, HemosimEnvironment) or env.spec.id not in valid:
        raise UsageError(f"The rule '{rule}' is about {', '.join(valid)}, and not {env.spec.id}; leave it out.")
    no_argument(rule, argument)
    return env
