"""Lives on a Dask cluster: on this machine, at the address of a scheduler, or on the nodes of a batch system.

A life is a task that depends on the task of its run-in.  Tasks exchange nothing but a line of text: results and
checkpoints are files in a folder that every worker sees, so a worker that dies takes at most the days since its last
checkpoint with it.  A life whose worker died is given to another one as long as it gets further each time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import trabsim
from trabsim.errors import ConfigError, RunError
from trabsim.spelling import suggest
from trabsim.trials.living import Place, Work, live, live_run_in, run_in_done

if TYPE_CHECKING:
    from trabsim.trials.execution import Cluster

#: Classes of dask-jobqueue by the name of the batch system.
SYSTEMS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
    "htcondor": "HTCondorCluster",
}

#: Seconds to wait for a scheduler to answer.
CONNECT_SECONDS = 30

#: Times that a life is given to another worker without having got further.
MOST_DEATHS = 3

#: Seconds between looks at the cluster while nothing ends.
LOOK_SECONDS = 5.0

#: Seconds without any worker after which a warning is due.
LONELY_SECONDS = 120.0

#: Called with the key of a life and why it failed, None if it did not.
Told = Callable[[str, "str | None"], None]

log = logging.getLogger("trabsim")


def run_on_cluster(works: Sequence[Work], place: Place, cluster: Cluster, told: Told) -> None:
    """Run lives on a cluster.

    Parameters
    ----------
    works : sequence of Work
    place : Place
    cluster : Cluster
    told : callable

    Raises
    ------
    ConfigError
        If a package is missing or the batch system is unknown.
    RunError
        If the scheduler does not answer or is lost.
    """
    distributed = _distributed()
    with _client(distributed, cluster) as (client, address, refill):
        _Dispatch(distributed, client, address, place, told, refill).run(works)


def live_task(text: str, place: Sequence[Any], version: str, before: str | None = None) -> str | None:
    """What a worker does for a life; `before` is the answer of its run-in."""
    return before or _attempt(live, text, place, version)


def run_in_task(text: str, place: Sequence[Any], version: str) -> str | None:
    """What a worker does for a run-in."""
    reason = _attempt(live_run_in, text, place, version)
    return None if reason is None else f"run-in: {reason}"


def _attempt(
    what: Callable[[Work, Place], None], text: str, place: Sequence[Any], version: str
) -> str | None:
    from trabsim.trials.execution import reason_of

    if version != trabsim.__version__:
        return f"the worker has trabsim {trabsim.__version__}, and the trial is of {version}; install that version"
    try:
        what(Work(**json.loads(text)), Place(*place))
    except Exception as error:
        return reason_of(error)
    return None


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise ConfigError(
            'several workers need Dask, which is not installed; install it with: pip install "trabsim[trials]"'
        ) from None
    return distributed


@contextlib.contextmanager
def _client(distributed: Any, cluster: Cluster) -> Iterator[tuple[Any, str, Callable[[int], None]]]:
    """A client, the address of its scheduler, and what replaces workers that are gone when so many are left."""
    with contextlib.ExitStack() as stack:
        refill: Callable[[int], None] = _leave
        if cluster.scheduler is not None:
            address = cluster.scheduler
        elif cluster.jobqueue is not None:
            made, jobs = _jobqueue(cluster.jobqueue)
            stack.enter_context(made)
            address = made.scheduler_address

            def refill(left: int) -> None:  # jobs end with their time limit; those that wait stay
                made.scale(jobs=jobs)

        else:
            made = stack.enter_context(_local(distributed, cluster.workers))
            address = made.scheduler_address

            def refill(left: int) -> None:  # a worker that dies while it starts is not started again by Dask
                for name, nurse in list(made.workers.items()):
                    if nurse.status.name in ("closed", "failed"):
                        made.workers.pop(name)
                if left < cluster.workers:
                    made.scale(cluster.workers)

        try:
            client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            why = " ".join(str(error).split())[:120]
            raise RunError(
                f"no Dask scheduler answers at {address} ({why}); start one ('dask scheduler') or give another"
            ) from None
        stack.callback(_close, client)
        yield client, address, refill


def _leave(left: int) -> None:
    """Whoever started the scheduler looks after its workers."""


def _close(client: Any) -> None:
    """Part from a scheduler that may be gone already."""
    with contextlib.suppress(OSError, TimeoutError):
        client.close(timeout=2)


def _local(distributed: Any, workers: int) -> Any:
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        memory_limit=0,
        dashboard_address="127.0.0.1:0",  # any free port: trials may run side by side
        silence_logs=logging.CRITICAL,
    )


def _jobqueue(options: Mapping[str, Any]) -> tuple[Any, int]:
    """A cluster that asks a batch system for its workers, and how many jobs it has."""
    rest = dict(options)
    system, jobs = str(rest.pop("system", "")), rest.pop("jobs", None)
    if system not in SYSTEMS:
        raise ConfigError(f"system = '{system}' is no batch system; {suggest(system, list(SYSTEMS))}")
    if not isinstance(jobs, int) or jobs < 1:
        raise ConfigError(f"jobs = {jobs!r} is no number of jobs; write for example jobs = 20")
    try:
        import dask_jobqueue
    except ImportError:
        raise ConfigError(
            f"system = '{system}' needs dask-jobqueue, which is not installed; run pip install dask-jobqueue"
        ) from None
    try:
        made = getattr(dask_jobqueue, SYSTEMS[system])(**rest)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"dask-jobqueue refuses these options for {system}: {error}; correct them"
        ) from None
    made.scale(jobs=jobs)
    return made, jobs


@dataclass
class _Dispatch:
    """Submit, watch, and give to another worker what a dead one left."""

    distributed: Any
    client: Any
    address: str
    place: Place
    told: Told
    refill: Callable[[int], None]
    waiting: dict[Any, Work] = field(default_factory=dict)
    run_ins: dict[str, Any] = field(default_factory=dict)
    deaths: dict[str, int] = field(default_factory=dict)
    reached: dict[str, tuple[int, ...]] = field(default_factory=dict)
    submitted: int = 0
    lonely_since: float | None = None
    looked: float = 0.0

    def run(self, works: Sequence[Work]) -> None:
        """Until every life is done or has failed."""
        try:
            # lives of one person follow their run-in, so that results come from the first day on
            for work in works:
                self.submit(work)
            while self.waiting:
                self.look()
                for future in [future for future in self.waiting if future.done()]:
                    self.settle(future, self.waiting.pop(future))
        except (self.distributed.CancelledError, self.distributed.comm.CommClosedError):
            raise RunError(
                f"the Dask scheduler at {self.address} is lost; what was finished and every checkpoint is kept: start "
                "the same command again"
            ) from None

    def submit(self, work: Work) -> None:
        """Hand a life in, and its run-in if no life has done so yet."""
        text = json.dumps(work._asdict())
        common = {"place": list(self.place), "version": trabsim.__version__}
        before = None
        if not run_in_done(work.run_in_key, self.place):
            before = self.run_ins.get(work.run_in_key)
            if before is None or before.status in ("error", "cancelled"):
                before = self.run_ins[work.run_in_key] = self._hand_in(run_in_task, text, common)
        self.reached[work.key] = self.progress(work)
        self.waiting[self._hand_in(live_task, text, {**common, "before": before})] = work

    def _hand_in(self, task: Callable[..., Any], text: str, common: Mapping[str, Any]) -> Any:
        self.submitted += 1
        name = f"{task.__name__.removesuffix('_task')}-{self.submitted}"
        return self.client.submit(task, text, **common, key=name, priority=-self.submitted, retries=0)

    def look(self) -> None:
        """Wait until something ends, or a while."""
        with contextlib.suppress(TimeoutError), self.client.as_current():
            self.distributed.wait(list(self.waiting), timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
        if time.monotonic() - self.looked < LOOK_SECONDS:
            return
        self.looked, left = time.monotonic(), len(self.client.nthreads())
        self.refill(left)
        if left:
            self.lonely_since = None
        elif self.lonely_since is None:
            self.lonely_since = time.monotonic()
        elif time.monotonic() - self.lonely_since > LONELY_SECONDS:
            log.warning(
                "the scheduler at %s has had no worker for two minutes; waiting for one", self.address
            )
            self.lonely_since = time.monotonic()

    def settle(self, future: Any, work: Work) -> None:
        """Tell what became of a life, or hand it in again when its worker died."""
        try:
            reason = future.result()
        except self.distributed.KilledWorker:
            reason = self.again(work)
            if reason is None:
                return
        except self.distributed.CancelledError:
            raise
        except Exception as error:  # the task could not even begin: another Python, or no trabsim over there
            from trabsim.trials.execution import reason_of

            reason = f"the worker could not begin: {reason_of(error)}"
        self.told(work.key, reason)

    def again(self, work: Work) -> str | None:
        """Hand in a life whose workers died; returns why not, if it does not get any further."""
        further = self.progress(work) != self.reached[work.key]
        self.deaths[work.key] = 0 if further else self.deaths.get(work.key, 0) + 1
        if self.deaths[work.key] >= MOST_DEATHS:
            return (
                "its workers died again and again before the next checkpoint; does it fit into their memory?"
            )
        self.submit(work)
        return None

    def progress(self, work: Work) -> tuple[int, ...]:
        """Days of the latest checkpoints of run-in and life: grows when something was kept."""
        return (
            int(run_in_done(work.run_in_key, self.place)),
            *self.place.unfinished_run_in(work.run_in_key).days()[:1],
            *self.place.unfinished_life(work.key).days()[:1],
        )
