"""An agonist of GnRH that shuts gonadotropins off, and GnRH in pulses that keeps them up.

A depot of the agonist gives off drug at an even rate until it is empty, as its microspheres do: 7.5 mg last a month,
22.5 mg three.  The pituitary needs a week or two to fall silent, and as long to come back.  Its first flare is left
out.  Gonadorelin is gone within the hour; what it leaves is a pulse of LH, whose effect on the testis fades over a day.

References
----------
Sharifi et al. 1990, J Urol 143:68 (leuprolide depot: castrate after a median of 21 days, no escape)
Periti et al. 2002, Clin Pharmacokinet 41:485, doi:10.2165/00003088-200241070-00003 (leuprolide)
Hoffman & Crowley 1982, N Engl J Med 307:1237, doi:10.1056/NEJM198211113072003 (pulses of GnRH)
"""

from __future__ import annotations

from trabsim.params import Params, param
from trabsim.therapy.pharmacokinetics import Compartments, rate_per_day
from trabsim.therapy.therapy import BY_SEX_STEROIDS, Memory, OneCompartmentDrug, OneCompartmentParams, Therapy


class GnrhAgonistParams(Params):
    """``[drug.gnrh_agonist]``."""

    release_mg_per_day: float = param(
        0.225,
        "drug that a depot gives off while it lasts",
        source="derived: 7.5 mg last a month in the label",
        gt=0,
    )
    bioavailability_fraction: float = param(
        0.94, "share of a dose that reaches plasma", source="Periti 2002: 94 % under the skin", ge=0, le=1
    )
    half_life_hours: float = param(3.0, "half-life in plasma", source="Periti 2002: about 3 h", gt=0)
    volume_L: float = param(
        36.0, "volume of distribution", source="Periti 2002: 36 L after injection into a vein", gt=0
    )
    half_ng_per_mL: float = param(
        0.02,
        "concentration at which half of the gonadotropins are shut off",
        source="assumed: castrate at 0.1",
        gt=0,
    )
    silence_days: float = param(
        5.0,
        "time in which the pituitary falls silent or wakes",
        source="derived: castrate in 2-4 weeks (Sharifi 1990)",
        gt=0,
    )


class GnrhAgonist(Therapy):
    """Leuprolide depot."""

    kind = "gnrh_agonist"
    label_dose = 7.5
    label_every_days = 30.4375
    routes = ("intramuscular", "subcutaneous")
    sets = ("gonadotropin_suppression",)
    enters = BY_SEX_STEROIDS
    evidence = "calibrated"
    references = ("doi:10.2165/00003088-200241070-00003",)
    series = ("ng_per_mL",)
    params_class = GnrhAgonistParams

    def __init__(self, params: Params | None = None):
        super().__init__(params)
        out = rate_per_day(half_life_hours=self.params.half_life_hours)
        self.compartments = Compartments(("plasma",), {("plasma", "eliminated"): out})

    def advance(self, memory: Memory, absorbed: float) -> dict[str, float]:
        p = self.params
        depot = memory["depot_mg"] + absorbed
        released = min(depot, p.release_mg_per_day)
        day = self.compartments.day([memory["plasma_mg"]], [released])
        memory["depot_mg"], memory["plasma_mg"] = depot - released, day.end[0]
        memory[self.in_body] = memory["depot_mg"] + day.end[0]
        memory.add(self.eliminated, day.gone[0])
        concentration = day.mean[0] / p.volume_L * 1e3
        memory["ng_per_mL"] = concentration
        goal = concentration / (concentration + p.half_ng_per_mL)
        before = memory["silence"]
        memory["silence"] = before + (goal - before) * min(1.0, 1.0 / p.silence_days)
        return {"gonadotropin_suppression": memory["silence"]}


class GonadorelinParams(OneCompartmentParams):
    """``[drug.gonadorelin]``."""

    bioavailability_fraction: float = param(
        0.5,
        "share of a dose that reaches plasma",
        source="assumed: half of a peptide under the skin",
        ge=0,
        le=1,
    )
    absorption_half_life_hours: float = param(
        0.2, "half-life under the skin", source="assumed: minutes", gt=0
    )
    half_life_hours: float = param(0.3, "half-life in plasma", source="assumed: 10-40 min in the label", gt=0)
    volume_L: float = param(12.0, "volume of distribution", source="assumed: 10-15 L", gt=0)
    half_ug: float = param(
        50.0,
        "daily dose that keeps up half of the gonadotropins",
        source="assumed: 5-10 ug every two hours restore a testis (Hoffman & Crowley 1982)",
        gt=0,
    )
    fades_half_life_days: float = param(
        1.0,
        "half-life of the effect of a pulse on the gonads",
        source="assumed: that of intratesticular testosterone",
        gt=0,
    )


class Gonadorelin(OneCompartmentDrug):
    """GnRH under the skin (hypothesis: that injections keep up the body's own production beside testosterone)."""

    kind = "gonadorelin"
    label_dose = 0.2
    routes = ("subcutaneous",)
    concentration = ("pg_per_mL", 1e6)
    sets = ("gonadorelin_support",)
    enters = BY_SEX_STEROIDS
    evidence = "hypothesis"
    references = ("doi:10.1056/NEJM198211113072003",)
    params_class = GonadorelinParams

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        p = self.params
        dose = self.flow(concentration)
        left = memory["support"] * 0.5 ** (1.0 / p.fades_half_life_days)
        memory["support"] = max(dose / (dose + p.half_ug * 1e-3), left)
        return {"gonadorelin_support": memory["support"]}
