"""Random numbers by counter, not by sequence.

Every draw is a pure function of seed, stream, day and the id of the cell or voxel that draws, so results do not depend
on thread count, on storage order, or on a stop and resume.  All streams stand in one list.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class Stream(IntEnum):
    """What a random number is for.  Never renumber: a checkpoint resumes with the same streams."""

    OSTEOCYTE_SEEDING = 1
    PACKET_AGE = 2
    ACTIVATION = 3
    OSTEOCLAST_ARRIVAL = 4
    OSTEOCLAST_PLACE = 5
    OSTEOCLAST_LIFE = 6
    OSTEOCLAST_MOVE = 7
    OSTEOCLAST_FATE = 8
    OSTEOCLAST_FUSION = 9
    PRECURSOR_SUPPLY = 10
    PRECURSOR_COMMIT = 11
    PRECURSOR_DEATH = 12
    PRECURSOR_MOVE = 13
    OSTEOMORPH_DEATH = 14
    OSTEOPROGENITOR_SUPPLY = 15
    OSTEOPROGENITOR_DEATH = 16
    OSTEOPROGENITOR_MOVE = 17
    OSTEOBLAST_RECRUIT = 18
    OSTEOBLAST_FATE = 19
    OSTEOBLAST_MOVE = 20
    OSTEOBLAST_DEPOSIT = 21
    LINING_COVER = 22
    MODELING_FORMATION = 23
    OSTEOCYTE_DEATH = 24
    RECRUITMENT_SIZE = 25
    MISSED_DOSE = 40
    PATIENT = 60
    PATIENT_SEED = 61


class Random:
    """Counter-based random numbers of one run on one backend."""

    def __init__(self, backend: Any, seed: int):
        self.backend = backend
        self.seed = int(seed)

    def uniform(self, stream: Stream, day: int, ids: Any, draw: int = 0) -> Any:
        """Uniform numbers in [0, 1), one per id, float64."""
        # spin-up days are negative; the counter word is unsigned
        return self.backend.uniform(self.seed, int(stream), int(day) % 2**32, ids, int(draw))

    def round(self, stream: Stream, day: int, ids: Any, expected: Any, draw: int = 0) -> Any:
        """Round `expected` up or down at random so that the mean is kept; int64."""
        xp = self.backend.xp
        low = xp.floor(expected)
        up = self.uniform(stream, day, ids, draw) < (expected - low)
        return low.astype(xp.int64) + up

    def binomial(self, stream: Stream, day: int, ids: Any, n: Any, p: Any, draw: int = 0) -> Any:
        """Binomial counts by inversion of one uniform number per id.

        Parameters
        ----------
        n : int64 array
            Trials.  Meant for counts up to a few thousand.
        p : float or float64 array
            Probability, at most about 0.5 for speed; any value in [0, 1] is right.
        """
        xp = self.backend.xp
        n = xp.asarray(n)
        p = xp.zeros(n.shape, xp.float64) + p
        mirrored = p > 0.5
        p = xp.where(mirrored, 1.0 - p, p)
        # long rows are split so that (1 - p) ** n never underflows
        result = xp.zeros(n.shape, xp.int64)
        left = n.copy()
        part = 0
        while True:
            m = xp.minimum(left, 500)
            u = self.uniform(stream, day, ids, draw + 1000 * part)
            result += self.backend.binomial_inversion(u, m, p)
            left -= m
            part += 1
            if not bool((left > 0).any()):
                break
        return xp.where(mirrored, n - result, result)
