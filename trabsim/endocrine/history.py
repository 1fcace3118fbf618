"""Who the person is: ``[endocrine]``, with sex, age, diet, diseases of glands, and levels that were measured.

A history that contradicts itself is refused with one line.  Keys that only concern the other sex must keep their
defaults, so that a preset of one sex can be the base of one of the other.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from trabsim.endocrine.measured import Table, require_in_order
from trabsim.endocrine.ovary import OvaryParams
from trabsim.params import param
from trabsim.units import DAYS_PER_YEAR

#: Estradiol (pg/mL) that no ovary reaches outside of pregnancy.
PREGNANCY_PG_PER_ML = 1000.0
#: Estradiol (pg/mL) that nobody has after menopause, and no man, without a drug (assumed: published means are 5-15 and
#: 20-30; obesity, aromatase excess and tumors that make estrogen bring tens, rarely more than a hundred).
AFTER_MENOPAUSE_PG_PER_ML = 200.0

WOMEN_ONLY: tuple[str, ...] = tuple(
    name
    for name in OvaryParams.model_fields
    if name not in {"age_years", "estradiol_table", "testosterone_table", "shbg_table"}
)
MEN_ONLY: tuple[str, ...] = ("hypogonadism", "hypogonadism_age_years", "hypogonadism_testosterone_ng_per_dL")

#: Measured tables, the unit of their values, and the disease key that they replace.
TABLES = {
    "estradiol_table": ("pg/mL", None),
    "testosterone_table": ("ng/dL", "hypogonadism"),
    "igf1_table": ("ng/mL", "growth_hormone_deficiency_age_years"),
    "pth_table": ("pg/mL", "hyperparathyroidism_age_years"),
    "hydroxyvitamin_d_table": ("ng/mL", None),
    "glucocorticoid_table": ("mg/day", None),
}
#: Tables that configurations of runs that are kept do not know.
LATER_TABLES = ("fsh_table", "progesterone_table", "shbg_table", "glucocorticoid_table")


class EndocrineParams(OvaryParams):
    """``[endocrine]``: sex, age, diet, diseases of glands and measured levels."""

    sex: Literal["female", "male"] = param("female", "sex", source="assumed: most trials are in women")
    hypogonadism: Literal["primary", "secondary"] | None = param(
        None,
        "failing testes (`primary`) or pituitary (`secondary`, which gonadorelin restores)",
        source="assumed: none",
    )
    hypogonadism_age_years: float = param(18.0, "age at its onset", source="assumed: lifelong", ge=0, le=110)
    hypogonadism_testosterone_ng_per_dL: float = param(
        230.0, "testosterone under it", source="Snyder 2017 PMID 28241231: men below 275", ge=0, le=1000
    )
    growth_hormone_deficiency_age_years: float | None = param(
        None, "age at the onset of growth hormone deficiency", source="assumed: none", ge=0, le=110
    )
    hyperparathyroidism_age_years: float | None = param(
        None, "age at the onset of primary hyperparathyroidism", source="assumed: none", ge=0, le=110
    )
    hyperparathyroidism_pth_pg_per_mL: float = param(
        120.0, "PTH under it", source="assumed: mild disease, twice the upper limit of normal", gt=0, le=5000
    )
    glucocorticoid_excess_mg_per_day: float = param(
        0.0,
        "own cortisol beyond the normal, as prednisolone",
        source="assumed: none; some 10 in Cushing's syndrome",
        ge=0,
        le=200,
    )
    calcium_intake_mg_per_day: float = param(
        800.0, "calcium in the diet", source="assumed: usual intake", gt=0, le=5000
    )
    hydroxyvitamin_d_ng_per_mL: float = param(
        25.0, "25-hydroxyvitamin D without supplements", source="assumed: usual level", gt=0, le=200
    )
    prior_fracture: bool = param(
        False, "whether bone broke under little force before entry", source="assumed: none"
    )
    FRAX_hip_fraction: float | None = param(
        None, "10-year chance of hip fracture by FRAX", source="assumed: given by the user", ge=0, le=1
    )
    FRAX_major_fraction: float | None = param(
        None, "10-year chance of major fracture by FRAX", source="assumed: given by the user", ge=0, le=1
    )
    igf1_table: Table | None = param(
        None,
        "measured IGF-1 without drugs as [day after entry, ng/mL] pairs; replaces the axis",
        source="assumed: measured by the user",
    )
    pth_table: Table | None = param(
        None,
        "measured PTH without drugs as [day after entry, pg/mL] pairs; replaces diet, vitamin D and disease",
        source="assumed: measured by the user",
    )
    hydroxyvitamin_d_table: Table | None = param(
        None,
        "measured 25-hydroxyvitamin D without supplements as [day after entry, ng/mL] pairs",
        source="assumed: measured by the user",
    )

    glucocorticoid_table: Table | None = param(
        None,
        "measured excess of cortisol, as prednisolone, as [day after entry, mg/day] pairs; replaces the constant",
        source="assumed: measured by the user",
    )

    @model_serializer(mode="wrap")
    def _told(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the tables that came later where they are not given: hashes of what was run stay the same."""
        return {
            name: value
            for name, value in write(self).items()
            if value is not None or name not in LATER_TABLES
        }

    @model_validator(mode="after")
    def _tables(self) -> EndocrineParams:
        for name, (unit, disease) in TABLES.items():
            require_in_order(name, getattr(self, name), unit)
            if disease and getattr(self, name) is not None and getattr(self, disease) is not None:
                raise ValueError(f"{name} and {disease} set the same level; leave one of them out")
        for name in ("igf1_table", "hydroxyvitamin_d_table"):
            if any(value <= 0 for _, value in getattr(self, name) or ()):
                raise ValueError(f"{name} holds 0 ng/mL, which nobody has; correct it")
        if self.glucocorticoid_table is not None and self.glucocorticoid_excess_mg_per_day:
            raise ValueError(
                "glucocorticoid_table and glucocorticoid_excess_mg_per_day set the same level; leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _one_sex(self) -> EndocrineParams:
        fields = type(self).model_fields
        for name in MEN_ONLY if self.sex == "female" else WOMEN_ONLY:
            value = getattr(self, name)
            if value != fields[name].default:
                other = "men" if self.sex == "female" else "women"
                raise ValueError(
                    f"{name} = {value!r} concerns {other}, and sex = '{self.sex}'; change sex or leave the key out"
                )
        return self

    @model_validator(mode="after")
    def _no_contradiction(self) -> EndocrineParams:
        if self.hypogonadism is None:
            for name in MEN_ONLY[1:]:
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(
                        f"{name} is given without hypogonadism; say hypogonadism = 'primary' or 'secondary'"
                    )
        high, low = self.estradiol_premenopausal_pg_per_mL, self.estradiol_postmenopausal_pg_per_mL
        if low > AFTER_MENOPAUSE_PG_PER_ML:
            raise ValueError(
                f"estradiol_postmenopausal_pg_per_mL = {low:g}: no gland makes more than "
                f"{AFTER_MENOPAUSE_PG_PER_ML:g} after menopause; correct it, or give the drug as a [[therapy]]"
            )
        if low > high:
            raise ValueError(
                f"estradiol_postmenopausal_pg_per_mL = {low:g} lies above "
                f"estradiol_premenopausal_pg_per_mL = {high:g}; exchange them"
            )
        for day, value in self.estradiol_table or ():
            self._require_possible(day, value)
        return self

    def _require_possible(self, day: float, value: float) -> None:
        """Refuse an estradiol that only pregnancy or a drug can bring about."""
        age = self.age_years + day / DAYS_PER_YEAR
        ends = [
            age for age in (self.final_menstrual_period_age_years, self.surgical_menopause_age_years) if age
        ]
        after = self.sex == "female" and bool(ends) and age > min(ends)
        if self.sex == "male" and value > AFTER_MENOPAUSE_PG_PER_ML:
            who = "in a man"
        elif after and value > AFTER_MENOPAUSE_PG_PER_ML:
            who = f"at {age:.1f} years, after menopause at {min(ends):g}"
        elif value > PREGNANCY_PG_PER_ML:
            who = "outside of pregnancy"
        else:
            return
        raise ValueError(
            f"estradiol_table holds {value:g} pg/mL on day {day:g}, {who}; no gland makes that: "
            "correct it, or give the drug as a [[therapy]]"
        )
