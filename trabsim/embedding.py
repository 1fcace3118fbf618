"""Give a specimen its first cells: the state that a run starts from.

Matrix ages follow the turnover of the bone (exponential with its mean age, in packets of about 60 um), so mineral is in
balance from the start.  Osteocytes are as dense as histology says.  Osteoclasts, osteoblasts and open sites are
absent: the spin-up before entry lets them appear.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trabsim.agents.osteocytes import OsteocyteParams
from trabsim.config import Config
from trabsim.lattice import repeat_rows, unravel
from trabsim.lookup import LookupTable
from trabsim.rng import Random, Stream
from trabsim.state import FULL, State, empty_state
from trabsim.tissue.mineral import MineralParams
from trabsim.tissue.specimen import Specimen


def embed(specimen: Specimen, config: Config, backend: Any) -> State:
    """Build the first state of a run.

    Parameters
    ----------
    specimen : Specimen
    config : Config
    backend : Backend

    Returns
    -------
    State
        At the first day of the spin-up.
    """
    parts = config.process
    h = specimen.voxel_size_um
    block_voxels = max(1, round(parts.precursors.block_um / h))
    state = empty_state(backend, specimen.shape, h, block_voxels, config.run.seed)
    xp = backend.xp
    first_day = -config.run.spin_up_days
    quanta = np.rint(specimen.bone_fraction.astype(np.float64) * FULL).astype(np.int32)
    tissue = (
        np.ones(specimen.shape, np.uint8) if specimen.tissue is None else specimen.tissue.astype(np.uint8)
    )
    quanta *= tissue
    state.arrays["bone"] = backend.from_numpy(quanta)
    state.arrays["tissue"] = backend.from_numpy(tissue)
    state.matrix_factor[...] = 1.0
    state.lining_reserve[...] = 1.0
    state.contact_day[...] = first_day
    random = Random(backend, config.run.seed)
    _age_packets(state, random, backend, parts.mineral, first_day)
    _seed_osteocytes(state, random, backend, parts.osteocytes)
    state.counters["initial_quanta"] = int(quanta.astype(np.int64).sum())
    state.counters["tissue_voxels"] = int(tissue.astype(np.int64).sum())
    fill_pools(state, xp, parts.precursors)
    return state


def fill_pools(state: State, xp: Any, params: Any) -> None:
    """Start every pool at its healthy size."""
    n = state.osteoclast_precursors.shape[0]
    state.osteoclast_precursors[...] = params.precursors_per_block
    state.osteoprogenitors[...] = params.osteoprogenitors_per_block
    state.arrays["osteoclast_committed"] = xp.zeros((n, params.maturation_days), xp.int64)
    state.osteoclast_mature[...] = params.mature_per_block


def _age_packets(state: State, random: Random, backend: Any, params: MineralParams, first_day: int) -> None:
    """Draw the age of the matrix packet by packet from the exponential law of steady turnover."""
    xp = backend.xp
    table = LookupTable(lambda u: -np.log1p(-u * 0.999), 0.0, 1.0)
    edge = max(1, round(params.packet_um / state.voxel_size_um))
    plane = state.shape[1] * state.shape[2]
    for z in range(
        state.shape[0]
    ):  # plane by plane: the whole lattice at once would need eight bytes per voxel
        voxel = xp.arange(z * plane, (z + 1) * plane, dtype=xp.int64)
        _, y, x = unravel(voxel, state.shape)
        packet = ((z // edge) * (1 << 20) + y // edge) * (1 << 20) + x // edge
        age = table(backend, random.uniform(Stream.PACKET_AGE, 0, packet)) * params.mean_age_days
        age = xp.minimum(age, params.oldest_days)
        state.formed_day[z] = (first_day - age.astype(xp.int32)).reshape(state.shape[1:])


def _seed_osteocytes(state: State, random: Random, backend: Any, params: OsteocyteParams) -> None:
    xp = backend.xp
    per_voxel = params.density_per_mm3 * (state.voxel_size_um / 1000.0) ** 3
    found = []
    plane = state.shape[1] * state.shape[2]
    bone = state.bone.ravel()
    for z in range(state.shape[0]):
        voxel = xp.arange(z * plane, (z + 1) * plane, dtype=xp.int64)
        voxel = voxel[2 * bone[voxel] >= FULL]
        number = random.round(Stream.OSTEOCYTE_SEEDING, 0, voxel, per_voxel * bone[voxel] / FULL)
        found.append(voxel[repeat_rows(xp, number)])
    voxel = xp.concatenate(found)
    n = int(voxel.shape[0])
    first = state.new_ids("osteocyte", n)
    state.osteocytes.append(
        xp,
        id=xp.arange(first, first + n, dtype=xp.int64),
        voxel=voxel,
        birth_day=state.formed_day.ravel()[voxel],
        reference=xp.zeros(n, xp.float32),
        stimulus=xp.zeros(n, xp.float32),
        alive=xp.ones(n, xp.uint8),
    )
    state.count("osteocytes_born", n)
