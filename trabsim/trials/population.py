"""Who enters a trial: distributions of what people bring along, their correlations, and who is let in.

People are drawn by a Gaussian copula: correlated normal numbers become ranks, and ranks become values of the
distribution of each quantity, truncated where it has bounds.  Every number is drawn by the count of its person, so that
the tenth person is the same whether ten or a thousand are drawn, and whatever else is said of them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from pydantic import model_validator

from trabsim.backends import get_backend
from trabsim.errors import ConfigError
from trabsim.rng import Random, Stream
from trabsim.spelling import suggest
from trabsim.trials.clinical import Person
from trabsim.trials.distributions import Distribution
from trabsim.trials.persons import LEAST_BV_TV, MOST_BV_TV, bone_volume_at, specimen_of
from trabsim.trials.study_file import StudyTable, entry

#: What can be said of people, in the order of the correlation matrix; the order decides the draws.
QUANTITIES = (
    "age_years",
    "years_since_menopause",
    "T_score",
    "BV_TV",
    "estradiol_pg_per_mL",
    "growth_hormone_deficient",
    "load",
    "marker_level",
)

#: People that are drawn for one place in the trial before the population counts as unable to meet the inclusion.
MOST_DRAWS = 1000

#: Ages between which the final menstrual period falls; who would lie outside is not drawn.
EARLIEST_MENOPAUSE_YEARS, LATEST_MENOPAUSE_YEARS = 35.0, 60.0

#: Digits that are kept of a value, so that libraries that differ in the last bit give the same people.
DIGITS = 4


class Inclusion(StudyTable):
    """Who is let in."""

    T_score: tuple[float, float] | None = entry(
        None, "lowest and highest T-score of the lumbar spine; unless said everybody"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Inclusion:
        if self.T_score is not None and self.T_score[1] <= self.T_score[0]:
            low, high = self.T_score
            raise ValueError(f"T_score = [{low:g}, {high:g}] includes nobody; write the lower one first")
        return self

    def admits(self, T_score: float) -> bool:
        """Whether a T-score lies within, bounds included."""
        return self.T_score is None or self.T_score[0] <= T_score <= self.T_score[1]


class PopulationParams(StudyTable):
    """``[population]``: who is drawn, and who is let in."""

    sex: Literal["female", "male"] = entry("female", "sex")
    age_years: Distribution = entry(Distribution(kind="fixed", value=65.0), "age at entry")
    years_since_menopause: Distribution | None = entry(
        None, "years from the final menstrual period to entry; unless said it came at 51"
    )
    T_score: Distribution | None = entry(
        None, "T-score of the lumbar spine when the specimen is made; unless said it follows from BV/TV"
    )
    BV_TV: Distribution | None = entry(
        None, "bone volume fraction of the specimen; unless said it goes by age"
    )
    estradiol_pg_per_mL: Distribution | None = entry(
        None,
        "own estradiol: in women the plateau on their side of menopause, in men the level itself; unless said that of "
        "the configuration",
    )
    growth_hormone_deficient: Distribution | None = entry(
        None, "whether growth hormone has been lacking for ten years (kind share)"
    )
    condition: Literal["hypogonadism", "ghd", "phpt"] | None = entry(
        None,
        "what everybody has had for ten years: hypogonadism of men, growth hormone deficiency (ghd) or primary "
        "hyperparathyroidism (phpt), as in clinical tables",
    )
    load: Distribution | None = entry(
        None,
        "daily loads over what the bone is used to, from the start of the run-in on; unless said 1",
    )
    marker_level: Distribution | None = entry(
        None,
        "turnover, as a marker in serum shows it, over the usual: multiplies the rate at which sites open; unless "
        "said 1",
    )
    correlation: tuple[tuple[str, str, float], ...] = entry(
        (), "pairs of quantities with the correlation of their ranks' normal numbers"
    )
    inclusion: Inclusion = entry(Inclusion(), "who is let in")
    screen_failures: Literal["report", "replace"] = entry(
        "report",
        "what happens to people whose T-score at entry, after the run-in, lies outside the inclusion: `report` keeps "
        "and names them, `replace` draws others",
    )
    run_in_T_score_change: float = entry(
        0.0,
        "change of the T-score over the run-in that is allowed for when the specimen is made",
    )
    prior: str = entry("none", "schedule of what everybody took before entry")

    @model_validator(mode="after")
    def _no_contradiction(self) -> PopulationParams:
        if self.T_score is not None and self.BV_TV is not None:
            raise ValueError("T_score and BV_TV both say how much bone there is; keep one")
        if self.sex == "male" and self.years_since_menopause is not None:
            raise ValueError("years_since_menopause concerns women, and sex = 'male'; leave it out")
        if self.condition == "hypogonadism" and self.sex == "female":
            raise ValueError(
                "condition = 'hypogonadism' concerns men, and sex = 'female'; change sex, or say when menopause was"
            )
        if self.condition == "ghd" and self.growth_hormone_deficient is not None:
            raise ValueError("condition = 'ghd' and growth_hormone_deficient say the same; keep one")
        if self.growth_hormone_deficient is not None and self.growth_hormone_deficient.kind != "share":
            raise ValueError(
                "growth_hormone_deficient is so or not; write { kind = 'share', value = 0.1 } for a tenth of people"
            )
        for name in ("estradiol_pg_per_mL", "load", "marker_level"):
            found = getattr(self, name)
            if found is not None and found.kind == "normal" and (found.least is None or found.least < 0):
                raise ValueError(
                    f"{name} cannot be negative; give its distribution least = 0 or make it lognormal"
                )
        self.matrix()
        return self

    def given(self) -> dict[str, Distribution]:
        """Distributions that are said, by quantity."""
        return {name: getattr(self, name) for name in QUANTITIES if getattr(self, name) is not None}

    def matrix(self) -> np.ndarray:
        """Correlation matrix over `QUANTITIES`.

        Raises
        ------
        ValueError
            If a pair is unknown or said twice, or the pairs contradict each other.
        """
        found, seen = np.eye(len(QUANTITIES)), set()
        given = self.given()
        for first, second, value in self.correlation:
            for name in (first, second):
                if name not in given:
                    raise ValueError(
                        f"correlation of '{name}', which has no distribution; {suggest(name, list(given))}"
                    )
            pair = frozenset((first, second))
            if len(pair) < 2 or pair in seen:
                raise ValueError(
                    f"correlation of {first} and {second} is said twice, or of one with itself; drop one"
                )
            if not -1.0 < value < 1.0:
                raise ValueError(f"correlation {value:g} of {first} and {second} must lie between -1 and 1")
            seen.add(pair)
            i, k = QUANTITIES.index(first), QUANTITIES.index(second)
            found[i, k] = found[k, i] = value
        if np.linalg.eigvalsh(found)[0] < 1e-9:
            raise ValueError(
                "these correlations contradict each other (no such matrix exists); bring them nearer to 0"
            )
        return found


class Patient(NamedTuple):
    """One person of a trial.

    Attributes
    ----------
    number : int
        Place in the trial, from 1.
    draw : int
        Which of the people drawn for that place.
    values : dict of str to float
        What was drawn, and the T-score and BV/TV that follow from it.
    specimen_seed : int
    """

    number: int
    draw: int
    values: dict[str, float]
    specimen_seed: int


def draw_patient(population: PopulationParams, seed: int, number: int, first_draw: int = 0) -> Patient:
    """The first person for a place in the trial whom the inclusion lets in.

    Parameters
    ----------
    population : PopulationParams
    seed : int
    number : int
        Place, from 1.
    first_draw : int
        Draws that were tried before.

    Returns
    -------
    Patient

    Raises
    ------
    ConfigError
        If none of many is let in.
    """
    triangle = np.linalg.cholesky(population.matrix())
    low, high = _makeable(population.sex)
    near: list[float] = []
    for draw in range(first_draw, first_draw + MOST_DRAWS):
        values = _draw(population, triangle, seed, number, draw)
        T_score, bone = values["T_score"], values["BV_TV"]
        near.append(T_score)
        since = values.get("years_since_menopause")
        possible = since is None or (
            EARLIEST_MENOPAUSE_YEARS <= values["age_years"] - since <= LATEST_MENOPAUSE_YEARS or since < 0
        )
        if population.inclusion.admits(T_score) and LEAST_BV_TV <= bone <= MOST_BV_TV and possible:
            return Patient(number, draw, values, _seed(seed, number, draw, 0))
    wanted = population.inclusion.T_score
    said = "any T-score" if wanted is None else f"a T-score from {wanted[0]:g} to {wanted[1]:g}"
    menopause = f"menopause between {EARLIEST_MENOPAUSE_YEARS:g} and {LATEST_MENOPAUSE_YEARS:g}"
    raise ConfigError(
        f"the population cannot meet its inclusion: of {MOST_DRAWS} people drawn for patient {number} none has {said}, "
        f"bone that can be made (T-score {low:.1f} to {high:.1f}) and {menopause}; their T-scores run from "
        f"{min(near):.1f} to {max(near):.1f}: change a distribution or the inclusion"
    )


def _draw(
    population: PopulationParams, triangle: np.ndarray, seed: int, number: int, draw: int
) -> dict[str, float]:
    from scipy.special import ndtri

    random, who = Random(get_backend("numpy", threads=1), seed), np.array([number])
    ranks = [float(random.uniform(Stream.PATIENT, draw, who, k)[0]) for k in range(len(QUANTITIES))]
    normals = triangle @ ndtri(np.clip(ranks, 1e-12, 1.0 - 1e-12))
    values = {
        name: round(found.at(float(normals[QUANTITIES.index(name)])), DIGITS)
        for name, found in population.given().items()
    }
    male = population.sex == "male"
    if "T_score" in values:
        made = values["T_score"] - population.run_in_T_score_change
        values["BV_TV"] = round(_line(male)[0] + _line(male)[1] * made, DIGITS)
    else:
        if "BV_TV" not in values:
            person = Person(population.sex, values["age_years"])
            values["BV_TV"] = specimen_of(person)["BV_TV"]
        start, slope = _line(male)
        values["T_score"] = round(
            (values["BV_TV"] - start) / slope + population.run_in_T_score_change, DIGITS
        )
    return values


@lru_cache(maxsize=2)
def _line(male: bool) -> tuple[float, float]:
    """BV/TV at a T-score of 0, and its change per T-score."""
    at = [bone_volume_at(T_score, male) for T_score in (-2.0, -1.0)]
    return 2.0 * at[1] - at[0], at[1] - at[0]


def _makeable(sex: str) -> tuple[float, float]:
    """T-scores of the thinnest and densest specimens that are made."""
    start, slope = _line(sex == "male")
    return (LEAST_BV_TV - start) / slope, (MOST_BV_TV - start) / slope


def _seed(seed: int, number: int, draw: int, which: int) -> int:
    random = Random(get_backend("numpy", threads=1), seed)
    return 1 + int(
        float(random.uniform(Stream.PATIENT_SEED, draw, np.array([number]), which)[0]) * (2**31 - 2)
    )


def run_seed(seed: int, patient: Patient, replicate: int) -> int:
    """Seed of the cells of a patient's replicate, from 1."""
    return _seed(seed, patient.number, patient.draw, replicate)
