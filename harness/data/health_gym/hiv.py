"""Antiretroviral therapy for HIV, version 2: 8,916 synthetic patients, 60 months each.

Kuo et al., Sci Data 2022;9:693, and doi 10.6084/m9.figshare.22827878.v1. Means and quantiles are those of the file;
shares are read off the figures to 0.01. Version 1 (doi 10.6084/m9.figshare.19838470.v1) suffers from mode collapse
and is not read.
"""

from __future__ import annotations

from harness.data.health_gym import CITATION
from harness.data.schemas import Category, Column, Published, Schema

ETHNIC_SHARES = (0.02, 0.12, 0.21, 0.65)
BASE_SHARES = (0.487, 0.293, 0.024, 0.138, 0.046, 0.012)
INI_SHARES = (0.226, 0.039, 0.066, 0.669)
NNRTI_SHARES = (0.025, 0.150, 0.230, 0.595)
"""The last read as .596, which makes 1.001."""

BASE = ("FTC + TDF", "3TC + ABC", "FTC + TAF", "DRV + FTC + TDF", "FTC + RTVB + TDF", "other")
INI = ("DTG", "RAL", "EVG", "none")
NNRTI = ("NVP", "EFV", "RPV", "none")
PI = ("DRV", "RTVB", "LPV", "RTV", "ATV", "none")
ETHNIC = ("Asian", "African", "Caucasian", "other")


def _codes(words: tuple[str, ...], first: int = 0) -> tuple[Category, ...]:
    return tuple(Category(code=str(first + n), meaning=word) for n, word in enumerate(words))


def _flag(name: str, meaning: str, share: float) -> Column:
    return Column(name=name, kind="flag", meaning=meaning, published=Published(shares=(round(1 - share, 4), share)))


SCHEMA = Schema(
    id="hiv",
    title="Health Gym: antiretroviral therapy for HIV, version 2",
    columns=(
        Column(name="VL", kind="float", unit="copies/mL", low=0, high=1e9, plausible=(5, 100_000), measured="VL (M)",
               meaning="viral load", published=Published(minimum=0.10, q1=10.49, median=38.78, mean=7041.12, q3=778.27,
                                                         maximum=97566.41)),
        Column(name="CD4", kind="float", unit="cells/µL", low=0, high=1e6, plausible=(100, 1500), measured="CD4 (M)",
               meaning="CD4 count", published=Published(minimum=7.96, q1=272.85, median=466.40, mean=823.08, q3=859.44,
                                                        maximum=42475.2)),
        Column(name="Rel CD4", kind="float", unit="%", low=0, high=5000, plausible=(8, 60), measured="CD4 (M)",
               meaning="CD4 relative to lymphocytes; generated values reach beyond 100 %",
               published=Published(minimum=1.871, q1=17.462, median=27.734, mean=36.353, q3=44.152, maximum=586.635)),
        Column(name="Gender", kind="category", meaning="1 male, 2 female", categories=_codes(("male", "female"), 1),
               published=Published(mean=1.137, shares=(0.863, 0.137))),
        Column(name="Ethnic", kind="category", meaning="ethnicity as recorded", categories=_codes(ETHNIC, 1),
               published=Published(mean=3.486, shares=ETHNIC_SHARES)),
        Column(name="Base Drug Combo", kind="category", meaning="base of the regimen", categories=_codes(BASE),
               published=Published(mean=1.021, shares=BASE_SHARES)),
        Column(name="Comp. INI", kind="category", meaning="complementary integrase inhibitor", categories=_codes(INI),
               published=Published(mean=2.167, shares=INI_SHARES)),
        Column(name="Comp. NNRTI", kind="category", categories=_codes(NNRTI),
               meaning="complementary non-nucleoside reverse-transcriptase inhibitor",
               published=Published(mean=2.376, shares=NNRTI_SHARES)),
        Column(name="Extra PI", kind="category", meaning="extra protease inhibitor", categories=_codes(PI),
               published=Published(mean=4.18)),
        _flag("Extra pk-En", "1 with a pharmacokinetic enhancer", 0.0669),
        _flag("VL (M)", "1 where the viral load was measured in this month", 0.1309),
        _flag("CD4 (M)", "1 where CD4 was measured in this month", 0.1552),
        _flag("Drug (M)", "1 where the regimen was recorded in this month", 0.7768),
        Column(name="PatientID", kind="id", meaning="number of the patient"),
        Column(name="Timestep", kind="time", low=0, high=60, meaning="month"),
    ),
    patient="PatientID",
    time="Timestep",
    hours_per_step=730.5,
    step_name="month",
    steps=60,
    access="open",
    file="HealthGymV2_CbdrhDatathon_ART4HIV.csv",
    where="figshare, doi 10.6084/m9.figshare.22827878.v1",
    url="https://ndownloader.figshare.com/files/40584980",
    blob_sha1="93ebe161c3a53c2f5f8ebc5a8b7f36ca2a3b81a9",
    patients=8_916,
    citation=CITATION,
    licence="not seen; on figshare usually CC BY 4.0",
    notes=("Every value is generated, also where its flag says that it was not measured.",),
)  # fmt: skip
