"""Static morphometry of trabecular bone: functions on plain (z, y, x) arrays."""

from trabsim.morphometry.anisotropy import Fabric, fabric
from trabsim.morphometry.measurement import METRICS, measure
from trabsim.morphometry.plates_and_rods import PlateRod, plate_rod
from trabsim.morphometry.structure_model import structure_model_index
from trabsim.morphometry.surface import bone_surface, surface_area_from_fraction
from trabsim.morphometry.thickness import (
    Thickness,
    local_thickness,
    trabecular_number,
    trabecular_separation,
    trabecular_thickness,
)
from trabsim.morphometry.topology import Connectivity, connectivity, euler_number, largest_component
from trabsim.morphometry.volume import MineralDensity, bone_volume_fraction, mineral_density

__all__ = [
    "METRICS",
    "Connectivity",
    "Fabric",
    "MineralDensity",
    "PlateRod",
    "Thickness",
    "bone_surface",
    "bone_volume_fraction",
    "connectivity",
    "euler_number",
    "fabric",
    "largest_component",
    "local_thickness",
    "measure",
    "mineral_density",
    "plate_rod",
    "structure_model_index",
    "surface_area_from_fraction",
    "trabecular_number",
    "trabecular_separation",
    "trabecular_thickness",
]
