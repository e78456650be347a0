"""Jobs in processes: all done, failures told in one sentence, nothing left running."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from harness.core.errors import RunError, UsageError
from harness.execution.processes import each


def written(job, tell):
    """Leave a file that says which process did it."""
    tell(1)
    job.write_text(str(os.getpid()))
    tell(2)


def failing(job, tell):
    raise RunError(f"Job {job} cannot be done.")


def dying(job, tell):
    os._exit(3)


def listening(job, tell):
    """Leave a file that says whether this process hears Ctrl-C."""
    job.write_text(str(signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())))


def test_ctrl_c_is_heard_by_the_first_process_alone(tmp_path):
    jobs = [tmp_path / "a", tmp_path / "b"]
    each(jobs, listening, 2, lambda done: None)
    assert [job.read_text() for job in jobs] == ["False", "False"]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.parametrize("processes", [1, 2])
def test_every_job_is_done(tmp_path, processes):
    jobs, told = [tmp_path / str(i) for i in range(3)], []
    each(jobs, written, processes, lambda done: told.append(list(done)))
    who = {job.read_text() for job in jobs}
    assert who == {str(os.getpid())} if processes == 1 else str(os.getpid()) not in who
    assert told[-1] == [2, 2, 2]
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("processes", [1, 2])
def test_a_failure_is_its_sentence(processes):
    with pytest.raises(RunError, match=r"Job \d cannot be done"):
        each([1, 2], failing, processes, lambda done: None)
    assert not multiprocessing.active_children()


def test_a_process_that_dies_is_noticed():
    with pytest.raises(RunError, match=r"ended by itself \(status 3\)"):
        each([1, 2], dying, 2, lambda done: None)


def test_no_processes_are_refused():
    with pytest.raises(UsageError, match="0 processes"):
        each([1], written, 0, lambda done: None)
