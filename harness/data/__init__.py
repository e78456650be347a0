"""Longitudinal patient data: what its columns mean, reading and checking files, fetching, and stand-ins made here.

It knows tables and patients, and no decision process: what becomes states, actions and rewards is decided above.
"""
