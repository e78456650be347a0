"""Agents that learn by playing: what a network is shown of a state, the network, and one file per algorithm.

Nothing here is imported unless something is trained, or a trained agent plays; torch is the extra `deep`.
"""
