"""What drugs are called: names of a schedule become kinds.

Case, spaces, hyphens and brackets do not matter, so ``PTH(1-84)`` is ``pth_1_84``.  A brand or another name stands in
the table only where it leaves no doubt about substance and way of giving: ``estradiol`` or ``testosterone`` do not.
"""

from __future__ import annotations

import re

from trabsim.therapy.registry import therapy_kinds

#: Other names, as `plain` writes them, by kind.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "abaloparatide": ("tymlos", "eladynos"),
    "alendronate": ("alendronic_acid", "alendronate_sodium", "fosamax"),
    "anastrozole": ("arimidex",),
    "antiandrogen": ("flutamide", "eulexin"),
    "conjugated_estrogens": ("conjugated_equine_estrogens", "conjugated_estrogen", "cee", "premarin"),
    "denosumab": ("prolia", "xgeva"),
    "estradiol_oral": ("oral_estradiol",),
    "estradiol_patch": ("transdermal_estradiol", "estradiol_transdermal"),
    "gnrh_agonist": ("leuprolide", "leuprolide_acetate", "leuprorelin", "lupron", "eligard"),
    "medroxyprogesterone": ("medroxyprogesterone_acetate", "mpa", "provera"),
    "micronized_progesterone": ("prometrium",),
    "parathyroidectomy": ("ptx",),
    "prednisolone_equivalent": ("prednisolone", "prednisone"),
    "pth_1_84": ("rhpth_1_84", "hpth_1_84", "natpara", "preotact"),
    "raloxifene": ("evista",),
    "rhgh": ("gh", "growth_hormone", "somatropin"),
    "risedronate": ("risedronic_acid", "risedronate_sodium", "actonel"),
    "romosozumab": ("evenity",),
    "teriparatide": ("pth_1_34", "rhpth_1_34", "hpth_1_34", "forteo", "forsteo"),
    "tesamorelin": ("egrifta",),
    "testosterone_gel": ("androgel",),
    "vitamin_d": ("vitamin_d3", "cholecalciferol"),
    "zoledronate": ("zoledronic_acid", "reclast", "aclasta", "zometa"),
}

KINDS = {name: kind for kind, names in OTHER_NAMES.items() for name in names}


def plain(name: str) -> str:
    """A name in lower case, with one underscore for whatever is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def kind_of(name: str) -> str:
    """Kind of therapy that a name means; the name itself where none is known by it.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Examples
    --------
    >>> kind_of("Prolia"), kind_of("PTH(1-34)"), kind_of("Zoledronic acid")
    ('denosumab', 'teriparatide', 'zoledronate')
    """
    known = therapy_kinds()
    if name in known:
        return name
    word = plain(name)
    return word if word in known else KINDS.get(word, name)
