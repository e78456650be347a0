"""Where work runs: `local.py` runs it in this process, with asyncio; `processes.py` in processes of its own."""
