"""Work shared among processes: every call is made, and errors come through."""

from __future__ import annotations

import os

import pytest

from zoo import parallel


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_call_is_made_and_numbered(jobs):
    assert dict(parallel.results(pow, [(2, 3), (3, 2), (5, 1)], jobs)) == {0: 8, 1: 9, 2: 5}


def test_one_job_stays_in_this_process_and_more_do_not():
    assert dict(parallel.results(os.getpid, [()], 1)) == {0: os.getpid()}
    assert dict(parallel.results(os.getpid, [()], 2)) != {0: os.getpid()}


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_comes_through(jobs):
    with pytest.raises(ZeroDivisionError):
        list(parallel.results(divmod, [(1, 0), (1, 1)], jobs))
