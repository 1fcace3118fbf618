"""``[specimen]``: the piece of bone that a run starts from."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from trabsim.params import Params, param


class SpecimenParams(Params):
    """``[specimen]``: a synthetic specimen, or a scan with the way to segment it."""

    source: str = param(
        "synthetic", "`synthetic`, or the path of a scan", source="assumed: the embedded default"
    )
    preset: str | None = param(
        "lumbar_woman_50", "synthetic preset", source="assumed: the age menopause begins"
    )
    shape: tuple[int, int, int] = param(
        (80, 80, 80),
        "lattice [z, y, x] in voxels of a synthetic specimen",
        source="assumed: 2.6 mm, seconds a year",
    )
    voxel_size_um: float | None = param(
        None,
        "voxel edge of the lattice; left out: 32 um for a synthetic specimen, its own for a scan",
        source="assumed: a quarter of Tb.Th",
        gt=2,
        le=80,
    )
    seed: int = param(1, "seed of the synthetic specimen", source="assumed: any integer will do", ge=0)
    BV_TV: float | None = param(
        None, "bone volume fraction wanted", source="assumed: that of the preset", gt=0, lt=0.8
    )
    Tb_Th_um: float | None = param(
        None, "trabecular thickness wanted", source="assumed: that of the preset", gt=20, lt=1000
    )
    DA: float | None = param(
        None, "degree of anisotropy wanted", source="assumed: that of the preset", ge=0, lt=0.95
    )
    scan_voxel_size_um: float | None = param(
        None,
        "voxel size of the scan where its file carries none",
        source="assumed: the file's own",
        gt=0.5,
        le=500,
    )
    method: Literal["threshold", "density", "otsu", "mask"] = param(
        "threshold", "gray to bone", source="assumed: a fixed threshold"
    )
    threshold: float | None = param(
        None,
        "gray value (method threshold) or mg HA/cm3 (method density) above which a voxel is bone",
        source="assumed: required by those methods",
    )
    gaussian: float = param(
        0.0, "sigma of the Gaussian before the threshold, voxels", source="assumed: none", ge=0, le=5
    )
    density_slope: float | None = param(
        None, "mg HA/cm3 per gray value", source="assumed: the scanner's phantom"
    )
    density_intercept: float | None = param(
        None, "mg HA/cm3 at gray value 0", source="assumed: the scanner's phantom"
    )
    box: tuple[int, int, int, int, int, int] | None = param(
        None, "region of interest [z0, z1, y0, y1, x0, x1] in scan voxels", source="assumed: the whole image"
    )
    region: str | None = param(
        None, "`cylinder`, or the path of a mask image", source="assumed: the whole image"
    )
    cylinder_center_voxels: tuple[float, float] | None = param(
        None, "center (y, x) of the cylinder, scan voxels", source="assumed: found in the image"
    )
    cylinder_radius_voxels: float | None = param(
        None, "radius of the cylinder, scan voxels", source="assumed: found in the image", gt=1
    )
    keep: Literal["largest", "all"] = param(
        "largest", "which connected parts stay", source="assumed: islands bear nothing"
    )
    fill_cavities: bool = param(
        True, "whether marrow enclosed in bone is filled", source="assumed: noise of the scan"
    )

    @model_validator(mode="after")
    def _large_enough(self) -> SpecimenParams:
        if min(self.shape) < 16:
            raise ValueError(
                f"shape {list(self.shape)} is too small; give at least 16 voxels along each axis"
            )
        return self
