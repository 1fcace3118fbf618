"""What is measured of a running specimen: structure, cells, dynamic indices, density, markers.

Names follow the ASBMR nomenclature (Dempster et al. 2013, doi:10.1002/jbmr.1805).  A rim of three voxels along the cut
faces is left out of structural measures.  Rates are averaged over the last year, serum markers over the last months.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from trabsim.agents.osteoblasts import lifetime_volume_um3, survival, team_rates
from trabsim.architecture import architecture_measures
from trabsim.blocks import ordered_mean
from trabsim.cell_cover import osteoblast_cover_um2, osteoclast_cover_um2
from trabsim.clinic import clinic_measures, fracture_risk
from trabsim.clock import Clock
from trabsim.densitometry import density_measures
from trabsim.factors import factor
from trabsim.lattice import around, ball, unravel, voxel_at
from trabsim.state import FULL, Phase, State
from trabsim.therapy.therapies import therapy_measures
from trabsim.tissue.bisphosphonate import PER_UM2_DAY, held_quanta
from trabsim.tissue.bookkeeping import MARKERS, change, marker_pct, per_year
from trabsim.units import UM2_PER_MM2, UM3_PER_MM3

#: Voxels along each cut face that are left out of measures.
RIM = 3

#: Apposition below which two labels two weeks apart lie within 2 um and read as one.
LABEL_UM_PER_DAY = 0.15

#: Systemic levels that are reported; nan where a person's sex has no such level.
HORMONES = (
    "estradiol_pg_per_mL",
    "fsh_IU_per_L",
    "progesterone_ng_per_mL",
    "testosterone_ng_per_dL",
    "free_testosterone_ng_per_dL",
    "shbg_nmol_per_L",
    "igf1_relative",
    "pth_pg_per_mL",
    "hydroxyvitamin_d_ng_per_mL",
    "glucocorticoid_effect",
)

#: What the mechanics leaves in the systemic levels.
MECHANICAL_LEVELS = (
    "stiffness_x_MPa",
    "stiffness_y_MPa",
    "stiffness_z_MPa",
    "failure_load_N",
    "tissue_energy_MPa",
    "mechanical_stimulus",
)

#: What the last double label has shown.
LABEL_LEVELS = ("label_MAR_um_per_day", "label_MS_BS", "label_BFR_BS_um_per_year")

#: Depth from which a surface counts as eroded.
ERODED_UM = 5.0


def measure_state(
    state: State,
    clock: Clock,
    config: Any,
    backend: Any,
    *,
    microarchitecture: bool = True,
    entry: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Measure everything that is cheap, and on request the microarchitecture.

    Parameters
    ----------
    state : State
    clock : Clock
        Its day is the day about to begin; measures describe the end of the day before.
    config : Config
    backend : Backend
    microarchitecture : bool
        Whether to add Tb.Th, Tb.Sp, Tb.N, Conn.D, SMI and DA, which take seconds on a large lattice.
    entry : mapping of str to float, optional
        The row at entry, which relative fracture risk compares with; on the day of entry the row itself.

    Returns
    -------
    dict of str to float
        Units are in the names; fractions are 0-1.
    """
    day = clock.day - 1
    row: dict[str, float] = {"day": float(clock.day), "age_years": config.endocrine.age_years + clock.years}
    row |= {name: state.levels.get(name, float("nan")) for name in HORMONES}
    core = core_of(state)
    row |= volume_measures(state, backend, core, config)
    row |= density_measures(state, backend, core, day, config)
    row |= clinic_measures(row, config.endocrine, config.measures)
    if state.surface is not None:
        row |= surface_measures(state, backend, core)
        row |= cover_measures(state, backend, config)
        row |= cell_measures(state, backend, core)
        row |= dynamic_measures(state, backend, day, config)
        row |= drug_measures(state)
    if config.process.labels.days:
        row |= {name: state.levels.get(name, float("nan")) for name in LABEL_LEVELS}
    row |= mechanical_measures(state, backend)
    entry = row if entry is None and clock.day == 0 else entry
    row |= fracture_risk(row, entry, config.endocrine, config.measures)
    row |= therapy_measures(config.therapy, state.levels)
    if microarchitecture:
        row |= architecture_measures(state, backend, core)
    return row


def core_of(state: State) -> tuple[slice, slice, slice]:
    """The lattice without its rim."""
    rim = RIM if min(state.shape) > 4 * RIM else 0
    z, y, x = (slice(rim, n - rim) for n in state.shape)
    return z, y, x


def in_core(state: State, voxels: Any) -> Any:
    """Whether raveled voxels lie within the rim."""
    inside = True
    for part, coordinate in zip(core_of(state), unravel(voxels, state.shape)):
        inside = inside & (coordinate >= part.start) & (coordinate < part.stop)
    return inside


def tissue_volume_mm3(state: State, core: tuple[slice, slice, slice]) -> float:
    """Volume of the region of interest without its rim, mm3."""
    return int(state.tissue[core].sum(dtype="int64")) * state.voxel_size_um**3 / UM3_PER_MM3


def volume_measures(
    state: State, backend: Any, core: tuple[slice, slice, slice], config: Any
) -> dict[str, float]:
    """BV/TV, and the potential bone volume: what is there plus what is owed, if hormones and drugs stay as today."""
    xp = backend.xp
    voxels = max(int(state.tissue[core].sum(dtype="int64")), 1)
    bone = int(state.bone[core].sum(dtype="int64"))
    cells = state.osteoblasts
    # what living osteoblasts will still lay down, by age
    p = config.process.osteoblasts
    days = np.arange(p.oldest_days + 1)
    alive = survival(p, days, factor(state, "osteoblast_death_factor"))
    made = (
        p.rate_um3_per_day
        * factor(state, "matrix_rate_factor")
        * 0.5 ** (days / p.rate_half_life_days)
        * alive
    )
    still = np.cumsum(made[::-1])[::-1]
    # what one osteoblast lays down in its life today, over what it is worth in credit
    worth = factor(state, "osteoblast_recruitment_factor") * float(still[0]) / lifetime_volume_um3(p)
    credit = int(state.credit[core].sum(dtype="int64")) * config.process.reversal.balance * worth
    still = backend.from_numpy(still / np.maximum(alive, 1e-12) / state.quantum_um3)
    age = xp.clip(int(state.counters.get("last_day", 0)) - cells.birth_day, 0, p.oldest_days)
    owed = xp.where(in_core(state, cells.voxel), still[age] + cells.owed, 0.0) if len(cells) else xp.zeros(1)
    potential = bone + credit + float(owed.sum())
    return {
        "BV_TV": bone / (voxels * FULL),
        "potential_BV_TV": potential / (voxels * FULL),
        "remodeling_space_BV": potential / max(bone, 1) - 1.0,
    }


def surface_measures(state: State, backend: Any, core: tuple[slice, slice, slice]) -> dict[str, float]:
    """BS/TV and the shares of it that are eroded or covered by osteoid."""
    xp, surface = backend.xp, state.surface
    inside = in_core(state, surface.index)
    area = xp.where(inside, surface.area_um2, 0.0)
    total = max(float(area.sum()), 1e-9)
    phase = state.phase.ravel()[surface.index]
    depth_um = state.erosion_depth_nm.ravel()[surface.index] / 1000.0 + (
        FULL - state.bone.ravel()[surface.index]
    ) * (state.voxel_size_um / FULL)
    open_phase = (phase == Phase.RESORBING) | (phase == Phase.REVERSAL) | (phase == Phase.ARRESTED)
    eroded = float(area[open_phase & (depth_um > ERODED_UM)].sum())
    osteoid = float(area[phase == Phase.FORMING].sum())
    volume = tissue_volume_mm3(state, core)
    bone = int(state.bone[core].sum(dtype="int64")) * state.quantum_um3 / UM3_PER_MM3
    return {
        "BS_TV_per_mm": total / UM2_PER_MM2 / volume,
        "BS_BV_per_mm": total / UM2_PER_MM2 / max(bone, 1e-12),
        "ES_BS": eroded / total,
        "OS_BS": osteoid / total,
        "phi": state.levels.get("phi", float("nan")),
        "wnt": state.levels.get("wnt", float("nan")),
    }


def cover_measures(state: State, backend: Any, config: Any) -> dict[str, float]:
    """Shares of the surface that osteoclasts and living osteoblasts cover."""
    xp, p = backend.xp, config.measures
    inside = in_core(state, state.surface.index)
    total = max(float(xp.where(inside, state.surface.area_um2, 0.0).sum()), 1e-9)
    footprint_um = config.process.resorption.footprint_um
    covered = {
        "Oc_S_BS": osteoclast_cover_um2(state, backend, p.osteoclast_cover_um2, footprint_um),
        "Ob_S_BS": osteoblast_cover_um2(state, backend, p.osteoblast_cover_um2, p.osteoblast_reach_um),
    }
    return {name: float(xp.where(inside, area, 0.0).sum()) / total for name, area in covered.items()}


def cell_measures(state: State, backend: Any, core: tuple[slice, slice, slice]) -> dict[str, float]:
    """Cells per tissue volume and per surface."""
    xp = backend.xp
    volume = tissue_volume_mm3(state, core)
    area_mm2 = (
        float(xp.where(in_core(state, state.surface.index), state.surface.area_um2, 0.0).sum()) / UM2_PER_MM2
    )
    clasts = voxel_at(xp, state.osteoclasts.position_um, state.shape, state.voxel_size_um)
    n_clasts = int(in_core(state, clasts).sum()) if len(state.osteoclasts) else 0
    n_blasts = int(in_core(state, state.osteoblasts.voxel).sum()) if len(state.osteoblasts) else 0
    living = state.osteocytes.alive == 1
    n_cytes = int((in_core(state, state.osteocytes.voxel) & living).sum())
    bone = max(int(state.bone[core].sum(dtype="int64")) * state.quantum_um3 / UM3_PER_MM3, 1e-12)
    nuclei = float(state.osteoclasts.nuclei.mean()) if len(state.osteoclasts) else float("nan")
    return {
        "N_Oc_TV_per_mm3": n_clasts / volume,
        "N_Oc_BS_per_mm2": n_clasts / max(area_mm2, 1e-12),
        "N_Ob_TV_per_mm3": n_blasts / volume,
        "N_Ob_BS_per_mm2": n_blasts / max(area_mm2, 1e-12),
        "N_Ot_BV_per_mm3": n_cytes / bone,
        "nuclei_per_Oc": nuclei,
        "osteomorphs_per_mm3": int(state.osteomorphs.sum()) / volume,
    }


def dynamic_measures(state: State, backend: Any, day: int, config: Any) -> dict[str, float]:
    """Turnover over the last year, of the whole lattice, and serum markers.

    W.Th is volume formed over the area on which formation started (the cement line), Ac.f that area per surface and
    year, so that BFR/BS = Ac.f x W.Th holds by definition.  The formation period is FP = W.Th / Aj.AR with the adjusted
    apposition rate Aj.AR = MAR x MS/OS of the day (Parfitt et al. 1987, doi:10.1002/jbmr.5650020617).
    """
    got = {
        name: change(state, backend, name, day, 365)
        for name in (
            "resorbed_quanta",
            "formed_quanta",
            "modeling_formed_quanta",
            "formation_started_um2",
            "sites_opened",
        )
    }
    area_um2 = max(float(state.surface.area_um2.sum()), 1e-9)
    bone_um3 = max(int(state.bone.sum(dtype="int64")) * state.quantum_um3, 1e-9)
    formed = per_year(*got["formed_quanta"]) * state.quantum_um3
    resorbed = per_year(*got["resorbed_quanta"]) * state.quantum_um3
    started = per_year(*got["formation_started_um2"])
    row = {
        "BFR_BS_um_per_year": formed / area_um2,
        "BFR_BV_per_year": formed / bone_um3,
        "BRs_R_BV_per_year": resorbed / bone_um3,
        "Ac_f_per_year": started / area_um2,
        "W_Th_um": formed / started if started > 0 else float("nan"),
        "modeling_share_of_formation": got["modeling_formed_quanta"][0] / got["formed_quanta"][0]
        if got["formed_quanta"][0]
        else float("nan"),
        "sites_per_mm2_per_year": per_year(*got["sites_opened"]) / (area_um2 / UM2_PER_MM2),
    }
    row["MAR_um_per_day"], row["MS_BS"] = apposition(state, backend, config)
    forming = state.phase.ravel()[state.surface.index] == Phase.FORMING
    # of the whole lattice, as apposition is; no label, no period
    osteoid = float(backend.xp.where(forming, state.surface.area_um2, 0.0).sum()) / area_um2
    rate = row["MAR_um_per_day"] * row["MS_BS"]
    row["FP_days"] = row["W_Th_um"] * osteoid / rate if rate > 0 else float("nan")
    markers = config.process.markers
    for marker, (total, flow) in MARKERS.items():
        row[f"{marker}_pct_of_baseline"] = marker_pct(state, backend, total, flow, day, markers)
    return row


def drug_measures(state: State) -> dict[str, float]:
    """Bisphosphonate in bone: mean on the surface (days of uptake at the reference dose), and where the rest went."""
    delivered = max(state.counters.get("bisphosphonate_delivered", 0), 1)
    surface_um2 = max(float(state.surface.area_um2.sum()), 1e-9)
    on_surface = int(state.surface_bp.sum(dtype="int64")) if held_quanta(state) else 0
    buried = int(state.buried_bp.sum(dtype="int64")) if held_quanta(state) else 0
    return {
        "bisphosphonate_surface_days": on_surface / PER_UM2_DAY / surface_um2,
        "bisphosphonate_buried_share": buried / delivered,
        "bisphosphonate_retained_share": held_quanta(state) / delivered,
    }


def apposition(state: State, backend: Any, config: Any) -> tuple[float, float]:
    """Mineral apposition rate (um/day) and mineralizing surface MS/BS, as a double label would show them.

    Matrix made today over area, averaged over each forming voxel and its 26 neighbors.  Where less than
    `LABEL_UM_PER_DAY` is laid down, two labels two weeks apart cannot be told apart, and the surface does not count as
    double labeled.
    """
    xp, p, cells, surface = backend.xp, config.process.osteoblasts, state.osteoblasts, state.surface
    total = max(float(surface.area_um2.sum()), 1e-9)
    if len(cells) == 0:
        return float("nan"), 0.0
    age = xp.maximum(int(state.counters.get("last_day", 0)) - cells.birth_day, 0).astype(xp.float64)
    made = xp.zeros(state.shape, xp.int32)  # thousandths of um3
    volume = team_rates(p)(backend, age) * (p.rate_um3_per_day * 1000.0)
    backend.scatter_add(made, cells.voxel, volume.astype(xp.int32))
    area = xp.zeros(state.shape, xp.float32)
    area.ravel()[surface.index] = surface.area_um2
    forming = surface.index[state.phase.ravel()[surface.index] == Phase.FORMING]
    if int(forming.shape[0]) == 0:
        return float("nan"), 0.0
    near, inside = around(xp, forming, ball(1.75), state.shape)
    local_made = xp.where(inside, made.ravel()[near], 0).sum(axis=1) / 1000.0
    is_forming = inside & (state.phase.ravel()[near] == Phase.FORMING)
    local_area = xp.where(is_forming, area.ravel()[near], 0.0).sum(axis=1)
    rate = local_made / xp.maximum(local_area, 1e-9)
    labeled = rate >= LABEL_UM_PER_DAY
    weight = xp.where(labeled, area.ravel()[forming], 0.0)
    covered = float(weight.sum())
    if covered <= 0:
        return float("nan"), 0.0
    return float((weight * rate).sum()) / covered, covered / total


def mechanical_measures(state: State, backend: Any) -> dict[str, float]:
    """Stiffness, strength and strain as of the last solution; nothing where mechanics is switched off.

    Stiffness is that of the lattice (bone and marrow) under uniaxial stress, from kinematic uniform boundary
    conditions, hence an upper bound.  The failure load is for compression along z.
    """
    if "mechanics_day" not in state.counters:
        return {}
    row = {name: state.levels[name] for name in MECHANICAL_LEVELS}
    surface = state.surface
    if surface is not None:
        row["microdamage"] = ordered_mean(backend.xp, state.microdamage.ravel()[surface.index])
    return row
