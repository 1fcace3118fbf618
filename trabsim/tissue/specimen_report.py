"""What was done to a scan to make it a specimen: numbers for the provenance of a run, lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class SpecimenReport:
    """Record of one `trabsim.tissue.scans.prepare`.

    Attributes
    ----------
    source, format, sha256 : str
        File or folder, its format, and the SHA-256 of its bytes (of all files, in reading order).
    scan_shape : list of int, (z, y, x)
        Voxels of the scan.
    scan_voxel_um : list of float, (z, y, x)
        Their size.
    unit : str
        Unit of the gray values.
    gray_min, gray_max : float
        Range within the region.
    method : str
        How bone was told from marrow.
    threshold : float or None
        In mg HA/cm3 for ``density``, else in gray values; None for a mask.
    gray_threshold : float
        The same in gray values.
    gaussian_voxels : float
        Sigma of the smoothing before it.
    density_slope, density_intercept : float or None
        Calibration used, mg HA/cm3 = slope * gray + intercept.
    region : str
        What was cut out, in words.
    box_voxels : list of six int
        Part of the scan that the lattice covers (z0, z1, y0, y1, x0, x1).
    BV_TV_segmented : float
        Right after the threshold, within the tissue.
    islands, island_voxels : int
        Parts of bone that were not connected to the largest, and their voxels on the scan's grid.
    islands_dropped : bool
        Whether they were taken away.
    cavities, cavity_voxels : int
        Marrow spaces closed on all sides that were filled, and their voxels.
    cavities_filled : bool
        Whether such spaces were looked for at all.
    BV_TV_cleaned : float
        After islands and cavities.
    Tb_Th_plate_um : float or None
        Rough thickness, 2 BV/BS, for the warning about coarse lattices only.
    resampling : str
        How scan voxels became lattice voxels.
    cut_off_um : list of float, (z, y, x)
        Less than one lattice voxel left over at the far end of each axis.
    lattice_voxel_um : float
    lattice_shape : list of int, (z, y, x)
    tissue_voxels : int
        Lattice voxels that are tissue.
    BV_TV : float
        Of the specimen, the sum of bone fractions over the tissue voxels.
    warnings : list of str
        What deserves a second look, one line each.
    """

    source: str
    format: str
    sha256: str
    scan_shape: list[int]
    scan_voxel_um: list[float]
    unit: str
    gray_min: float
    gray_max: float
    method: str
    threshold: float | None
    gray_threshold: float
    gaussian_voxels: float
    density_slope: float | None
    density_intercept: float | None
    region: str
    box_voxels: list[int]
    BV_TV_segmented: float
    islands: int
    island_voxels: int
    islands_dropped: bool
    cavities: int
    cavity_voxels: int
    cavities_filled: bool
    BV_TV_cleaned: float
    Tb_Th_plate_um: float | None
    resampling: str
    cut_off_um: list[float]
    lattice_voxel_um: float
    lattice_shape: list[int]
    tissue_voxels: int
    BV_TV: float
    warnings: list[str]

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> SpecimenReport:
        """Rebuild from what `to_dict` gave, for example from the provenance of a run."""
        return cls(**{item.name: record[item.name] for item in fields(cls)})

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, texts and lists, fit for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The report for people, one fact a line, warnings last."""
        if self.method == "mask":
            rule = "nonzero voxels of the mask"
        else:
            smooth = f"Gaussian of {self.gaussian_voxels:g} voxels, then " if self.gaussian_voxels else ""
            shown = f"{self.threshold:.6g} mg HA/cm3, gray " if self.method == "density" else ""
            rule = f"{smooth}{self.method} > {shown}{self.gray_threshold:.6g}"
        cavities = f"{self.cavities} with {self.cavity_voxels} voxels, filled"
        if not self.cavities_filled:
            cavities = "left open"
        fate = "dropped" if self.islands_dropped else "kept"
        text = [
            f"source      {self.source} ({self.format}), SHA-256 {self.sha256[:16] or 'none'}",
            f"scan        {_times(self.scan_shape)} voxels of {_um(self.scan_voxel_um)} (z, y, x)",
            f"values      {self.gray_min:.6g} to {self.gray_max:.6g} ({self.unit})",
            f"region      {self.region}",
            f"bone        {rule}: BV/TV {self.BV_TV_segmented:.4f}",
            f"islands     {self.islands} with {self.island_voxels} voxels, {fate}",
            f"cavities    {cavities}",
            f"cleaned     BV/TV {self.BV_TV_cleaned:.4f}",
            f"lattice     {_times(self.lattice_shape)} voxels of {self.lattice_voxel_um:g} um, "
            f"{self.resampling}",
            f"specimen    BV/TV {self.BV_TV:.4f} in {self.tissue_voxels} tissue voxels"
            + (f", Tb.Th about {self.Tb_Th_plate_um:.0f} um (2 BV/BS)" if self.Tb_Th_plate_um else ""),
        ]
        if any(left > 0.05 for left in self.cut_off_um):
            left = " x ".join(f"{length:.4g}" for length in self.cut_off_um)
            text.append(f"cut off     {left} um at the far ends (z, y, x)")
        return text + [f"warning     {line}" for line in self.warnings]


def _times(numbers: list[int]) -> str:
    return " x ".join(str(number) for number in numbers)


def _um(lengths: list[float]) -> str:
    same = len(set(lengths)) == 1
    return f"{lengths[0]:g} um" if same else " x ".join(f"{length:g}" for length in lengths) + " um"
