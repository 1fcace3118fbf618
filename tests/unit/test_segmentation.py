"""Gray to bone: each rule against the plain definition on the whole image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from trabsim.errors import SpecimenError
from trabsim.tissue import gray_values
from trabsim.tissue.gray_values import otsu_threshold, smoothed_planes
from trabsim.tissue.region import Box, region_box
from trabsim.tissue.scan_formats import read_image
from trabsim.tissue.scan_image import Image
from trabsim.tissue.segmentation import segment

RNG = np.random.default_rng(11)
NOISE = RNG.integers(0, 256, (23, 31, 37), dtype=np.uint8)


@pytest.fixture
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slabs of two planes, so that their seams lie everywhere."""
    monkeypatch.setattr(gray_values, "SLAB_BYTES", 2 * 8 * 31 * 37)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.3, 9.0])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_gaussian_by_slabs_is_bit_equal_to_the_whole(sigma: float, dtype: type) -> None:
    """Any planes of any box have the bits of scipy's float64 Gaussian with reflected edges."""
    values = NOISE.astype(dtype)
    whole = ndimage.gaussian_filter(values, sigma, output=np.float64, mode="reflect")
    for box in (region_box(None, values.shape), Box(3, 20, 0, 9, 30, 37), Box(22, 23, 5, 6, 0, 37)):
        for start, stop in ((0, 1), (0, box.shape[0]), (box.shape[0] // 2, box.shape[0])):
            planes = smoothed_planes(values, sigma, box, start, stop)
            np.testing.assert_array_equal(planes, whole[box.slices][start:stop])


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_threshold_is_strict_and_slabs_leave_no_seam(sigma: float) -> None:
    """Bone is where the (smoothed) value exceeds the threshold; equal is marrow."""
    expected = ndimage.gaussian_filter(NOISE.astype(float), sigma) if sigma else NOISE
    limit = float(np.sort(expected.ravel())[expected.size // 2])
    bone = segment(Image(NOISE), threshold=limit, gaussian=sigma)
    np.testing.assert_array_equal(bone, expected > limit)
    assert 0.4 < bone.mean() < 0.51


def test_density_is_slope_times_gray_plus_intercept() -> None:
    """A threshold in mg HA/cm3 equals the gray threshold it corresponds to, given or from the file."""
    gray = NOISE.astype(np.int16) * 40 - 1000
    expected = 0.2 * gray - 390.0 > 320.0
    given = segment(
        Image(gray), method="density", threshold=320.0, density_slope=0.2, density_intercept=-390.0
    )
    np.testing.assert_array_equal(given, expected)
    meta = {"density_slope": 0.2, "density_intercept": -390.0}
    np.testing.assert_array_equal(
        segment(Image(gray, unit="native", meta=meta), method="density", threshold=320.0), expected
    )
    density = Image(0.2 * gray - 390.0, unit="mg HA/cm3")
    np.testing.assert_array_equal(segment(density, method="density", threshold=320.0), expected)


def test_mask_is_nonzero_whatever_its_values() -> None:
    """Labels, negative numbers and booleans all count as bone where they are not zero."""
    labels = np.where(NOISE > 200, NOISE.astype(np.int16) - 300, 0)
    np.testing.assert_array_equal(segment(Image(labels), method="mask"), labels != 0)
    np.testing.assert_array_equal(segment(Image(labels != 0), method="mask"), labels != 0)


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.int32])
@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_otsu_by_slabs_is_that_of_scikit_image(dtype: type, sigma: float) -> None:
    """Histogram by slabs, same threshold as scikit-image's on the whole image."""
    from skimage.filters import threshold_otsu

    two_humps = np.where(NOISE > 180, 1500 + 3.0 * NOISE, -40.0 + NOISE).astype(np.int32) // 10
    values = two_humps.astype(dtype) if dtype != np.uint8 else (two_humps + 10).astype(dtype)
    whole = ndimage.gaussian_filter(values, sigma, output=np.float64) if sigma else values
    found = otsu_threshold(Image(values), region_box(None, values.shape), sigma)
    assert found == pytest.approx(float(threshold_otsu(whole)), abs=1e-6 * float(np.ptp(whole)))


def test_otsu_looks_only_at_the_tissue() -> None:
    """Air around a core does not move the threshold."""
    values = NOISE.copy()
    tissue = np.zeros(values.shape, dtype=bool)
    tissue[4:20, 5:25, 6:30] = True
    values[~tissue] = 0
    box = region_box(None, values.shape)
    inner = Image(np.ascontiguousarray(values[4:20, 5:25, 6:30]))
    expected = otsu_threshold(inner, region_box(None, inner.values.shape))
    assert otsu_threshold(Image(values), box, 0.0, tissue) == expected
    assert otsu_threshold(Image(values), box) != expected


def test_real_scan_gives_the_published_mask(shared: Path) -> None:
    """Gaussian 1, > 63 on the 200-cube gives BV/TV 0.23374525, Otsu on the raw image 84, raw > 63 0.228."""
    scan = read_image(shared / "data" / "lhdl_3155_D_4_bc_200cube_19.5um.tif")
    assert segment(scan, threshold=63, gaussian=1).mean() == 0.23374525
    assert segment(scan, threshold=63).mean() == pytest.approx(0.228, abs=5e-4)
    assert otsu_threshold(scan, region_box(None, scan.values.shape)) == 84
    assert segment(scan, method="otsu").mean() == pytest.approx(0.186, abs=5e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"method": "kmeans", "threshold": 1},
            "unknown segmentation 'kmeans': use one of threshold, density",
        ),
        ({}, "'threshold' needs a threshold in gray values of the scan, got None"),
        ({"method": "density"}, "'density' needs a threshold in mg HA/cm3, got None"),
        ({"threshold": float("nan")}, "'threshold' needs a threshold in gray values of the scan, got nan"),
        ({"method": "otsu", "threshold": 5.0}, "'otsu' takes no threshold, but 5 was given"),
        ({"method": "mask", "threshold": 5.0}, "'mask' takes no threshold, but 5 was given"),
        ({"method": "mask", "gaussian": 1.0}, "'mask' takes no gaussian, but 1 was given"),
        ({"threshold": 1, "gaussian": -1.0}, "gaussian of -1.0 voxels: give 0 for none, or a positive sigma"),
        ({"threshold": 1, "gaussian": np.inf}, "gaussian of inf voxels: give 0 for none"),
        ({"method": "density", "threshold": 300}, "values in 'gray' and no calibration to mg HA/cm3"),
        ({"method": "density", "threshold": 300, "density_slope": 1.0}, "needs both density_slope and"),
        (
            {"method": "density", "threshold": 300, "density_slope": -1.0, "density_intercept": 0.0},
            "density_slope -1.0 and density_intercept 0.0: both must be finite, the slope above 0",
        ),
    ],
)
def test_settings_that_do_not_fit(settings: dict, message: str) -> None:
    """One line that names the setting and its value."""
    with pytest.raises(SpecimenError) as caught:
        segment(Image(NOISE), **settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_counted_and_placed(value: float) -> None:
    """NaN and infinity are refused; the message says how many and where the first is."""
    values = NOISE.astype(np.float32)
    values[5, 6, 7] = values[20, 0, 0] = value
    with pytest.raises(SpecimenError, match=r"holds 2 values that are NaN or infinite.*\(5, 6, 7\)"):
        segment(Image(values), threshold=100)


def test_one_value_everywhere_has_no_otsu_threshold() -> None:
    """A constant image cannot be segmented."""
    with pytest.raises(SpecimenError, match="every voxel of array has the value 7: nothing to segment"):
        segment(Image(np.full((4, 4, 5), 7, dtype=np.uint8)), method="otsu")
