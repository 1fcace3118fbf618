"""A person without bone: the endocrine part of a day, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trabsim.backends import get_backend
from trabsim.clock import Clock
from trabsim.config import load_config
from trabsim.model import build_processes
from trabsim.process import Process
from trabsim.state import State

ENDOCRINE = ("ovary", "testis", "growth_hormone", "calcium_axis", "glucocorticoid", "hormone_action")


def glands(person: Mapping[str, Any] | None = None, **settings: Any) -> list[Process]:
    """The endocrine processes of a person (keys of ``[endocrine]``), in the order of the day."""
    config = load_config({"endocrine": dict(person or {}), **settings})
    day = build_processes(config, get_backend("numpy", threads=1))
    return [process for process in day if process.name in ENDOCRINE]


def nobody() -> State:
    """A state of one voxel, for its levels."""
    return State(shape=(1, 1, 1), voxel_size_um=20.0, block_voxels=1, seed=1)


def live(
    person: Mapping[str, Any] | None = None,
    drugs: Mapping[str, float] | None = None,
    days: int = 1,
    start_day: int = 0,
    **settings: Any,
) -> dict[str, float]:
    """Levels after some days of a person under constant drug levels."""
    processes, state = glands(person, **settings), nobody()
    for day in range(start_day, start_day + days):
        state.levels.update(drugs or {})
        for process in processes:
            process.apply(state, Clock(day))
    return state.levels
