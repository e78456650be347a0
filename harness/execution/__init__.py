"""Where work runs: `local.py` runs it in this process, with asyncio; `processes.py` is for pools of processes."""
