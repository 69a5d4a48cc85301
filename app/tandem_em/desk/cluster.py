"""Work spread over a Dask cluster by its address: calls go out block by block, answers come back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tandem_em.core.jobs import Job, Progress
from tandem_em.core.notices import UserError

if TYPE_CHECKING:
    from distributed import Client

Answer = TypeVar("Answer")
CONNECT_S = 10.0
WAITING_PER_THREAD = 2
"""Blocks on their way for every thread of the cluster: enough to keep it busy, few enough for the memory here."""


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the cluster at `tcp://host:port`; a sentence when there is none or when it cannot work for us."""
    try:
        from distributed import Client
    except ImportError as error:
        raise UserError(
            "Dask's distributed scheduler is not installed here.",
            "Install it with `pip install distributed`, or leave out --scheduler.",
        ) from error
    try:
        # Not the default client: plug-ins may use Dask for work of their own.
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError, ImportError) as error:
        raise UserError(
            f"There is no Dask scheduler at {address}: {error}.",
            "Check the address (tcp://host:port) and that `dask scheduler` runs there.",
        ) from error
    try:
        # Without workers the scheduler accepts work and never answers.
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise UserError(
                f"The Dask scheduler at {address} has no workers.",
                f"Start some with `dask worker {address}` where TandEM is installed.",
            )
        yield client
    finally:
        client.close()


def run(
    address: str,
    call: Callable[..., Answer],
    arguments: Iterator[tuple[Any, ...]],
    total: int,
    label: str,
) -> Job[list[Answer]]:
    """`call(*each)` for every tuple of arguments on the cluster; the answers in the order of the arguments."""
    with connected(address) as client:
        threads = sum(client.nthreads().values())
        limit = max(2, WAITING_PER_THREAD * threads)
        waiting: list[Any] = []
        answers: list[Answer] = []
        for each in arguments:
            # pure would hash all arguments, which are big blocks, to look for equal calls.
            waiting.append(client.submit(call, *each, pure=False))
            if len(waiting) >= limit:
                # The oldest, so that answers stay in order and memory is bounded.
                answers.append(_answer(waiting.pop(0), address))
                yield Progress(len(answers), total, f"{label} on {threads} threads of {address}")
        for future in waiting:
            answers.append(_answer(future, address))
            yield Progress(len(answers), total, f"{label} on {threads} threads of {address}")
        return answers


def _answer(future: Any, address: str) -> Any:
    try:
        return future.result()
    except UserError:
        raise
    except ImportError as error:
        raise UserError(
            f"The workers of {address} cannot do this work: {error}.",
            "Install the same version of TandEM where they run.",
        ) from error
