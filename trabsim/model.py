"""The model on one page: what happens in a day, in order.

`build_processes` is meant to be read as the methods section of a paper.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from trabsim.agents.activation import Activation, ActivationParams
from trabsim.agents.lining import Lining, LiningParams
from trabsim.agents.osteoblasts import Formation, OsteoblastParams
from trabsim.agents.osteoclast_motion import MotionParams, OsteoclastMotion
from trabsim.agents.osteoclasts import OsteoclastLife, OsteoclastParams, OsteoclastRecruitment
from trabsim.agents.osteocytes import OsteocyteParams, OsteocyteTurnover
from trabsim.agents.precursors import PrecursorParams, PrecursorPools
from trabsim.agents.resorption import Resorption, ResorptionParams
from trabsim.agents.reversal import Reversal, ReversalParams
from trabsim.clock import Clock
from trabsim.endocrine.action import ActionParams, HormoneAction
from trabsim.endocrine.calcium_axis import CalciumAxis, CalciumParams
from trabsim.endocrine.glucocorticoid import GlucocorticoidExposure, GlucocorticoidParams
from trabsim.endocrine.ovary import OvarianHistory
from trabsim.endocrine.somatotropic import SomatotropicAxis, SomatotropicParams
from trabsim.endocrine.testis import TesticularHistory, TestisParams
from trabsim.errors import ConfigError
from trabsim.fields.refresh import FieldParams, FieldRefresh
from trabsim.fields.secretion import SecretionParams
from trabsim.fields.signals import SignalParams, SurfaceSignals
from trabsim.mechanics.loads import LoadProgram, MechanicsParams
from trabsim.mechanics.mechanosensing import Mechanics
from trabsim.params import Params
from trabsim.process import Process
from trabsim.state import State
from trabsim.therapy.drugs.load import load_programs
from trabsim.therapy.notes import notes_on
from trabsim.therapy.plan import read_courses
from trabsim.therapy.therapies import Therapies
from trabsim.tissue.bisphosphonate import BisphosphonateBinding, BisphosphonateParams, BisphosphonateRelease
from trabsim.tissue.bookkeeping import Bookkeeping, MarkerParams, marker_pct
from trabsim.tissue.cortex import CortexParams, CorticalCompartment
from trabsim.tissue.damage import DamageParams, Microdamage
from trabsim.tissue.fragments import FragmentParams, Fragments
from trabsim.tissue.labels import LabelParams, Labels
from trabsim.tissue.ledger import Ledgers
from trabsim.tissue.mineral import MineralParams, mineral_mg_per_cm3
from trabsim.tissue.params import SpecimenParams
from trabsim.tissue.specimen import Specimen
from trabsim.tissue.surface import SurfaceGeometry, SurfaceParams

if TYPE_CHECKING:
    from trabsim.config import Config

log = logging.getLogger("trabsim")

#: Voxel of a synthetic specimen where the configuration is silent.
DEFAULT_VOXEL_UM = 32.0

#: Mechanisms that ``[run] disable`` may switch off, and what is then missing.
OPTIONAL = {
    "osteomorphs": "osteoclasts only die; none divide and re-join",
    "activation_debt": "sites that did not open while RANK occupancy was low are forgotten",
    "mechanics": "load is not felt: no strain, no damage, no strength",
    "lining": "abandoned surface stays bare; no modeling-based formation",
    "fragments": "loose bone stays",
}


class ProcessParams(Params):
    """One table of parameters per process."""

    testis: TestisParams = TestisParams()
    growth_hormone: SomatotropicParams = SomatotropicParams()
    calcium_axis: CalciumParams = CalciumParams()
    glucocorticoid: GlucocorticoidParams = GlucocorticoidParams()
    hormone_action: ActionParams = ActionParams()
    mechanics: MechanicsParams = MechanicsParams()
    microdamage: DamageParams = DamageParams()
    surface: SurfaceParams = SurfaceParams()
    secretion: SecretionParams = SecretionParams()
    fields: FieldParams = FieldParams()
    signals: SignalParams = SignalParams()
    precursors: PrecursorParams = PrecursorParams()
    activation: ActivationParams = ActivationParams()
    osteoclasts: OsteoclastParams = OsteoclastParams()
    osteoclast_motion: MotionParams = MotionParams()
    resorption: ResorptionParams = ResorptionParams()
    reversal: ReversalParams = ReversalParams()
    osteoblasts: OsteoblastParams = OsteoblastParams()
    lining: LiningParams = LiningParams()
    osteocytes: OsteocyteParams = OsteocyteParams()
    fragments: FragmentParams = FragmentParams()
    mineral: MineralParams = MineralParams()
    bisphosphonate: BisphosphonateParams = BisphosphonateParams()
    cortex: CortexParams = CortexParams()
    markers: MarkerParams = MarkerParams()
    labels: LabelParams = LabelParams()

    @staticmethod
    def require_optional(names: tuple[str, ...]) -> None:
        """Refuse to switch off what the model cannot do without."""
        for name in names:
            if name not in OPTIONAL:
                raise ConfigError(
                    f"run.disable = '{name}' is not a mechanism that can be switched off; "
                    f"choose from {', '.join(OPTIONAL)}"
                )


def build_processes(config: Config, backend: Any) -> list[Process]:
    """List what happens in a day, in order."""
    p, off, person = config.process, config.run.disable, config.endocrine
    for note in notes_on(read_courses(config.therapy), -config.run.spin_up_days, config.run.end_day):
        log.warning("%s", note)
    osteomorphs, loaded = "osteomorphs" not in off, "mechanics" not in off
    mineral = partial(mineral_mg_per_cm3, params=p.mineral, backend=backend)
    day: list[Process | None] = [
        # what is given, and what the body supplies
        Therapies(
            config.therapy, backend, drugs=config.drug, visit=partial(visit, config=config, backend=backend)
        ),
        OvarianHistory(person, backend) if person.sex == "female" else None,
        TesticularHistory(p.testis, backend, person=person) if person.sex == "male" else None,
        SomatotropicAxis(p.growth_hormone, backend, person=person),
        CalciumAxis(p.calcium_axis, backend, person=person),
        GlucocorticoidExposure(p.glucocorticoid, backend, person=person),
        HormoneAction(p.hormone_action, backend),
        # what the bone carries, and what its osteocytes feel
        Mechanics(_with_therapies(config), backend, mineral=mineral) if loaded else None,
        Microdamage(p.microdamage, backend, target_MPa=p.mechanics.target_MPa) if loaded else None,
        # what cells find: surface, signals
        SurfaceGeometry(p.surface, backend, credit_reach_um=p.reversal.reach_um),
        BisphosphonateBinding(p.bisphosphonate, backend),
        FieldRefresh(p.fields, backend, secretion=p.secretion),
        SurfaceSignals(p.signals, backend, local_estradiol_pg_per_mL=p.secretion.aromatase_pg_per_mL),
        # osteoclast lineage: pools, new sites, new cells, motion
        PrecursorPools(p.precursors, backend),
        Activation(p.activation, backend, with_debt="activation_debt" not in off),
        OsteoclastRecruitment(p.osteoclasts, backend, with_osteomorphs=osteomorphs),
        OsteoclastMotion(p.osteoclast_motion, backend),
        # bone is resorbed, sites turn around, bone is formed
        Resorption(
            p.resorption,
            backend,
            leave_depth_um=p.osteoclast_motion.leave_depth_um,
            credit_reach_um=p.reversal.reach_um,
        ),
        BisphosphonateRelease(p.bisphosphonate, backend),
        OsteoclastLife(p.osteoclasts, backend, with_osteomorphs=osteomorphs),
        Reversal(
            p.reversal,
            backend,
            osteoblasts=p.osteoblasts,
            progenitors_full=p.precursors.osteoprogenitors_per_block,
        ),
        Formation(p.osteoblasts, backend),
        Lining(p.lining, backend) if "lining" not in off else None,
        # matrix and what lies in it
        Fragments(p.fragments, backend, credit_reach_um=p.reversal.reach_um)
        if "fragments" not in off
        else None,
        OsteocyteTurnover(p.osteocytes, backend),
        CorticalCompartment(p.cortex, backend),
        Labels(p.labels, backend, lag_days=p.mineral.lag_days) if p.labels.days else None,
        Ledgers(p.surface, backend),
        Bookkeeping(p.markers, backend),
    ]
    return [process for process in day if process is not None]


def visit(state: State, clock: Clock, *, config: Config, backend: Any) -> dict[str, float]:
    """What a clinic sees of a patient on a day, by the names of `therapy.conditions`."""
    from trabsim.measures import core_of, density_measures

    day, person, markers = clock.day - 1, config.endocrine, config.process.markers
    seen = {"age_years": person.age_years + clock.years}
    seen["T_score"] = density_measures(state, backend, core_of(state), day, config)["T_score"]
    for name, total, marker in (
        ("CTX_pct", "resorbed_quanta", "resorption"),
        ("P1NP_pct", "formed_quanta", "formation"),
    ):
        seen[name] = marker_pct(state, backend, total, marker, day, markers)
    for name in ("prior_fracture", "FRAX_hip_fraction", "FRAX_major_fraction"):
        value = getattr(person, name, None)
        if value is not None:
            seen[name] = float(value)
    return seen


def _with_therapies(config: Config) -> MechanicsParams:
    """Mechanics whose load program also holds exercise, bed rest and spaceflight given as therapies."""
    usual = config.process.mechanics
    given = [LoadProgram(**entry) for entry in load_programs(config.therapy, config.drug)]
    return usual.model_copy(update={"program": (*usual.program, *given)}) if given else usual


def build_specimen(config: Config) -> Specimen:
    """Make the synthetic specimen that a configuration asks for, or read and prepare its scan."""
    spec = config.specimen
    if spec.source == "synthetic":
        return _synthetic(spec)
    from trabsim.tissue.scans import prepare

    return prepare(
        spec.source,
        voxel_size_um=spec.scan_voxel_size_um,
        method=spec.method,
        threshold=spec.threshold,
        gaussian=spec.gaussian,
        density_slope=spec.density_slope,
        density_intercept=spec.density_intercept,
        box=spec.box,
        region=spec.region,
        cylinder_center_voxels=spec.cylinder_center_voxels,
        cylinder_radius_voxels=spec.cylinder_radius_voxels,
        lattice_voxel_size_um=spec.voxel_size_um,
        keep=spec.keep,
        fill_cavities=spec.fill_cavities,
    )


def _synthetic(spec: SpecimenParams) -> Specimen:
    from trabsim.tissue.synthetic import PRESETS, synthesize

    if spec.preset is not None and spec.preset not in PRESETS:
        raise ConfigError(
            f"specimen.preset = '{spec.preset}' is unknown; choose from {', '.join(sorted(PRESETS))}"
        )
    wanted = PRESETS[spec.preset].targets() if spec.preset is not None else {}
    wanted |= {
        name: value for name in ("BV_TV", "Tb_Th_um", "DA") if (value := getattr(spec, name)) is not None
    }
    missing = [name for name in ("BV_TV", "Tb_Th_um", "DA") if name not in wanted]
    if missing:
        raise ConfigError(
            f"specimen.preset = none leaves {', '.join(missing)} open; give a preset or these numbers"
        )
    return synthesize(spec.shape, spec.voxel_size_um or DEFAULT_VOXEL_UM, seed=spec.seed, **wanted)
