"""Every number of `heparin-hit`, beside its source.

[Lewis 2006] Lewis BE, Wallis DE, Hursting MJ, Levine RL, Leya F. Effects of argatroban therapy, demographic variables,
and platelet count on thrombotic risks in heparin-induced thrombocytopenia. Chest 2006;129:1407-1416 (abstract).

[Lubenow 2005] Lubenow N, Eichler P, Lietz T, Greinacher A. Lepirudin in patients with heparin-induced thrombocytopenia
- results of the third prospective study and a combined analysis. Journal of Thrombosis and Haemostasis
2005;3:2428-2436 (read in a chapter that cites it).

[Kearon 1997] Kearon C, Hirsh J. Management of anticoagulation before and after elective surgery. New England Journal of
Medicine 1997;336:1506-1511. Recalled, not read.

"Chosen" marks what is not published.
"""

from __future__ import annotations

from typing import Final

DAYS: Final = 10
"""Length of an episode."""

# --------------------------------------------------------------------------- who has what

HIT: Final = 0.25
"""Share of patients with HIT. Chosen, and far above the 1 to 3 % of patients on heparin: the task is about those in
whom the question comes up."""

ONSET: Final = {5: 0.20, 6: 0.25, 7: 0.25, 8: 0.20, 9: 0.10}
"""Day on which typical HIT begins. Chosen within the days 5 to 10 that are typical."""

RAPID: Final = 0.25
"""Share of HIT that begins at once, after heparin in the last `RAPID_EXPOSURE` days. Chosen."""

RAPID_EXPOSURE: Final = (5, 30)
EXPOSED, EXPOSURE = 0.15, (5, 100)
"""Days since earlier heparin: in rapid HIT; and share and days among the others. Chosen."""

ILL, ILL_WITH_HIT = 0.40, 0.15
"""Share of patients without and with HIT whose platelets fall from another cause. Chosen."""

ILLNESS_BEGINS, ILLNESS_LASTS = (0, 9), (3, 6)
"""First and last day on which another cause may begin, and days that it lasts. Chosen."""

NAMED_IF_ILL, NAMED_IF_NOT = (0.50, 0.40), (0.0, 0.35)
"""Shares in which another cause seems definite, and possible, where there is one and where there is none. Chosen, like
the next and the losses by another cause, by what low, intermediate and high 4Ts are worth (Cuker et al. 2012)."""

FALSE_ALARM: Final = 0.01
"""Probability of a day that a new thrombosis is suspected where there is none. Chosen."""

SUSPECTED: Final = 0.4
"""Share of new thromboses that are suspected rather than confirmed. Chosen."""

# --------------------------------------------------------------------------- platelets

PLATELETS_MEAN, PLATELETS_SD = 250.0, 70.0
FEWEST, MOST = 120.0, 500.0
"""Count before heparin, 10⁹/L. Chosen (usual in adults)."""

RECOVERY_DAYS: Final = 4.0
"""Time constant with which a count returns. Chosen: the median count was back at 150 within four days of lepirudin
[Lubenow 2005, programme]."""

LOSS_HIT, SD_LOG_LOSS_HIT = 0.75, 0.30
"""Platelets lost a day in full HIT, as a rate, and spread. Chosen: nadirs are about 60, falls mostly above a half."""

LOSS_ILL, SD_LOG_LOSS_ILL = 0.25, 0.50
"""The same of another cause. Chosen: falls of a third to a half, some deeper."""

COUNT_CV: Final = 0.05
"""Coefficient of variation of a count. Chosen."""

BUILDS_DAYS, WANES_DAYS = 0.7, 5.0
"""Time constants with which the activity of HIT builds up under heparin and wanes without it. Chosen: risk remains high
for days to weeks after heparin was stopped."""

STILL_LOST: Final = 0.2
"""Part of the loss of platelets that goes on, for the same activity, once heparin was stopped. Chosen: counts recover
while the risk remains."""

# --------------------------------------------------------------------------- hazards, events a day

THROMBOSIS_TREATED: Final = 0.002
"""Recurrence under an effective anticoagulant. Chosen: 2 to 3 % in the first weeks."""

THROMBOSIS_UNTREATED: Final = 0.017
"""Recurrence without any: 40 % in the first month after a thrombosis [Kearon 1997]."""

THROMBOSIS_HIT: Final = 0.051
"""New thrombosis a day in HIT from the diagnosis until another anticoagulant was begun [Lubenow 2005]."""

ALTERNATIVE: Final = 0.39
"""Hazard ratio of argatroban against controls, HIT with thrombosis: 0.39, 0.25 to 0.62 [Lewis 2006]."""

BLEEDING_HEPARIN, BLEEDING_ALTERNATIVE, BLEEDING_NONE = 0.004, 0.010, 0.001
"""Major bleeding. The alternative: 6 to 7 % in 5 to 7 days [Lewis 2006]; the others are chosen."""

LOW_PLATELETS, VERY_LOW_PLATELETS = 50.0, 20.0
BLEEDING_LOW, BLEEDING_VERY_LOW = 1.5, 3.0
"""Counts below which bleeding is so many times as frequent. Chosen; HIT itself seldom bleeds."""
