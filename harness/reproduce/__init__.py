"""Published figures beside exact ones, without sampling.

`icu_sepsis.py`: table 2, admissible actions and strategies of the ICU-Sepsis paper; `perturbation.py`: its appendix
B.3; `binomial.py`: what a number of episodes can tell; `protocol.py`: a published comparison re-examined with it.
"""
