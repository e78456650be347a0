"""Offline learners over settings, sizes of the data and seeds, every policy valued exactly.

`plan` says what is to be learned, `planner` what the learners are held against, `work` does one data set, `run` all of
them in processes, `results` reads what there is.
"""
