"""Talking to models: which there are, where their weights come from, requests, replies and the cache of replies.

Knows no environment.
"""
