"""TabularMDP and everything that is exact about it: solving, evaluating, certified bounds.

All functions take a `TabularMDP` and plain arrays, and return plain arrays.
"""
