"""Lives of arms: which runs a set of rows needs, each arm as long as its last row asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trabsim.trials.clinical import Arm, ClinicalRow
from trabsim.trials.lives import FIRST_MONTH, Life
from trabsim.trials.outcomes import Series, structure_months
from trabsim.trials.persons import arm_tables


@dataclass(frozen=True)
class Settings:
    """What all lives of a scorecard have in common.

    Attributes
    ----------
    seeds : int
        Number of seeds, from 1; each has a specimen and cells of its own.
    shape : (int, int, int)
        Voxels.
    voxel_size_um : float
    overrides : mapping
        Dotted keys of parameters that differ from the defaults.
    """

    seeds: int = 4
    shape: tuple[int, int, int] = (56, 56, 56)
    voxel_size_um: float = 36.0
    overrides: Mapping[str, Any] = field(default_factory=dict)


class ArmLives:
    """Collect arms and make their lives.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings):
        self.settings = settings
        self._months: dict[Arm, int] = {}
        self._structure: dict[Arm, set[int]] = {}
        self._made: dict[tuple[Arm, int], Life] | None = None

    def need(self, arm: Arm, row: ClinicalRow, more_structure: Sequence[int] = ()) -> None:
        """Let an arm last as long as a row asks for."""
        last = max(math.ceil(row.months[1]), math.ceil(row.eval_month), 0)
        self._months[arm] = max(self._months.get(arm, 0), last, *more_structure)
        slow = set(structure_months(row))
        if slow:
            slow |= set(more_structure)
        self._structure.setdefault(arm, set()).update(slow)
        self._made = None

    @property
    def by_arm(self) -> dict[tuple[Arm, int], Life]:
        """Lives by arm and seed."""
        if self._made is None:
            self._made = {
                (arm, seed): self._life(arm, seed)
                for seed in range(1, self.settings.seeds + 1)
                for arm in self._months
            }
        return self._made

    @property
    def lives(self) -> list[Life]:
        """All lives; those of one person and seed follow each other."""
        return sorted(self.by_arm.values(), key=lambda life: (life.before["run"]["seed"], life.run_in_key))

    def series(self, arm: Arm, rows: Mapping[str, Series]) -> dict[int, Series]:
        """What was run of an arm, by seed.

        Parameters
        ----------
        arm : Arm
        rows : mapping of str to series
            By key of the life, as `trabsim.trials.execution.run_lives` gives them.
        """
        seeds = range(1, self.settings.seeds + 1)
        keys = {seed: self.by_arm[arm, seed].key for seed in seeds}
        return {seed: rows[key] for seed, key in keys.items() if key in rows}

    def _life(self, arm: Arm, seed: int) -> Life:
        s = self.settings
        before = arm_tables(arm, seed=seed, shape=s.shape, voxel_size_um=s.voxel_size_um)
        return Life(
            before=before,
            therapy=tuple(dict(items) for items in arm.schedule),
            months=tuple(range(FIRST_MONTH, self._months[arm] + 1)),
            structure_months=tuple(sorted(self._structure[arm])),
            overrides=dict(s.overrides),
            label=f"{' + '.join(arm.kinds) or 'no drug'}, {arm.person.sex} of {arm.person.age_years:g}, seed {seed}",
        )
