"""Where work runs.

`local.py` runs it in this process, with asyncio; `processes.py` runs jobs in processes of their own, and `pool.py` is
for pools of them.
"""
