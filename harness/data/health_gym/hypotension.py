"""Acute hypotension: 3,910 synthetic patients of an intensive-care unit, 48 hours each.

Names and statistics: Kuo et al., Sci Data 2022;9:693, the tables and Figure of distributions (shares read off it to
0.01); bins of the categories: the project's published preparation script, `prepare_real_data.py` (lower edges,
closed on the left). Ranges and plausible bands are this project's: wide enough for generated data, narrow enough to
tell units apart.
"""

from __future__ import annotations

from harness.data.health_gym import CITATION, PHYSIONET
from harness.data.schemas import Category, Column, Published, Schema

FLUID_SHARES = (0.980, 0.001, 0.012, 0.007)
"""Read off the figure as .982, about 0, .012, .007, which is 1.001 without the second."""
VASOPRESSOR_SHARES = (0.846, 0.081, 0.036, 0.037)
GCS_SHARES = (0.065, 0.018, 0.0, 0.027, 0.046, 0.0, 0.019, 0.040, 0.021, 0.033, 0.006, 0.098, 0.627)
"""For 3 to 15."""
FIO2_EDGES = ("0.0", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0")


def _number(
    name: str, unit: str, high: float, plausible: tuple[float, float], meaning: str, published: Published,
    measured: str | None = None, substance: str | None = None,
) -> Column:  # fmt: skip
    return Column(
        name=name, kind="float", unit=unit, low=0.0, high=high, plausible=plausible, meaning=meaning,
        published=published, measured=measured, substance=substance,
    )  # fmt: skip


def _flag(name: str, of: str, share: float) -> Column:
    return Column(
        name=name, kind="flag", meaning=f"1 where {of} was measured in this hour",
        published=Published(shares=(round(1 - share, 3), share)),
    )  # fmt: skip


def _above(edges: tuple[str, ...], unit: str) -> tuple[Category, ...]:
    """Categories named by their lower edges."""
    uppers = (*(f"below {upper}" for upper in edges[1:]), "or more")
    return tuple(
        Category(code=edge, meaning=f"{edge} {'to ' if upper != 'or more' else ''}{upper} {unit}".strip())
        for edge, upper in zip(edges, uppers, strict=True)
    )


SCHEMA = Schema(
    id="hypotension",
    title="Health Gym: acute hypotension",
    columns=(
        _number("MAP", "mmHg", 300, (45, 110), "mean arterial pressure, least of the hour",
                Published(mode=65.5, sd=9.1)),
        _number("diastolic_bp", "mmHg", 250, (30, 95), "diastolic pressure, least of the hour",
                Published(mean=54.4, sd=9.0)),
        _number("systolic_bp", "mmHg", 350, (70, 170), "systolic pressure, least of the hour",
                Published(mean=113.0, sd=13.3)),
        _number("urine", "mL", 10_000, (20, 500), "urine of the hour",
                Published(mean=126.0, sd=84.0, median=105.0), "urine_m"),
        _number("ALT", "IU/L", 50_000, (8, 300), "alanine aminotransferase",
                Published(mean=37.7, sd=20.0), "ALT_AST_m"),
        _number("AST", "IU/L", 50_000, (8, 400), "aspartate aminotransferase",
                Published(mean=55.0, sd=30.0), "ALT_AST_m"),
        _number("PO2", "mmHg", 800, (50, 300), "partial pressure of oxygen", Published(mean=103.0, sd=18.0), "PO2_m"),
        _number("lactic_acid", "mmol/L", 60, (0.5, 5.5), "lactate", Published(mean=1.58, sd=0.42), "lactic_acid_m",
                "lactate"),
        _number("serum_creatinine", "mg/dL", 60, (0.4, 4.0), "creatinine", Published(mean=1.26, sd=0.60),
                "serum_creatinine_m", "creatinine"),
        Column(name="fluid_boluses", kind="category", unit="mL", meaning="fluid boluses of the hour",
               categories=(Category(code="0", meaning="none (below 250 mL)"),
                           *_above(("250", "500", "1000"), "mL")),
               published=Published(shares=FLUID_SHARES)),
        Column(name="vasopressors", kind="category", dtype="float", unit="mcg/kg",
               meaning="vasopressors of the hour, mcg/kg of noradrenaline equivalents",
               categories=(Category(code="0.0", meaning="none"),
                           Category(code="1e-06", meaning="above 0 to below 8.4 mcg/kg per hour"),
                           *_above(("8.4", "20.28"), "mcg/kg per hour")),
               published=Published(shares=VASOPRESSOR_SHARES)),
        Column(name="FiO2", kind="category", dtype="float", meaning="fraction of inspired oxygen", measured="FiO2_m",
               categories=_above(FIO2_EDGES, "")),
        Column(name="GCS_total", kind="category", meaning="Glasgow Coma Scale, 15 is awake", measured="GCS_total_m",
               categories=tuple(Category(code=str(n), meaning=f"{n} of 15") for n in range(3, 16)),
               published=Published(shares=GCS_SHARES)),
        _flag("urine_m", "urine", 0.368),
        _flag("ALT_AST_m", "ALT or AST", 0.008),
        _flag("FiO2_m", "FiO2", 0.070),
        _flag("GCS_total_m", "the GCS", 0.181),
        _flag("PO2_m", "PO2", 0.018),
        _flag("lactic_acid_m", "lactate", 0.023),
        _flag("serum_creatinine_m", "creatinine", 0.041),
        Column(name="PatientID", kind="id", meaning="number of the patient"),
        Column(name="Timepoints", kind="time", unit="h", low=0, high=48, meaning="hour"),
    ),
    patient="PatientID",
    time="Timepoints",
    hours_per_step=1.0,
    step_name="hour",
    steps=48,
    access="credentialed",
    file="C001_FakeHypotension.csv",
    where=PHYSIONET,
    blob_sha1="e7fe915a540d7ecf56515a3dfe59114a60119ddb",
    patients=3_910,
    index=True,
    citation=CITATION,
    licence="PhysioNet Credentialed Health Data License",
    notes=(
        "Vasopressors are mcg/kg per hour, not per minute; 1e-06 is the lower edge of a real low dose.",
        "There is no age, no sex, and no mortality.",
        "Whether hours are counted from 0 or 1 is not published; either is read.",
    ),
)  # fmt: skip
