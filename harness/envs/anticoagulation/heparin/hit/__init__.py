"""`heparin-hit`: ten days on heparin, platelets every day, and the question whether to go on.

constants.py     every number, beside its source
course.py        patients and their platelets, arrays over patients
policies.py      by the 4Ts, by platelets, always the same, chance
environment.py   the task, and its optimum for who knows;  shown.py: what is seen;  spec.py: what it is worth
"""
