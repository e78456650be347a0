"""Worker processes that do not outlive whom they work for."""

from __future__ import annotations

import multiprocessing
import os
import threading


def leave_with_parent() -> None:
    """End this process when the one that started it has ended, however that did: nobody would read its results.

    The initializer of a pool of processes.
    """

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def cores() -> int:
    """Processes that can run at the same time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
