"""ICU-Sepsis (Choudhary, Gupta and Thomas 2024): fluids and vasopressors for 713 states of a septic patient.

The parameters come from the `icu-sepsis` package: `data.py` reads them, `features.py` says what the 47 features are,
`environment.py` makes the task of them.
"""
