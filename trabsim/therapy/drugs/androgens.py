"""Testosterone: a gel on the skin, and oily injections of two esters.

Counted as testosterone in plasma, with a man's clearance of 1,200 L/day; in women it is about half, which
``[drug.testosterone_gel] half_life_hours`` can say.  Whether the body's own production goes on is a matter of the
testis.  Esters are absorbed more slowly than they are cleared: their half-life is that of the depot.

References
----------
Swerdloff et al. 2000, J Clin Endocrinol Metab 85:4500, doi:10.1210/jcem.85.12.7045 (gel)
Nankin 1987, Fertil Steril 47:1004 (cypionate: highest on days 2-5 after 200 mg, at the start again by day 14)
Behre et al. 1999, Eur J Endocrinol 140:414, doi:10.1530/eje.0.1400414 (enanthate)
"""

from __future__ import annotations

from typing import ClassVar

from trabsim.params import Params, param
from trabsim.therapy.therapy import BY_SEX_STEROIDS, Memory, OneCompartmentDrug, OneCompartmentParams


class TestosteroneParams(OneCompartmentParams):
    """Depot and plasma; the dose counts as testosterone."""

    #: A name that begins with Test is not a test.
    __test__: ClassVar[bool] = False

    half_life_hours: float = param(
        2.0, "half-life in plasma", source="assumed: an hour or two, with binding to SHBG", gt=0
    )
    volume_L: float = param(
        144.0,
        "apparent volume",
        source="derived: clearance 1,200 L/day, 7 mg/day hold 580 ng/dL in men",
        gt=0,
    )


class TestosteroneDrug(OneCompartmentDrug):
    """What all have alike."""

    __test__: ClassVar[bool] = False
    concentration = ("ng_per_dL", 1e5)
    params_class: ClassVar[type[Params]] = TestosteroneParams
    sets = ("testosterone_drug_ng_per_dL",)
    enters = BY_SEX_STEROIDS

    def effect(self, memory: Memory, concentration: float) -> dict[str, float]:
        return {"testosterone_drug_ng_per_dL": concentration}


class TestosteroneGelParams(TestosteroneParams):
    """``[drug.testosterone_gel]``."""

    bioavailability_fraction: float = param(
        0.10, "share of a dose that reaches plasma", source="Swerdloff 2000: 9-14 %", ge=0, le=1
    )
    absorption_half_life_hours: float = param(
        12.0, "half-life in the skin", source="derived: steady on the second day (Swerdloff 2000)", gt=0
    )


class TestosteroneGel(TestosteroneDrug):
    """Testosterone gel; the dose is the testosterone in the gel."""

    kind = "testosterone_gel"
    label_dose = 100.0
    routes = ("transdermal",)
    evidence = "calibrated"
    references = ("doi:10.1210/jcem.85.12.7045",)
    params_class = TestosteroneGelParams


class TestosteroneCypionateParams(TestosteroneParams):
    """``[drug.testosterone_cypionate]``."""

    bioavailability_fraction: float = param(
        0.699,
        "testosterone per ester (mg/mg, as share)",
        source="derived: molar masses 288.4 / 412.6",
        ge=0,
        le=1,
    )
    absorption_half_life_hours: float = param(
        168.0, "half-life in the muscle", source="assumed: 7-8 days in the label (Nankin 1987)", gt=0
    )


class TestosteroneCypionate(TestosteroneDrug):
    """Testosterone cypionate in oil; the dose is the ester."""

    kind = "testosterone_cypionate"
    label_dose = 400.0
    label_every_days = 14.0
    routes = ("intramuscular", "subcutaneous")
    evidence = "uncalibrated"
    references = ("assumed: Nankin 1987 Fertil Steril 47:1004, without DOI",)
    params_class = TestosteroneCypionateParams


class TestosteroneEnanthateParams(TestosteroneParams):
    """``[drug.testosterone_enanthate]``."""

    bioavailability_fraction: float = param(
        0.720,
        "testosterone per ester (mg/mg, as share)",
        source="derived: molar masses 288.4 / 400.6",
        ge=0,
        le=1,
    )
    absorption_half_life_hours: float = param(
        108.0, "half-life in the muscle", source="Behre 1999: 4.5 days", gt=0
    )


class TestosteroneEnanthate(TestosteroneDrug):
    """Testosterone enanthate in oil; the dose is the ester."""

    kind = "testosterone_enanthate"
    label_dose = 400.0
    label_every_days = 14.0
    routes = ("intramuscular", "subcutaneous")
    evidence = "uncalibrated"
    references = ("doi:10.1530/eje.0.1400414",)
    params_class = TestosteroneEnanthateParams
