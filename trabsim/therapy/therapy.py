"""What every drug has: units, label dose, evidence, parameters, a ledger, and a day.

A drug is a subclass of `Therapy`, most often of `OneCompartmentDrug`: class attributes say what it is, `params_class`
holds its numbers, and `advance` takes its amounts through a day and returns what it sets, by names of `inputs.INPUTS`.
What it must remember it writes into `Memory`, a part of ``state.levels`` under its own name.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from trabsim.params import Params, param
from trabsim.therapy.pharmacokinetics import Compartments, rate_per_day

#: Mass in mg.
MASS = {"mg": 1.0, "ug": 1e-3, "g": 1e3}

Evidence = Literal["calibrated", "uncalibrated", "hypothesis"]

EVIDENCE: dict[str, str] = {
    "calibrated": "published trials of the drug alone stand in the calibration table",
    "uncalibrated": "mechanism and pharmacokinetics are known; no single-drug trial is in the calibration table",
    "hypothesis": "evidence in human bone is thin: a hypothesis, not a prediction",
}


# Names that several drugs enter by: factors on cells, and levels that cells read themselves.
#: What growth hormone and IGF-1 change.
BY_GROWTH = (
    "activation_factor",
    "gathering_factor",
    "matrix_rate_factor",
    "osteoblast_death_factor",
    "osteoblast_recruitment_factor",
    "rankl_factor",
)
#: What sex steroids change, through the growth hormone axis too.
BY_SEX_STEROIDS = (*BY_GROWTH, "estradiol_pg_per_mL", "sclerostin_factor", "testosterone_ng_per_dL")
#: What pulses of a PTH receptor agonist change, and what its mere presence does.
BY_PTH_EXPOSURE = ("opg_factor", "rankl_factor")
BY_PTH_PULSES = (
    *BY_PTH_EXPOSURE,
    "modeling_drive",
    "osteoblast_death_factor",
    "osteoblast_recruitment_factor",
    "sclerostin_factor",
)


class Dose(NamedTuple):
    """A dose that is taken today."""

    amount: float
    bioavailability: float | None = None
    route: str | None = None


class Memory:
    """What a drug remembers: entries of ``state.levels`` whose names begin with its own."""

    def __init__(self, levels: MutableMapping[str, float], kind: str):
        self._levels, self._prefix = levels, f"{kind}_"

    def __getitem__(self, name: str) -> float:
        return self._levels.get(self._prefix + name, 0.0)

    def get(self, name: str, default: float) -> float:
        """What is remembered, or what holds before anything is."""
        return self._levels.get(self._prefix + name, default)

    def __setitem__(self, name: str, value: float) -> None:
        self._levels[self._prefix + name] = float(value)

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._levels

    def add(self, name: str, amount: float) -> None:
        """Add to a running total."""
        self[name] = self[name] + amount


class Therapy:
    """A drug, or another treatment with a dose.

    Attributes
    ----------
    kind : str
        What users write.
    units : dict of str to float
        Units of a dose, each in the unit of the ledger; empty for what is given without a unit.
    ledger_unit : str
        Unit of amounts: the one with factor 1.
    label_dose, label_every_days : float
        The largest usual dose, in the unit of the ledger, and its interval.
    routes : tuple of str
        Ways to give it, the usual one first.
    delivered_per_day : bool
        Whether a dose is what is delivered per day (patches, infusions), in units like ug/day.
    sets : tuple of str
        Names of `inputs.INPUTS` that it may change.
    enters : tuple of str
        Where it reaches cells: factors of `trabsim.factors`, or levels that cells read themselves.
    evidence : str
        ``calibrated``, ``uncalibrated`` or ``hypothesis``; see `EVIDENCE`.
    references : tuple of str
        Papers with DOI, or ``"assumed: why"``.
    series : tuple of str
        What it remembers that is written into the series, beside what it sets.
    """

    kind: ClassVar[str] = ""
    units: ClassVar[dict[str, float]] = MASS
    ledger_unit: ClassVar[str] = "mg"
    label_dose: ClassVar[float] = 0.0
    label_every_days: ClassVar[float] = 1.0
    routes: ClassVar[tuple[str, ...]] = ()
    delivered_per_day: ClassVar[bool] = False
    #: Whether a schedule needs `every`; what happens once does not.
    repeated: ClassVar[bool] = True
    sets: ClassVar[tuple[str, ...]] = ()
    enters: ClassVar[tuple[str, ...]] = ()
    evidence: ClassVar[Evidence] = "uncalibrated"
    references: ClassVar[tuple[str, ...]] = ()
    series: ClassVar[tuple[str, ...]] = ()
    params_class: ClassVar[type[Params]] = Params

    def __init__(self, params: Params | None = None):
        self.params: Any = self.params_class() if params is None else params
        unit = self.ledger_unit
        self.given, self.in_body = f"given_{unit}", f"in_body_{unit}"
        self.in_bone, self.eliminated = f"in_bone_{unit}", f"eliminated_{unit}"

    def day(self, levels: MutableMapping[str, float], doses: Sequence[Dose]) -> dict[str, float]:
        """Give the doses of a morning and take the drug through the day.

        Parameters
        ----------
        levels : mutable mapping of str to float
            ``state.levels``.
        doses : sequence of Dose
            In the unit of the ledger.

        Returns
        -------
        dict of str to float
            What it sets today; empty before the first dose.
        """
        memory = Memory(levels, self.kind)
        if not doses and self.given not in memory:
            return {}
        given = absorbed = 0.0
        for dose in doses:
            share = self.bioavailability(dose.route) if dose.bioavailability is None else dose.bioavailability
            given += dose.amount
            absorbed += dose.amount * share
        memory.add(self.given, given)
        memory.add(self.eliminated, given - absorbed)
        return self.advance(memory, absorbed)

    def bioavailability(self, route: str | None) -> float:
        """Share of a dose that reaches plasma by a route."""
        return float(getattr(self.params, "bioavailability_fraction", 1.0))

    def advance(self, memory: Memory, absorbed: float) -> dict[str, float]:
        """Take the drug through a day.

        Parameters
        ----------
        memory : Memory
            Amounts of yesterday evening; keeps those of this evening, and the ledger `in_body`, `in_bone` (where drug
            goes there) and `eliminated`.
        absorbed : float
            What of today's doses will reach plasma.

        Returns
        -------
        dict of str to float
            Values of `sets`.
        """
        raise TypeError(f"therapy '{self.kind}' does not say what it does in a day")


class OneCompartmentParams(Params):
    """Depot, plasma, out."""

    bioavailability_fraction: float = param(
        1.0,
        "share of a dose that reaches plasma",
        source="assumed: all, where a drug says nothing else",
        ge=0,
        le=1,
    )
    absorption_half_life_hours: float = param(
        1.0, "half-life in the gut or depot", source="assumed: an hour, where a drug says nothing else", gt=0
    )
    half_life_hours: float = param(
        12.0, "half-life in plasma", source="assumed: half a day, where a drug says nothing else", gt=0
    )
    volume_L: float = param(
        50.0, "volume of distribution", source="assumed: body water, where a drug says nothing else", gt=0
    )


class OneCompartmentDrug(Therapy):
    """Absorbed at one rate, eliminated at another (a Bateman function).

    Attributes
    ----------
    concentration : tuple of (str, float)
        Unit of the concentration as in names, and its value of one ledger unit per L.
    """

    concentration: ClassVar[tuple[str, float]] = ("ng_per_mL", 1e3)
    params_class: ClassVar[type[Params]] = OneCompartmentParams

    def __init__(self, params: Params | None = None):
        super().__init__(params)
        p = self.params
        self.absorption = rate_per_day(half_life_hours=p.absorption_half_life_hours)
        self.elimination = rate_per_day(half_life_hours=p.half_life_hours)
        self.compartments = Compartments(
            ("depot", "plasma"),
            {("depot", "plasma"): self.absorption, ("plasma", "eliminated"): self.elimination},
        )
        self.depot, self.plasma = f"depot_{self.ledger_unit}", f"plasma_{self.ledger_unit}"
        self.level, self.factor = self.concentration[0], self.concentration[1] / p.volume_L

    def steady(self, dose: float, every_days: float = 1.0) -> float:
        """Mean concentration in steady state of a dose that is repeated."""
        flow = dose * self.bioavailability(None) / every_days
        return self.factor * flow / self.elimination

    def flow(self, concentration: float) -> float:
        """Dose per day that would hold a concentration, in the unit of the ledger."""
        share = self.bioavailability(None)
        return concentration / self.factor * self.elimination / share if share > 0 else 0.0

    def advance(self, memory: Memory, absorbed: float) -> dict[str, float]:
        if self.delivered_per_day:
            day = self.compartments.day([memory[self.depot], memory[self.plasma]], [absorbed, 0.0])
        else:
            day = self.compartments.day([memory[self.depot] + absorbed, memory[self.plasma]])
        memory[self.depot], memory[self.plasma] = day.end
        memory[self.in_body] = day.end[0] + day.end[1]
        memory.add(self.eliminated, day.gone[0])
        mean = self.factor * day.mean[1]
        memory[self.level] = mean
        return self.effect(memory, mean)

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        """What the day's mean concentration sets."""
        raise TypeError(f"therapy '{self.kind}' does not say what its concentration sets")


def columns(drug: Therapy) -> list[str]:
    """Names in ``state.levels`` of what a drug adds to the series."""
    own = [f"{drug.kind}_{name}" for name in drug.series]
    if isinstance(drug, OneCompartmentDrug):
        own.append(f"{drug.kind}_{drug.level}")
    return list(dict.fromkeys([f"{drug.kind}_{drug.given}", *own, *drug.sets]))
