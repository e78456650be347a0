"""The sepsis simulator of Oberst and Sontag (2019), exactly: its rules, the MDP they amount to, two tasks made of it.

`rules.py` holds the published numbers, `model.py` multiplies them into a transition matrix, `policies.py` are rules of
thumb to compare with, `environment.py` makes the tasks `sepsis-os` and `sepsis-os-hidden`.
"""
