"""Factors: how hormones and drugs of today change properties of cells, by name.

The endocrine system writes them into ``state.levels`` each morning; cells and signals read them there, each at one
place.  A factor that nobody wrote has its neutral value, at which a cell does exactly what it does without it.
"""

from __future__ import annotations

from typing import NamedTuple

from trabsim.state import State


class Factor(NamedTuple):
    """One line of the table.

    Attributes
    ----------
    name : str
        Key in ``state.levels``; a pure number.
    neutral : float
        Value that changes nothing.
    enters : tuple of str
        Names of the processes that read it.
    meaning : str
    """

    name: str
    neutral: float
    enters: tuple[str, ...]
    meaning: str


FACTORS: tuple[Factor, ...] = (
    # what surface cells receive
    Factor(
        "serm_competitor",
        0.0,
        ("signals",),
        "modulator at the estrogen receptor over what competes like estradiol of half response",
    ),
    Factor("serm_efficacy", 0.0, ("signals",), "response where the modulator alone fills the receptor, 0-1"),
    Factor("aromatase_activity", 1.0, ("signals",), "multiplies estradiol that marrow makes"),
    Factor("rankl_factor", 1.0, ("signals",), "multiplies RANKL"),
    Factor("opg_factor", 1.0, ("signals",), "multiplies OPG"),
    Factor("rankl_binder", 0.0, ("signals",), "antibody to RANKL; 1 halves free RANKL at baseline OPG"),
    Factor("sclerostin_factor", 1.0, ("signals",), "multiplies free sclerostin"),
    # osteoclasts
    Factor("activation_factor", 1.0, ("activation", "cortex"), "multiplies the rate at which sites open"),
    Factor(
        "osteoclast_life_factor", 1.0, ("osteoclast_life", "cortex"), "multiplies the life of osteoclasts"
    ),
    # osteoblasts
    Factor("gathering_factor", 1.0, ("reversal",), "multiplies the speed at which osteoprogenitors gather"),
    Factor(
        "osteoblast_recruitment_factor", 1.0, ("reversal", "cortex"), "multiplies osteoblasts per credit paid"
    ),
    Factor(
        "matrix_rate_factor", 1.0, ("formation", "cortex"), "multiplies matrix made by an osteoblast a day"
    ),
    Factor(
        "osteoblast_death_factor", 1.0, ("formation", "cortex"), "multiplies the hazard that ends osteoblasts"
    ),
    Factor("modeling_drive", 0.0, ("lining",), "adds to Wnt signaling where lining cells begin to form bone"),
    # osteocytes
    Factor("osteocyte_death_factor", 1.0, ("osteocytes",), "multiplies the rate at which osteocytes die"),
)

#: Neutral value of each factor.
NEUTRAL: dict[str, float] = {factor.name: factor.neutral for factor in FACTORS}


def factor(state: State, name: str) -> float:
    """Today's value of a factor; its neutral value where nobody wrote it."""
    return state.levels.get(name, NEUTRAL[name])
