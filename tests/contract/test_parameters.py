"""Every number of the model has a unit in its name, a meaning, a source, and a default within its limits."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

import trabsim
from trabsim.params import Params, param

LENGTHS = "nm|um|um2|um3|mm|mm2|mm3|cm|cm2|cm3|voxels"
TIMES = "day|days|year|years|hours"
AMOUNTS = "pg|ng|ug|mg|g|IU|pM|nM|MPa|mL|dL|L"
PLACES = "block|site|osteomorph|osteoblast|osteoclast"
#: A unit at the end: ``block_um``, ``rate_um3_per_day``; with ``per`` the numerator may stand in words.
WITH_UNIT = re.compile(rf"(^|_)({LENGTHS}|{TIMES}|{AMOUNTS})$|(^|_)per_({PLACES})$")
#: Words that say by themselves that a number has no unit.
PURE = re.compile(
    r"(^|_)(share|fraction|exponent|preference|gain|loss|layers|divisions|nuclei|seed|balance)(_|$)"
    r"|^(BV_TV|DA|SMI)$"
)
#: Numbers with neither: what their unit is ("1" for a pure number; else the meaning must name it).
LISTED = {
    "ActionParams.pulse_saturation": "1",
    "LiningParams.modeling_wnt": "1",
    "OsteoblastParams.crowding": "625 um2",
    "ActivationParams.fewer_per_stimulus": "1",
    "ActivationParams.unprompted": "1",
    "ActivationParams.more_per_damage": "1",
    "ActivationParams.least_by_load": "1",
    "ActivationParams.most_by_load": "1",
    "DamageParams.most": "1",
    "DamageParams.most_energy": "1",
    "LoadProgram.days_per_week": "days",
    "LoadProgram.scale": "1",
    "MechanicsParams.coarsening": "voxels",
    "MechanicsParams.most_iterations": "1",
    "MechanicsParams.most_stimulus": "1",
    "MechanicsParams.poisson_ratio": "1",
    "MechanicsParams.target_weight": "1",
    "MechanicsParams.tolerance": "1",
    "MotionParams.persistence": "1",
    "MotionParams.attraction": "1",
    "MotionParams.noise": "1",
    "MotionParams.strain_avoidance": "1",
    "OsteoclastParams.recruitment_least": "1",
    "OsteoclastParams.recruitment_most": "1",
    "OsteoclastParams.life_shape": "1",
    "OsteoclastParams.osteomorphs_half": "per block",
    "ReversalParams.osteoblasts_least": "1",
    "ReversalParams.osteoblasts_most": "1",
    "ReversalParams.osteoblasts_per_stimulus": "1",
    "ReversalParams.progenitors_half": "per block",
    "SecretionParams.output_least": "1",
    "SecretionParams.output_most": "1",
    "SecretionParams.rankl_per_unloading": "1",
    "SecretionParams.sclerostin_per_stimulus": "1",
    "FieldParams.tolerance": "1",
    "FieldParams.refresh_change": "1",
    "SignalParams.phi_least": "1",
    "SignalParams.wnt_on_rankl": "1",
    "OvaryParams.estradiol_table": "pg/mL",
    "OvaryParams.testosterone_table": "ng/dL",
    "OvaryParams.fsh_table": "IU/L",
    "OvaryParams.progesterone_table": "ng/mL",
    "OvaryParams.shbg_table": "nmol/L",
    "EndocrineParams.estradiol_table": "pg/mL",
    "EndocrineParams.testosterone_table": "ng/dL",
    "EndocrineParams.fsh_table": "IU/L",
    "EndocrineParams.progesterone_table": "ng/mL",
    "EndocrineParams.shbg_table": "nmol/L",
    "EndocrineParams.igf1_table": "ng/mL",
    "EndocrineParams.pth_table": "pg/mL",
    "EndocrineParams.hydroxyvitamin_d_table": "ng/mL",
    "EndocrineParams.glucocorticoid_table": "mg/day",
    "TherapyParams.dose": "unit",
    "TherapyParams.missed_doses": "1",
    "TherapyParams.start_months": "months",
    "TherapyParams.stop_months": "months",
    "ExerciseParams.days_per_week": "days",
    "SpecimenParams.shape": "voxels",
    "SpecimenParams.box": "voxels",
    "SpecimenParams.threshold": "gray value",
    "SpecimenParams.gaussian": "voxels",
    "SpecimenParams.density_slope": "mg HA/cm3",
    "SpecimenParams.density_intercept": "mg HA/cm3",
}
#: Where a number may come from: a paper (year), another parameter, or an honest guess with its reason.
ORIGIN = re.compile(r"\b(19|20)\d\d\b|^(assumed|derived|calibrated|measured|as in [^:]+): \S.{3,}", re.DOTALL)


def classes() -> list[type[Params]]:
    """Every parameter class of the package."""
    for module in pkgutil.walk_packages(trabsim.__path__, "trabsim."):
        if module.name.split(".")[1] not in {"backends", "viz", "__main__"}:
            importlib.import_module(module.name)

    def below(parent: type[Params]) -> Iterator[type[Params]]:
        for child in parent.__subclasses__():
            yield child
            yield from below(child)

    found = {f"{c.__module__}.{c.__qualname__}": c for c in below(Params)}
    return [found[name] for name in sorted(found) if name.startswith("trabsim.")]


def has(annotation: Any, *wanted: type) -> bool:
    """Whether a type, or a type inside it, is or derives from one of `wanted`."""
    if get_origin(annotation) is Literal:
        return False
    if inner := get_args(annotation):
        return any(has(part, *wanted) for part in inner)
    return isinstance(annotation, type) and annotation is not bool and issubclass(annotation, wanted)


def fields() -> list[tuple[str, FieldInfo]]:
    """Every parameter as ``Class.name``; tables within tables are left out."""
    return [
        (f"{cls.__name__}.{name}", info)
        for cls in classes()
        for name, info in cls.model_fields.items()
        if not has(info.annotation, Params)
    ]


def source(info: FieldInfo) -> str:
    """What a parameter says about its origin."""
    return str((info.json_schema_extra or {}).get("source", ""))


def problem_with_unit(label: str, info: FieldInfo) -> str | None:
    """What is wrong with the name of a number, or None."""
    name = label.split(".")[1]
    if not has(info.annotation, int, float) or WITH_UNIT.search(name) or PURE.search(name):
        return None
    if label not in LISTED:
        return f"{label} has no unit in its name: add one, or list it here with its unit"
    if LISTED[label] != "1" and LISTED[label] not in str(info.description):
        return f"the meaning of {label} does not name its unit {LISTED[label]}"
    return None


def test_there_are_parameters():
    assert len(fields()) > 100


def test_every_number_has_a_unit():
    assert [p for label, info in fields() if (p := problem_with_unit(label, info))] == []


def test_the_list_of_exceptions_has_no_dead_entries():
    assert set(LISTED) - {label for label, _ in fields()} == set()


def test_every_parameter_has_a_meaning_and_a_source():
    for label, info in fields():
        assert (info.description or "").strip(), label
        assert source(info).strip(), label


def test_every_number_says_where_it_comes_from():
    numbers = {label: source(info) for label, info in fields() if has(info.annotation, int, float)}
    assert [f"{label}: {text!r}" for label, text in numbers.items() if not ORIGIN.search(text)] == []


def test_every_default_is_within_its_own_limits():
    """Pydantic does not check defaults unless told to."""
    for cls in classes():
        default = cls()
        assert cls.model_validate(default.model_dump()) == default


def test_every_parameter_class_is_frozen_and_closed():
    for cls in classes():
        assert cls.model_config["frozen"]
        assert cls.model_config["extra"] == "forbid"


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("speed_um_per_day", True),
        ("per_site", True),
        ("reach_um", True),
        ("osteoblasts_per_mm2", True),
        ("fission_share", True),
        ("speed", False),
        ("per_cell", False),
        ("summary", False),
        ("reach_um_ish", False),
    ],
)
def test_the_rule_itself(name, good):
    info = FieldInfo.from_annotated_attribute(float, param(1.0, "a number", source="assumed: for this test"))
    assert (problem_with_unit(f"TestParams.{name}", info) is None) == good


def test_a_parameter_without_a_source_is_refused():
    with pytest.raises(ValueError, match="without a source: width of a cell"):
        param(1.0, "width of a cell", source=" ")
