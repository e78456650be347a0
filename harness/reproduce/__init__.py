"""Published figures beside exact ones, without sampling; and simulators beside what is published of patients.

`icu_sepsis.py`: table 2, admissible actions and strategies of the ICU-Sepsis paper; `perturbation.py`: its appendix
B.3; `binomial.py`: what a number of episodes can tell; `protocol.py`: a published comparison re-examined with it;
`hemosim.py`: that package's published baselines, run again. `off_policy.py`: estimators beside exact values, which
nobody has published; `off_policy_study.py`: that as a run.
`calibration.py`: targets beside measurements, and the list of them; `warfarin.py`: those of the warfarin tasks, on the
patients of `ward.py`; `heparin.py` and `heparin_hit.py`: those of the heparin tasks, on the patients of `infusions.py`;
`doac.py`: those of the task `doac`.
"""
