"""The contracts: environment, agent, trace, run folder; and one episode played by them.

Imports nothing else of the project.
"""
