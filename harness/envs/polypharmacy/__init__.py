"""Medication review: an elderly patient with too many drugs, a few questions to ask, a few changes to make.

`data/*.csv` holds the pharmacology, each row with its source; `rows.py` and `tables.py` read and check it, `expand.py`
derives the pairs that interact, `criteria.py` says which criteria a regimen meets and what kidneys and liver bear.
`patients.py` makes a patient from a seed: `body.py` its size and kidneys, `diseases.py` what is wrong, `prescribing.py`
and `mishaps.py` what is taken. `options.py` says what may become of a medication, `roles.py` what it is for, and
`harm.py` how much harm a regimen does; `state.py` has the rules, `search.py` and `optimum.py` the best that can be done
by whoever knows everything, `environment.py` the tasks. `original.py` and `original_score.py` keep what the original
counted.
"""
