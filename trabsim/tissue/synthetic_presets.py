"""Presets of synthetic specimens, where their numbers come from, and what else the specimens then have.

BV/TV, Tb.Th and DA are targets. Tb.Sp, Tb.N, Conn.D and SMI come with the network; the share of plates was
chosen to bring them near published values, but they are no targets, and another seed gives others.

How the lumbar numbers were found
---------------------------------
- BV/TV of women at 50 years: 0.12, an assumed middle between the 0.15-0.2 of youth and the 0.07 of the
  elderly. Change with age: vertebrae lost 51-64 % (women) and 29-38 % (men) of their trabecular area between
  33-49 and 80-89 years (Bergot et al. 1988, doi:10.1007/BF02571311); taken as straight lines that lose 55 %
  and 33 %. Women and men are assumed to start alike at 30 years.
- Tb.Th does not change with age (Thomsen et al. 2015, doi:10.1007/s00198-014-2851-x). Women: between 132 um
  (n = 9, with BV/TV 0.068, DA 1.48, Conn.D 4.8/mm3, SMI 1.7, Tb.Sp 1.02 mm; table 1 of PMC3352993, taken to
  be the human vertebrae of Slyfield et al. 2012) and 139 um (lumbar spine, Hildebrand et al. 1999,
  doi:10.1359/jbmr.1999.14.7.1167, second-hand). Men: 5 % more, as their vertical trabeculae were wider in
  Bergot et al. 1988.
- DA: a longest-to-shortest MIL ratio of 1.48 in the elderly (same table), assumed to be 1.40 at 30 and 1.44
  at 50 years, since horizontal trabeculae are lost first. 1 - 1 / ratio^2 is the DA used here.

How the iliac numbers were found
--------------------------------
- iliac_crest: BV/TV 0.154 and Tb.Sp 0.78 mm of 36 subjects without bone disease (Rubin et al. 2010,
  doi:10.1016/j.bone.2009.09.020). Tb.Th of a part of them was 170 um, which fits neither that Tb.Sp nor
  their Tb.N of 1.62/mm at that BV/TV; 140 um (within their SD of 40 um) gives about the Tb.Sp.
- iliac_crest_woman_50: BV/TV 0.251 at the start of menopause (Dufresne et al. 2003,
  doi:10.1007/s00223-002-2104-4; Tb.N 1.65/mm, Tb.Sp 0.61 mm) with the Tb.Th of 170 um of Rubin et al. 2010.
- DA: a ratio of 1.35, assumed: less than in vertebrae.  The main direction is z here too.

Reached: means of seeds 1 to 3, boxes of 2.88 mm, 90 x 90 x 90 voxels of 32 um
--------------------------------------------------------------------------------
====================  =====  ========  ====  ========  =======  ==========  ====
preset                BV/TV  Tb.Th um  DA    Tb.Sp um  Tb.N/mm  Conn.D/mm3  SMI
====================  =====  ========  ====  ========  =======  ==========  ====
lumbar_woman_30       0.155  135       0.49  766       1.11     5.7         1.35
lumbar_woman_50       0.120  135       0.52  858       1.01     5.3         1.81
lumbar_woman_70       0.086  135       0.54  990       0.89     4.1         2.24
lumbar_man_30         0.154  142       0.49  809       1.05     4.9         1.39
lumbar_man_50         0.132  142       0.52  857       1.00     5.0         1.70
lumbar_man_70         0.111  142       0.54  902       0.96     4.8         2.01
iliac_crest           0.155  141       0.45  785       1.08     5.4         1.43
iliac_crest_woman_50  0.252  169       0.45  596       1.31     7.6         1.12
====================  =====  ========  ====  ========  =======  ==========  ====

Published and not reached: an iliac SMI of 0.74, Tb.N of 1.62/mm and Conn.D of 8.4/mm3 (Rubin et al. 2010).
Conn.D is edge-corrected, Tb.N that of fitted spheres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trabsim.errors import SpecimenError

BERGOT = "assumed: 0.12 at 50 years; loss with age after Bergot et al. 1988"
THICKNESS = "132 um in PMC3352993, 139 um in Hildebrand et al. 1999, no change with age (Thomsen et al. 2015)"
DIRECTION = "assumed: MIL ratio 1.40 at 30, 1.44 at 50, 1.48 (PMC3352993) at 70 years"
PLATES = "assumed: brings Conn.D, SMI and Tb.N near published values"
WOMAN = MappingProxyType({"BV_TV": BERGOT, "Tb_Th_um": THICKNESS, "DA": DIRECTION, "plate_fraction": PLATES})
MAN = MappingProxyType({**WOMAN, "Tb_Th_um": "assumed: 5 % more than women, as in Bergot et al. 1988"})
ILIUM = MappingProxyType(
    {
        "BV_TV": "Rubin et al. 2010",
        "Tb_Th_um": "derived: gives the Tb.Sp of Rubin et al. 2010 at their BV/TV",
        "DA": "assumed: MIL ratio 1.35, less than in vertebrae",
        "plate_fraction": PLATES,
    }
)


@dataclass(frozen=True)
class Preset:
    """Targets of a synthetic specimen, and where each comes from.

    Attributes
    ----------
    BV_TV : float
        Bone volume fraction (0-1).
    Tb_Th_um : float
        Mean thickness in um: maximal spheres, full diameter, volume weighted.
    DA : float
        Degree of anisotropy: 1 - (shortest / longest mean intercept length)^2.
    plate_fraction : float
        Share of the faces between marrow spaces that carry a plate (0-1).
    sources : mapping
        Source of each of these numbers.

    Raises
    ------
    SpecimenError
        If a number has no source.
    """

    BV_TV: float
    Tb_Th_um: float
    DA: float
    plate_fraction: float
    sources: Mapping[str, str]

    def __post_init__(self) -> None:
        bare = [name for name in self.targets() if not self.sources.get(name, "").strip()]
        if bare:
            raise SpecimenError(
                f"preset without a source for {', '.join(bare)}: say where each number comes from"
            )

    def targets(self) -> dict[str, float]:
        """Keyword arguments for :func:`trabsim.tissue.synthetic.synthesize`."""
        return {
            "BV_TV": self.BV_TV,
            "Tb_Th_um": self.Tb_Th_um,
            "DA": self.DA,
            "plate_fraction": self.plate_fraction,
        }


PRESETS = MappingProxyType(
    {
        "lumbar_woman_30": Preset(0.154, 135.0, 0.49, 0.45, WOMAN),
        "lumbar_woman_50": Preset(0.120, 135.0, 0.52, 0.30, WOMAN),
        "lumbar_woman_70": Preset(0.086, 135.0, 0.54, 0.17, WOMAN),
        "lumbar_man_30": Preset(0.154, 142.0, 0.49, 0.45, MAN),
        "lumbar_man_50": Preset(0.132, 142.0, 0.52, 0.33, MAN),
        "lumbar_man_70": Preset(0.111, 142.0, 0.54, 0.24, MAN),
        "iliac_crest": Preset(0.154, 140.0, 0.45, 0.45, ILIUM),
        "iliac_crest_woman_50": Preset(
            0.251,
            170.0,
            0.45,
            0.55,
            MappingProxyType({**ILIUM, "BV_TV": "Dufresne et al. 2003", "Tb_Th_um": "Rubin et al. 2010"}),
        ),
    }
)
"""Targets by name: site, sex and age in years."""
