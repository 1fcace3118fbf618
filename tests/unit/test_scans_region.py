"""Region of interest: boxes, masks and cores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trabsim.errors import SpecimenError
from trabsim.tissue.region import Box, cylinder_tissue, find_cylinder, region_box, tissue_bounds
from trabsim.tissue.scans import Image, prepare


def sponge(shape: tuple[int, int, int]) -> np.ndarray:
    """Connected random bone, BV/TV about 0.5, gray 200 in 10."""
    from scipy import ndimage

    noise = np.random.default_rng(5).standard_normal(shape)
    smooth = ndimage.gaussian_filter(noise, 1.5)
    return np.where(smooth > 0, 200, 10).astype(np.uint8)


VALUES = sponge((24, 40, 44))


def test_box_is_cut_out_of_the_whole_scan() -> None:
    """Ends are not included; the Gaussian still sees what lies beyond the box."""
    whole = prepare(Image(VALUES, 20.0), threshold=100, gaussian=1.0, keep="all", fill_cavities=False)
    box = (3, 20, 5, 30, 1, 44)
    part = prepare(Image(VALUES, 20.0), threshold=100, gaussian=1.0, keep="all", fill_cavities=False, box=box)
    np.testing.assert_array_equal(part.bone_fraction, whole.bone_fraction[3:20, 5:30, 1:44])
    assert part.tissue is None
    assert part.report["box_voxels"] == list(box)


def test_outside_a_mask_there_is_no_tissue(tmp_path: Path) -> None:
    """The lattice is the box around the mask; BV/TV counts only voxels within it."""
    mask = np.zeros(VALUES.shape, dtype=np.uint8)
    mask[4:20, 6:30, 8:40] = 7
    mask[4:10, 6:10, 8:20] = 0
    np.save(tmp_path / "mask.npy", mask)
    specimen = prepare(
        Image(VALUES, 20.0), threshold=100, keep="all", fill_cavities=False, region=tmp_path / "mask.npy"
    )
    assert specimen.tissue is not None
    np.testing.assert_array_equal(specimen.tissue, mask[4:20, 6:30, 8:40] != 0)
    bone = (VALUES > 100) & (mask != 0)
    np.testing.assert_array_equal(specimen.bone_fraction, bone[4:20, 6:30, 8:40])
    np.testing.assert_allclose(specimen.BV_TV, bone.sum() / (mask != 0).sum(), rtol=1e-12)
    for same in (mask, Image(mask)):
        again = prepare(Image(VALUES, 20.0), threshold=100, keep="all", fill_cavities=False, region=same)
        np.testing.assert_array_equal(again.bone_fraction, specimen.bone_fraction)


def test_marrow_at_the_edge_of_the_tissue_is_no_cavity() -> None:
    """A hole that touches the outside of the mask is open."""
    values = np.full((12, 12, 12), 200, dtype=np.uint8)
    values[5:7, 5:7, 5:7] = 10
    values[2, 2, 2] = 10  # not tissue's edge: closed
    mask = np.ones(values.shape, dtype=bool)
    mask[6:] = False
    values[:1] = 10
    specimen = prepare(Image(values, 20.0), threshold=100, region=mask)
    assert specimen.report["cavity_voxels"] == 1
    assert not specimen.bone_fraction[5, 5:7, 5:7].any()


def test_cylinder_holds_the_voxels_whose_center_lies_inside() -> None:
    """A disk in every slice; center and radius in voxels of the scan."""
    tissue = cylinder_tissue(Box(2, 5, 10, 30, 0, 25), (20.0, 12.0), 5.0)
    y, x = np.mgrid[10:30, 0:25]
    np.testing.assert_array_equal(tissue[1], (y - 20) ** 2 + (x - 12) ** 2 <= 25)
    assert tissue.shape == (3, 20, 25)
    assert tissue_bounds(tissue, Box(2, 5, 10, 30, 0, 25)) == Box(2, 5, 15, 26, 7, 18)


def test_given_cylinder_defaults_to_the_center_of_the_box() -> None:
    """Radius alone is enough for a core in the middle."""
    specimen = prepare(
        Image(VALUES, 20.0), threshold=100, region="cylinder", cylinder_radius_voxels=15.0, keep="all"
    )
    assert specimen.tissue is not None
    assert specimen.shape == (24, 30, 30)
    assert specimen.tissue.sum() == pytest.approx(24 * np.pi * 15**2, rel=0.02)
    np.testing.assert_array_equal(specimen.tissue, specimen.tissue[:, ::-1, ::-1])


def test_core_is_found_from_its_bone() -> None:
    """Center within half a voxel, radius within 2 %, in coordinates of the scan whatever the box."""
    values = sponge((60, 90, 80))
    y, x = np.mgrid[:90, :80]
    values[:, (y - 47.3) ** 2 + (x - 36.6) ** 2 > 31.0**2] = 0
    for box in (Box(0, 60, 0, 90, 0, 80), Box(2, 58, 9, 90, 1, 79)):
        center, radius = find_cylinder(values[box.slices] > 100, box)
        assert center == pytest.approx((47.3, 36.6), abs=0.5)
        assert radius == pytest.approx(31.0, rel=0.02)
    specimen = prepare(Image(values, 20.0), method="otsu", region="cylinder")
    assert specimen.tissue is not None
    assert "cylinder found at" in specimen.report["region"]
    np.testing.assert_allclose(specimen.BV_TV, 0.5, atol=0.05)


def test_found_core_narrows_otsu_to_itself() -> None:
    """Air outside the core is not part of Otsu's histogram."""
    noise = np.random.default_rng(6).integers(0, 60, (60, 64, 64), dtype=np.int16)
    values = sponge((60, 64, 64)) + noise
    y, x = np.mgrid[:64, :64]
    outside = (y - 31.5) ** 2 + (x - 31.5) ** 2 > 25.0**2
    values[:, outside] = -900
    with_core = prepare(Image(values, 20.0), threshold=100, region="cylinder")
    otsu = prepare(Image(values, 20.0), method="otsu", box=(0, 60, 15, 49, 15, 49))
    assert with_core.report["gray_min"] == -900  # a rim voxel or two
    assert otsu.report["gray_min"] >= 10


def test_a_square_is_not_taken_for_a_core() -> None:
    """The real thing to do with a cube is to leave the region out."""
    with pytest.raises(
        SpecimenError, match=r"no cylinder along z found: the bone's outline has roundness 0\.7"
    ):
        prepare(Image(VALUES[:, :40, :40], 20.0), threshold=100, region="cylinder")


def test_no_bone_no_core() -> None:
    """Nothing to find a cylinder by."""
    with pytest.raises(SpecimenError, match="no cylinder found: there is no bone to find it by"):
        prepare(Image(VALUES, 20.0), threshold=250, region="cylinder")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"box": (0, 25, 0, 40, 0, 44)},
            "does not lie in the image: z runs from 0 to 25, the image from 0 to 24",
        ),
        ({"box": (0, 24, -1, 40, 0, 44)}, "y runs from -1 to 40"),
        ({"box": (0, 24, 0, 40, 30, 30)}, "x runs from 30 to 30"),
        ({"box": (0, 24, 0, 40)}, "give six whole numbers (z0, z1, y0, y1, x0, x1)"),
        ({"box": (0, 24, 0, 40, 0, 43.5)}, "give six whole numbers"),
        ({"region": VALUES[1:]}, "the region mask array has shape (23, 40, 44), the scan (24, 40, 44)"),
        ({"region": VALUES * 0}, "the region mask array is empty within the box"),
        (
            {"region": "cylinder", "cylinder_center_voxels": (200.0, 20.0), "cylinder_radius_voxels": 9.0},
            "the cylinder at (y, x) = (200, 20) with radius 9 voxels does not meet the box",
        ),
        ({"region": "cylinder", "cylinder_radius_voxels": 0.0}, "radius above 0"),
        ({"region": "cylinder", "cylinder_center_voxels": (20.0, 20.0)}, "without a radius"),
        ({"cylinder_radius_voxels": 9.0}, "without region = 'cylinder': add it"),
        ({"region": "no such mask.nii"}, "no such file or folder: no such mask.nii"),
    ],
)
def test_regions_that_do_not_fit(settings: dict[str, Any], message: str) -> None:
    """One line with the numbers of region and image."""
    with pytest.raises(SpecimenError) as caught:
        prepare(Image(VALUES, 20.0), threshold=100, **settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whole_image_without_a_box() -> None:
    """No box is the whole image."""
    assert region_box(None, (3, 4, 5)) == Box(0, 3, 0, 4, 0, 5)
