"""What a policy would be worth, estimated from what another policy did.

`weights.py`: importance weights and how many episodes they are worth; `importance.py`: IS, WIS, PDIS, WPDIS;
`model.py`: fitted Q evaluation and the empirical MDP; `doubly_robust.py`: DR and WDR, which join both;
`bootstrap.py`: intervals of ratios; `overlap.py`: what the data
can say at all, where the MDP is known; `every.py`: all of them at once. `estimate.py` is what each returns.
"""
