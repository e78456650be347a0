"""What a reader must know of the warfarin tasks before believing a number about them."""

from __future__ import annotations

from harness.core.environment import EnvSpec
from harness.envs.anticoagulation.warfarin import constants as c

SHORTEST, LONGEST = min(c.INTERVALS), max(c.INTERVALS)


def _returns(days: int) -> tuple[float, float]:
    """The least and the most that so many days can bring."""
    visits = -(-days // SHORTEST)
    return days * c.REWARD_DANGEROUS - visits * c.VISIT_COST, days * c.REWARD_WITHIN


SPEC = EnvSpec(
    id="warfarin",
    version=1,
    title="Warfarin titration",
    summary="A simulated patient with atrial fibrillation begins warfarin: a first dose, then at every visit a change "
    f"of the weekly dose, days to be left out, and when to come back, over {c.TITRATION_DAYS} days.",
    horizon=c.TITRATION_DAYS // SHORTEST,
    hours_per_step=None,
    discount=1.0,
    reward_range=(LONGEST * c.REWARD_DANGEROUS - c.VISIT_COST, LONGEST * c.REWARD_WITHIN - c.VISIT_COST),
    return_range=_returns(c.TITRATION_DAYS),
    value_name="net days in range",
    score="share of days with a true INR from 2.0 to 3.0",
    fallback="before the first dose 5 mg a day, later the same dose; no days left out; the next visit in a week",
    citations=(
        "Hamberg et al.: A pharmacometric model describing the relationship between warfarin dose and INR response "
        "with respect to variations in CYP2C9, VKORC1, and age. Clin Pharmacol Ther 2010;87:727, "
        "doi:10.1038/clpt.2010.37.",
        "Hamberg et al.: A PK-PD model for predicting the impact of age, CYP2C9, and VKORC1 genotype on "
        "individualization of warfarin therapy. Clin Pharmacol Ther 2007;81:529, doi:10.1038/sj.clpt.6100084.",
        "International Warfarin Pharmacogenetics Consortium: Estimation of the warfarin dose with clinical and "
        "pharmacogenetic data. N Engl J Med 2009;360:753, and its public data set.",
        "Rosendaal et al.: A method to determine the optimal intensity of oral anticoagulant therapy. Thromb Haemost "
        "1993;69:236.",
        "Every other number: harness/envs/anticoagulation/warfarin/constants.py.",
    ),
    data_licence="published parameters and summary statistics, facts; no patient data",
    limits_of_use=(
        "A benchmark, not medical advice: no patient should be dosed by it.",
        "The pharmacology is one published model, read off independent implementations of it. Its EC50 was scaled, and "
        "the spread and drift of sensitivity chosen, to meet published doses and times in range; `harness calibrate "
        "warfarin` prints which figures were fitted and which predicted.",
        "All patients are White, as those are whose doses the model was held against; they have atrial fibrillation, "
        "do not smoke, and take no interacting drug but amiodarone, which never starts or stops.",
        "Patients tell truthfully which doses they missed. Bleeding, stroke and vitamin K are not simulated; rewards "
        "count days by their INR, with weights that are a convention.",
        "The score does not charge for visits, the return does: seen every three days instead of every week, patients "
        "of the particle filter are in range 7 points more of the time and its return is a little lower.",
        "An INR rises from the first day; factor VII and the delay of two to three days are blurred in the model.",
        "Regret is measured against a plan that knows the patient's sensitivity, and also how it will drift and which "
        "doses will be missed: no agent can bring its mean to zero. It is the best plan that a search found, not a "
        "proven optimum.",
    ),
)

MAINTENANCE_SPEC = SPEC.model_copy(
    update={
        "id": "warfarin-maintenance",
        "title": "Warfarin maintenance",
        "summary": "A simulated patient with atrial fibrillation comes on a steady dose of warfarin, in range: at "
        "every visit a change of the weekly dose, days to be left out, and when to come back, over "
        f"{c.MAINTENANCE_DAYS} days.",
        "horizon": -(-c.MAINTENANCE_DAYS // SHORTEST),
        "return_range": _returns(c.MAINTENANCE_DAYS),
        "fallback": "the same dose; no days left out; the next visit in a week",
        "limits_of_use": (
            *SPEC.limits_of_use,
            "Every patient begins without drift, on a dose that holds the INR somewhere in range: the first weeks are "
            "easier than the rest. Nothing shifts sensitivity for good, so memory pays and chasing INRs does not.",
        ),
    }
)
