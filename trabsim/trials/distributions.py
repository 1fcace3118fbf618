"""How one quantity is spread over people: normal, lognormal, uniform, one value or a share, cut off at bounds."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import model_validator

from trabsim.trials.study_file import StudyTable, entry

#: Which numbers each kind of distribution takes.
TAKES = {
    "normal": ("mean", "sd"),
    "lognormal": ("mean", "sd"),
    "uniform": ("least", "most"),
    "fixed": ("value",),
    "share": ("value",),
}


class Distribution(StudyTable):
    """Distribution of one quantity over people."""

    kind: Literal["normal", "lognormal", "uniform", "fixed", "share"] = entry(
        "fixed", "shape; `share` is 1 for that share of people, else 0"
    )
    mean: float | None = entry(None, "mean, of a lognormal that of the values")
    sd: float | None = entry(None, "standard deviation of the values", gt=0)
    value: float | None = entry(None, "value, or share")
    least: float | None = entry(None, "least value; cut off below")
    most: float | None = entry(None, "greatest value; cut off above")

    @model_validator(mode="after")
    def _complete(self) -> Distribution:
        bounds = {"least", "most"} if self.kind in ("normal", "lognormal", "uniform") else set()
        for name in TAKES[self.kind]:
            if getattr(self, name) is None:
                raise ValueError(f"a {self.kind} distribution needs {name}; add it")
        for name in {"mean", "sd", "value", "least", "most"} - set(TAKES[self.kind]) - bounds:
            if getattr(self, name) is not None:
                raise ValueError(f"a {self.kind} distribution takes no {name}; leave it out")
        if self.least is not None and self.most is not None and self.most <= self.least:
            raise ValueError(f"most = {self.most:g} does not lie above least = {self.least:g}; exchange them")
        if self.kind == "lognormal" and (self.mean or 0.0) <= 0:
            raise ValueError(f"a lognormal distribution has a positive mean, got {self.mean:g}")
        if self.kind == "share" and not 0.0 <= (self.value or 0.0) <= 1.0:
            raise ValueError(f"a share lies between 0 and 1, got {self.value:g}")
        if self.kind in ("normal", "lognormal"):
            low, high = self._ranks()
            if high - low < 1e-9:
                raise ValueError(
                    f"nobody of this distribution lies between {self.least} and {self.most}; widen the bounds"
                )
        return self

    def at(self, normal: float) -> float:
        """Value of the person with this standard normal number.

        Parameters
        ----------
        normal : float

        Returns
        -------
        float
        """
        from scipy.special import ndtr, ndtri

        rank = float(ndtr(normal))
        if self.kind == "fixed":
            return float(self.value or 0.0)
        if self.kind == "share":
            return float(rank < (self.value or 0.0))
        if self.kind == "uniform":
            least, most = float(self.least or 0.0), float(self.most or 0.0)
            return least + rank * (most - least)
        low, high = self._ranks()
        mean, sd = self._normal()
        x = mean + sd * float(ndtri(low + rank * (high - low)))
        return math.exp(x) if self.kind == "lognormal" else x

    def _normal(self) -> tuple[float, float]:
        """Mean and standard deviation of the value, or of its logarithm."""
        mean, sd = float(self.mean or 0.0), float(self.sd or 0.0)
        if self.kind == "normal":
            return mean, sd
        spread = math.sqrt(math.log1p((sd / mean) ** 2))
        return math.log(mean) - 0.5 * spread**2, spread

    def _ranks(self) -> tuple[float, float]:
        """Ranks of the bounds."""
        from scipy.special import ndtr

        mean, sd = self._normal()

        def rank(bound: float | None, beyond: float) -> float:
            if bound is None:
                return beyond
            if self.kind == "lognormal":
                bound = math.log(bound) if bound > 0 else -math.inf
            return float(ndtr((bound - mean) / sd))

        return rank(self.least, 0.0), rank(self.most, 1.0)
