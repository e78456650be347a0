"""The five tasks: which environment of the package, what it shows and takes, and when a decision went well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from harness.core.environment import Action, EnvSpec, Observation
from harness.envs.hemosim import actions as a
from harness.envs.hemosim import observations as o
from harness.envs.hemosim import scaling, spec

Info = Mapping[str, Any]

MOST_MG, MOST_RATE = 15.0, 2500.0
"""Ends of the package's spaces: mg of warfarin a day, U of heparin an hour."""

OVERT = 5
"""ISTH score from which on DIC is overt (Taylor et al., Thromb Haemost 2001;86:1327)."""

PLATELETS: tuple[str, ...] = get_args(a.DicTreatment.model_fields["platelets"].annotation)
FFP: tuple[str, ...] = get_args(a.DicTreatment.model_fields["ffp"].annotation)
CRYO: tuple[str, ...] = get_args(a.DicTreatment.model_fields["cryoprecipitate"].annotation)
DIC_HEPARIN: tuple[str, ...] = get_args(a.DicTreatment.model_fields["heparin"].annotation)
DRUGS: tuple[str, ...] = get_args(o.Drug)
DOSES: tuple[str, ...] = get_args(a.DoacChoice.model_fields["dose"].annotation)
RATES: tuple[str, ...] = get_args(a.Rate)
MILLIGRAMS: tuple[str, ...] = get_args(a.Milligrams)


@dataclass(frozen=True)
class Task:
    """One environment of the package.

    Attributes
    ----------
    spec : EnvSpec
    module, name : str
        Where its class is, within the package.
    observation, action : types
    entries : tuple of Entry
        The scaling of its vectors.
    vector : function of an action and an observation
        The action as an element of the package's space.
    nearest : function of such an element and an observation
        The action that comes nearest to it.
    fallback : function of an observation
        See `spec.fallback`.
    well : function of what the package tells after a step
        Whether the step counts for the score.
    told : names of what it tells, kept in traces
    described : function of an observation
        The patient in a few words.
    """

    spec: EnvSpec
    module: str
    name: str
    observation: type[Observation]
    action: type[Action]
    entries: tuple[scaling.Entry, ...]
    vector: Callable[[Any, Any], NDArray[Any]]
    nearest: Callable[[NDArray[Any], Any], Any]
    fallback: Callable[[Any], Action]
    well: Callable[[Info], bool]
    told: tuple[str, ...]
    described: Callable[[Any], str]


# --------------------------------------------------------------------------- actions and the package's spaces


def _closest(written: tuple[str, ...], value: float) -> str:
    """The choice next to a number; of two the lower."""
    return min(written, key=lambda choice: (abs(float(choice) - value), float(choice)))


def _dose(action: a.WarfarinDose, seen: o.WarfarinState) -> NDArray[np.float32]:
    return np.array([float(action.dose_mg) / MOST_MG], dtype=np.float32)


def _nearest_dose(vector: NDArray[Any], seen: o.WarfarinState) -> a.WarfarinDose:
    return a.WarfarinDose.model_validate({"dose_mg": _closest(MILLIGRAMS, float(vector[0]) * MOST_MG)})


def _heparin(action: a.HeparinOrder, seen: o.HeparinState | o.HeparinLabs) -> NDArray[np.float32]:
    rate = min(float(action.rate) * seen.weight / MOST_RATE, 1.0)
    return np.array([rate, action.bolus == "yes"], dtype=np.float32)


def _nearest_rate(vector: NDArray[Any], seen: o.HeparinState | o.HeparinLabs) -> dict[str, str]:
    rate = _closest(RATES, float(vector[0]) * MOST_RATE / seen.weight)
    return {"rate": rate, "bolus": _yes(vector[1])}


def _nearest_heparin(vector: NDArray[Any], seen: o.HeparinState) -> a.HeparinOrder:
    return a.HeparinOrder.model_validate(_nearest_rate(vector, seen))


def _labs(action: a.HeparinLabOrder, seen: o.HeparinLabs) -> NDArray[np.float32]:
    orders = (action.order_aptt, action.order_anti_xa, action.order_platelets)
    return np.array([*_heparin(action, seen), *(order == "yes" for order in orders)], dtype=np.float32)


def _nearest_labs(vector: NDArray[Any], seen: o.HeparinLabs) -> a.HeparinLabOrder:
    names = ("order_aptt", "order_anti_xa", "order_platelets")
    orders = {name: _yes(x) for name, x in zip(names, vector[2:], strict=True)}
    return a.HeparinLabOrder.model_validate({**_nearest_rate(vector, seen), **orders})


def _yes(entry: float) -> str:
    return "yes" if entry > 0.5 else "no"


def _doac(action: a.DoacChoice, seen: o.DoacState) -> NDArray[np.int64]:
    return np.array([DRUGS.index(action.drug), DOSES.index(action.dose)])


def _nearest_doac(vector: NDArray[Any], seen: o.DoacState) -> a.DoacChoice:
    return a.DoacChoice.model_validate({"drug": DRUGS[int(vector[0])], "dose": DOSES[int(vector[1])]})


def _dic(action: a.DicTreatment, seen: o.DicState) -> NDArray[np.int64]:
    given = (PLATELETS.index(action.platelets), FFP.index(action.ffp), CRYO.index(action.cryoprecipitate))
    return np.array([*given, DIC_HEPARIN.index(action.heparin)])


def _nearest_dic(vector: NDArray[Any], seen: o.DicState) -> a.DicTreatment:
    fields = zip(a.DicTreatment.model_fields, (PLATELETS, FFP, CRYO, DIC_HEPARIN), vector, strict=True)
    return a.DicTreatment.model_validate({field: choices[int(x)] for field, choices, x in fields})


# --------------------------------------------------------------------------- the patient in a few words


def _lab(value: float | None, form: str) -> str:
    return "not known" if value is None else form % value


def _warfarin_words(s: o.WarfarinState) -> str:
    return f"day {s.day}, INR {s.inr:.2f}, {s.age:.0f} years, {s.weight:.0f} kg, CYP2C9 {s.cyp2c9}, VKORC1 {s.vkorc1}"


def _heparin_words(s: o.HeparinState | o.HeparinLabs) -> str:
    labs = f"aPTT {_lab(s.aptt, '%.0f s')}, platelets {_lab(s.platelets, '%.0f')}"
    return f"hour {s.hours:.0f}, {labs}, {s.weight:.0f} kg"


def _doac_words(s: o.DoacState) -> str:
    scores = f"CHA2DS2-VASc {s.cha2ds2_vasc}, HAS-BLED {s.has_bled}"
    return f"day {s.day}, on {s.drug}, CrCl {s.crcl:.0f} mL/min, {s.age:.0f} years, {scores}"


def _dic_words(s: o.DicState) -> str:
    labs = f"platelets {s.platelets:.0f}, fibrinogen {s.fibrinogen:.0f} mg/dL, PT {s.pt:.1f} s"
    return f"hour {s.hours:.0f}, ISTH {s.isth_score}, {labs}, D-dimer {s.d_dimer:.1f}, organs {s.organ_function:.2f}"


# --------------------------------------------------------------------------- the tasks


def _no_event(info: Info) -> bool:
    return not (info["stroke_event"] or info["bleed_event"])


WARFARIN = Task(
    spec.WARFARIN,
    "envs.warfarin_dosing",
    "WarfarinDosingEnv",
    o.WarfarinState,
    a.WarfarinDose,
    scaling.WARFARIN,
    _dose,
    _nearest_dose,
    lambda seen: a.WarfarinDose(dose_mg="5"),
    lambda info: bool(info["therapeutic"]),
    ("inr", "dose_mg"),
    _warfarin_words,
)
HEPARIN = Task(
    spec.HEPARIN,
    "envs.heparin_infusion",
    "HeparinInfusionEnv",
    o.HeparinState,
    a.HeparinOrder,
    scaling.HEPARIN,
    _heparin,
    _nearest_heparin,
    lambda seen: a.HeparinOrder(rate="0", bolus="no"),
    lambda info: bool(info["therapeutic"]),
    ("aptt", "infusion_rate", "platelet_count"),
    _heparin_words,
)
HEPARIN_POMDP = Task(
    spec.HEPARIN_POMDP,
    "envs.heparin_infusion_pomdp",
    "HeparinInfusionPOMDPEnv",
    o.HeparinLabs,
    a.HeparinLabOrder,
    scaling.HEPARIN_POMDP,
    _labs,
    _nearest_labs,
    lambda seen: a.HeparinLabOrder(rate="0", bolus="no", order_aptt="no", order_anti_xa="no", order_platelets="no"),
    lambda info: bool(info["therapeutic"]),
    ("ground_truth_aptt", "ground_truth_platelet_count", "lab_cost_this_step"),
    _heparin_words,
)
DOAC = Task(
    spec.DOAC,
    "envs.doac_management",
    "DOACManagementEnv",
    o.DoacState,
    a.DoacChoice,
    scaling.DOAC,
    _doac,
    _nearest_doac,
    lambda seen: a.DoacChoice(drug=seen.drug, dose="standard"),
    _no_event,
    ("stroke_event", "bleed_event", "drug_switched"),
    _doac_words,
)
DIC = Task(
    spec.DIC,
    "envs.dic_management",
    "DICManagementEnv",
    o.DicState,
    a.DicTreatment,
    scaling.DIC,
    _dic,
    _nearest_dic,
    lambda seen: a.DicTreatment(platelets="none", ffp="none", cryoprecipitate="none", heparin="none"),
    lambda info: bool(info["isth_dic_score"] < OVERT),
    ("platelet_count", "fibrinogen", "pt", "d_dimer"),
    _dic_words,
)
TASKS = (WARFARIN, HEPARIN, HEPARIN_POMDP, DOAC, DIC)
