"""How good an agent is: exact values, certain bounds, estimates with intervals, and the run that yields them.

`evaluate.py` carries out a run; `tabular.py` and `rollout.py` hold the methods; `summary.py` is what comes out.
`plan.py` says beforehand what a precision takes, `quote.py` what a model's run costs.
"""
