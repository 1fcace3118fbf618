"""Who secretes what: the sources of the local fields, as whole-number sums over cells.

RANKL and sclerostin come from osteocytes, RANKL also from the cells that cover the surface; OPG comes from surface
cells, osteoblasts and *young* osteocytes; growth factors come out of matrix that is being resorbed; a little
estradiol is made in the marrow from testosterone.  Secretion here is that of healthy bone: hormones act where the
signals are received (`trabsim.fields.signals`), for estradiol reaches all secretors of a neighborhood alike.

References
----------
Xiong & O'Brien 2012, J Bone Miner Res 27:499, doi:10.1002/jbmr.1547 (osteocyte RANKL)
Fu et al. 2023, JCI Insight 8:e167790, doi:10.1172/jci.insight.167790 (OPG of young osteocytes)
"""

from __future__ import annotations

from typing import Any

from trabsim.lookup import decay_table
from trabsim.params import Params, param
from trabsim.state import FULL, Phase, State
from trabsim.units import UM2_PER_MM2

#: Secretion is added up in thousandths of a cell's healthy output.
FIXED_POINT = 1000


class SecretionParams(Params):
    """``[secretion]``."""

    surface_cells_per_mm2: float = param(
        800.0,
        "surface cells that secrete RANKL, in units of one osteocyte each",
        source="derived: 800 lining cells/mm2 (1,250 um2 each)",
        ge=0,
    )
    opg_osteoblast_share: float = param(
        0.2,
        "share of OPG from osteoblasts at their healthy density",
        source="assumed: less than from lining cells and osteocytes",
        ge=0,
        le=1,
    )
    opg_young_osteocyte_share: float = param(
        0.3,
        "share of OPG from young osteocytes in health",
        source="assumed: Fu 2023 shows they matter, not how much",
        ge=0,
        le=1,
    )
    osteoblasts_per_mm2: float = param(
        143.0, "healthy osteoblasts per bone surface", source="derived: 300/mm3 over BS/TV 2.1/mm", gt=0
    )
    young_osteocytes_per_mm2: float = param(
        80.0,
        "healthy young osteocytes (weighted) per bone surface",
        source="derived: 900 per mm2 formed x 0.13/year x mean weight over years",
        gt=0,
    )
    young_half_life_days: float = param(
        180.0, "age in which OPG secretion of an osteocyte halves", source="assumed: months (Fu 2023)", gt=1
    )
    sclerostin_per_stimulus: float = param(
        0.5,
        "less sclerostin per unit of an osteocyte's mechanical stimulus",
        source="assumed: loading halves it in mice (Robling 2008 doi:10.1074/jbc.M705092200)",
        ge=0,
    )
    rankl_per_unloading: float = param(
        0.5,
        "more RANKL per unit that the stimulus falls below zero",
        source="assumed: unloading raises osteocyte RANKL (Xiong & O'Brien 2012 doi:10.1002/jbmr.1547)",
        ge=0,
    )
    output_least: float = param(
        0.2, "least output of an osteocyte, relative", source="assumed: never silent", ge=0, le=1
    )
    output_most: float = param(
        2.0, "most output of an osteocyte, relative", source="assumed: saturates", ge=1
    )
    aromatase_pg_per_mL: float = param(
        1.0,
        "local estradiol at healthy osteoblast-lineage density and 20 ng/dL testosterone",
        source="assumed: small beside plasma before menopause",
        ge=0,
    )


def sclerostin_source(state: State, backend: Any, params: SecretionParams) -> Any:
    """Sclerostin secretion per voxel in units of one osteocyte at rest, float32: less where more load is felt."""
    return _osteocyte_output(
        state, backend, 1.0 - params.sclerostin_per_stimulus * _felt(state, backend), params
    )


def _felt(state: State, backend: Any) -> Any:
    return state.osteocytes.stimulus.astype(backend.xp.float64)


def _osteocyte_output(state: State, backend: Any, relative: Any, params: SecretionParams) -> Any:
    """Sum what living osteocytes put out, in thousandths so that the sum has no order."""
    xp, cells = backend.xp, state.osteocytes
    output = xp.floor(xp.clip(relative, params.output_least, params.output_most) * FIXED_POINT + 0.5)
    amount = xp.zeros(state.shape, xp.int32)
    backend.scatter_add(amount, cells.voxel, output.astype(xp.int32) * cells.alive.astype(xp.int32))
    return amount.astype(xp.float32) / xp.float32(FIXED_POINT)


def rankl_source(state: State, backend: Any, params: SecretionParams) -> Any:
    """RANKL secretion per voxel in units of one osteocyte at rest: osteocytes, more where less load is felt, and
    surface cells; float32."""
    surface = state.surface
    unloaded = backend.xp.maximum(-_felt(state, backend), 0.0)
    source = _osteocyte_output(state, backend, 1.0 + params.rankl_per_unloading * unloaded, params)
    source.ravel()[surface.index] += (surface.area_um2 * (params.surface_cells_per_mm2 / UM2_PER_MM2)).astype(
        "float32"
    )
    return source


def opg_source(state: State, backend: Any, day: int, params: SecretionParams) -> Any:
    """OPG secretion per voxel in um2 of healthy surface: 1 per um2 in health, float32."""
    xp, surface, p = backend.xp, state.surface, params
    lining_share = max(0.0, 1.0 - p.opg_osteoblast_share - p.opg_young_osteocyte_share)
    amount = xp.zeros(state.shape, xp.int32)
    unit = UM2_PER_MM2 * FIXED_POINT
    blasts = state.osteoblasts
    one = int(p.opg_osteoblast_share / p.osteoblasts_per_mm2 * unit)
    backend.scatter_add(amount, blasts.voxel, xp.full(len(blasts), one, xp.int32))
    cells = state.osteocytes
    young = decay_table(p.young_half_life_days, 3650.0)(backend, (day - cells.birth_day).astype(xp.float64))
    output = young * cells.alive * (p.opg_young_osteocyte_share / p.young_osteocytes_per_mm2 * unit)
    backend.scatter_add(amount, cells.voxel, xp.floor(output).astype(xp.int32))
    source = amount.astype(xp.float32) / xp.float32(FIXED_POINT)
    source.ravel()[surface.index] += (surface.area_um2 * lining_share).astype(xp.float32)
    return source


def coupling_source(state: State, backend: Any) -> Any:
    """Growth factor that open sites set free, per voxel, in voxels of healthy matrix, float32."""
    xp = backend.xp
    source = xp.zeros(state.shape, xp.float32)
    active = state.surface.active
    open_now = active[state.phase.ravel()[active] == Phase.RESORBING]
    source.ravel()[open_now] = state.credit.ravel()[open_now] * (state.matrix_factor.ravel()[open_now] / FULL)
    return source


def estradiol_source(state: State, backend: Any, params: SecretionParams) -> Any:
    """Aromatization per voxel in um2 of healthy osteoblast-lineage surface, float32."""
    xp, surface = backend.xp, state.surface
    source = xp.zeros(state.shape, xp.float32)
    source.ravel()[surface.index] = surface.area_um2.astype(xp.float32)
    return source
