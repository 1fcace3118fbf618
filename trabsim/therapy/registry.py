"""Which therapies there are: those of the package, and those that other packages bring.

Another package declares an entry point of the group ``trabsim.therapies``; nothing in this package is touched.  A
module is imported when its drug is asked for.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from trabsim.errors import ConfigError
from trabsim.spelling import suggest
from trabsim.therapy.inputs import INPUTS
from trabsim.therapy.therapy import EVIDENCE, Therapy

#: How alike a misspelled name must be: different drugs have names that are half alike.
LIKE_A_DRUG = 0.83

#: Group of the entry points.
GROUP = "trabsim.therapies"

#: Kind: module in `therapy.drugs` and class.
BUILT_IN = {
    "estradiol_oral": "estrogens:EstradiolOral",
    "estradiol_patch": "estrogens:EstradiolPatch",
    "conjugated_estrogens": "estrogens:ConjugatedEstrogens",
    "medroxyprogesterone": "progestogens:Medroxyprogesterone",
    "micronized_progesterone": "progestogens:MicronizedProgesterone",
    "raloxifene": "serms:Raloxifene",
    "bazedoxifene": "serms:Bazedoxifene",
    "testosterone_gel": "androgens:TestosteroneGel",
    "testosterone_cypionate": "androgens:TestosteroneCypionate",
    "testosterone_enanthate": "androgens:TestosteroneEnanthate",
    "anastrozole": "anastrozole:Anastrozole",
    "antiandrogen": "antiandrogen:Antiandrogen",
    "gonadorelin": "gonadotropins:Gonadorelin",
    "gnrh_agonist": "gonadotropins:GnrhAgonist",
    "alendronate": "bisphosphonates:Alendronate",
    "risedronate": "bisphosphonates:Risedronate",
    "zoledronate": "bisphosphonates:Zoledronate",
    "denosumab": "denosumab:Denosumab",
    "romosozumab": "romosozumab:Romosozumab",
    "teriparatide": "pth_analogs:Teriparatide",
    "abaloparatide": "pth_analogs:Abaloparatide",
    "pth_1_84": "pth_analogs:IntactPth",
    "pth_continuous": "pth_continuous:PthContinuous",
    "parathyroidectomy": "parathyroidectomy:Parathyroidectomy",
    "rhgh": "growth_hormone:GrowthHormone",
    "sermorelin": "ghrh_analogs:Sermorelin",
    "cjc_1295": "ghrh_analogs:Cjc1295",
    "tesamorelin": "ghrh_analogs:Tesamorelin",
    "ipamorelin": "ipamorelin:Ipamorelin",
    "prednisolone_equivalent": "glucocorticoid:Prednisolone",
    "calcium": "nutrients:Calcium",
    "vitamin_d": "nutrients:VitaminD",
    "exercise": "load:Exercise",
    "bed_rest": "load:BedRest",
    "spaceflight": "load:Spaceflight",
}


def therapy_kinds() -> list[str]:
    """Kinds of therapies that can be given, installed ones of other packages included.

    Returns
    -------
    list of str
    """
    return list(_kinds(entry_points, tuple(sys.path)))


@lru_cache(maxsize=8)
def _kinds(find: Callable[..., Any], path: tuple[str, ...]) -> tuple[str, ...]:
    """Kinds on a path; looking through every installed package takes longer than reading a configuration."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in find(group=GROUP))}))


@lru_cache(maxsize=256)
def therapy_class(kind: str) -> type[Therapy]:
    """The class of a kind.

    Parameters
    ----------
    kind : str

    Returns
    -------
    type
        A subclass of `Therapy`.

    Raises
    ------
    ConfigError
        If there is none, or another package's cannot be used.
    """
    if kind in BUILT_IN:
        module, name = BUILT_IN[kind].split(":")
        found: type[Therapy] = getattr(importlib.import_module(f"trabsim.therapy.drugs.{module}"), name)
        return found
    for point in entry_points(group=GROUP, name=kind):
        try:
            cls = point.load()
        except Exception as error:  # another package's code may fail in any way
            raise ConfigError(
                f"therapy '{kind}' of {point.value} cannot be loaded: {error}; mend or remove that package"
            ) from None
        problem = problem_with(cls, kind)
        if problem:
            raise ConfigError(f"therapy '{kind}' of {point.value} {problem}; mend or remove that package")
        return cls  # type: ignore[no-any-return]
    longer = [known for known in therapy_kinds() if known.startswith(f"{kind}_")]
    hint = f"write {' or '.join(longer)}" if longer else suggest(kind, therapy_kinds(), LIKE_A_DRUG)
    raise ConfigError(f"there is no therapy '{kind}'; {hint}")


def problem_with(cls: object, kind: str) -> str | None:
    """Why a class cannot serve as a therapy, None if it can."""
    if not (isinstance(cls, type) and issubclass(cls, Therapy)):
        return "is no subclass of trabsim.therapy.therapy.Therapy"
    if cls.kind != kind:
        return f"calls itself '{cls.kind}'"
    unknown = [name for name in cls.sets if name not in INPUTS]
    if unknown:
        return f"sets '{unknown[0]}', which the model does not read"
    if cls.evidence not in EVIDENCE:
        return f"has evidence '{cls.evidence}', not one of {', '.join(EVIDENCE)}"
    if cls.units and 1.0 not in (cls.units.get(cls.ledger_unit), cls.units.get(f"{cls.ledger_unit}/day")):
        return f"keeps its ledger in '{cls.ledger_unit}', which is not among its units with factor 1"
    return None
