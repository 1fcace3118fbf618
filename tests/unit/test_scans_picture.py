"""The picture of a specimen: it shows the right slices, the right way round, at the right scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trabsim.errors import SpecimenError
from trabsim.tissue.plate_thickness import plate_thickness_um
from trabsim.tissue.scans import Image, Specimen, prepare
from trabsim.tissue.slice_picture import (
    BONE,
    GAP,
    INK,
    LINE,
    MARGIN,
    MARROW,
    PANEL,
    bar_length_um,
    slice_picture,
)


def pixels(path: Path) -> np.ndarray:
    from PIL import Image as Picture

    with Picture.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def corner_specimen() -> Specimen:
    """Bone in one corner of each axis: low z, low y, high x."""
    bone = np.zeros((20, 20, 20), dtype=np.float32)
    bone[:10, :12, 8:] = 1.0
    return Specimen(bone, None, 50.0, "corner")


def test_slices_stand_the_right_way_round(tmp_path: Path) -> None:
    """Across z, y runs down; in the other two z runs up, so low z is below."""
    bone = np.zeros((20, 20, 20), dtype=np.float32)
    bone[:14, :12, 8:] = 1.0
    sheet = pixels(slice_picture(Specimen(bone, None, 50.0, "corner"), tmp_path / "p.png"))
    top = MARGIN + LINE
    lefts = [MARGIN + column * (PANEL + GAP) for column in range(3)]

    def color(panel: int, down: float, right: float) -> tuple[int, ...]:
        return tuple(int(c) for c in sheet[top + int(down * PANEL), lefts[panel] + int(right * PANEL)])

    assert color(0, 0.1, 0.9) == BONE  # low y, high x
    assert color(0, 0.9, 0.9) == color(0, 0.1, 0.1) == MARROW
    assert color(1, 0.9, 0.9) == BONE  # low z is below
    assert color(1, 0.1, 0.9) == MARROW
    assert color(2, 0.9, 0.1) == BONE  # low z below, low y left
    assert color(2, 0.1, 0.1) == color(2, 0.9, 0.9) == MARROW


def test_scale_bar_has_the_length_it_says(tmp_path: Path) -> None:
    """20 voxels of 50 um over 720 pixels: the bar of 0.2 mm is 144 pixels long."""
    sheet = pixels(slice_picture(corner_specimen(), tmp_path / "p.png"))
    row = sheet[MARGIN + LINE + PANEL + GAP + LINE // 2 - 10]
    assert bar_length_um(1000.0) == 200.0
    bar = (row[: MARGIN + 200] == INK).all(axis=-1)
    assert np.flatnonzero(bar)[0] == MARGIN
    assert bar[MARGIN : MARGIN + 144].all()
    assert not bar[MARGIN + 144 : MARGIN + 152].any()


@pytest.mark.parametrize(
    ("extent", "bar"), [(3900.0, 1000.0), (600.0, 200.0), (599.0, 100.0), (1.6e4, 5000.0)]
)
def test_bar_lengths_are_round(extent: float, bar: float) -> None:
    """1, 2 or 5 times a power of ten, at most a third of the width."""
    assert bar_length_um(extent) == bar


def test_gray_slice_lies_over_its_bone(tmp_path: Path) -> None:
    """With box, mask and another lattice, bright gray stands above light bone in all three panels."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(np.random.default_rng(2).standard_normal((50, 60, 70)), 3.0)
    scan = Image(((noise / noise.std() + 3) * 30).clip(0, 255).astype(np.uint8), 20.0)
    specimen = prepare(
        scan,
        threshold=100,
        keep="all",
        box=(3, 48, 5, 55, 8, 69),
        region="cylinder",
        cylinder_radius_voxels=24.0,
        lattice_voxel_size_um=30.0,
    )
    sheet = pixels(slice_picture(specimen, tmp_path / "p.png", scan)).astype(int)
    scale = PANEL / max(specimen.shape)
    nz, ny, nx = (round(n * scale) for n in specimen.shape)
    row = max(nz, ny) + GAP
    left = MARGIN
    for height, width in ((ny, nx), (nz, nx), (nz, ny)):
        top = MARGIN + LINE
        gray = sheet[top : top + height, left : left + width]
        below = sheet[top + row : top + row + height, left : left + width]
        plain = (np.ptp(gray, axis=-1) == 0) & (below != 255).any(axis=-1)  # neither outline nor outside
        bone = (below == BONE).all(axis=-1) & plain
        marrow = (below == MARROW).all(axis=-1) & plain
        assert bone.sum() > 1000
        assert marrow.sum() > 1000
        assert np.percentile(gray[bone, 0], 2) > np.percentile(gray[marrow, 0], 98)
        for turned in (gray[::-1], gray[:, ::-1]):  # the wrong way round would not pass
            assert np.percentile(turned[bone, 0], 2) < np.percentile(turned[marrow, 0], 98)
        left += width + GAP


def test_picture_of_another_scan_is_refused(tmp_path: Path) -> None:
    """Outlines are drawn over the scan they come from, or not at all."""
    values = np.full((10, 11, 12), 10, dtype=np.uint8)
    values[3:7] = 200
    specimen = prepare(Image(values, 20.0), threshold=100)
    with pytest.raises(SpecimenError, match="array is not the scan that this specimen was prepared from"):
        slice_picture(specimen, tmp_path / "p.png", Image(values[1:], 20.0))
    with pytest.raises(SpecimenError, match="is not the scan"):
        slice_picture(corner_specimen(), tmp_path / "p.png", Image(values, 20.0))


def test_picture_that_cannot_be_written(tmp_path: Path) -> None:
    """One line with the path."""
    with pytest.raises(SpecimenError, match=r"cannot write the picture .*p.png: No such file or directory"):
        slice_picture(corner_specimen(), tmp_path / "missing" / "p.png")


def test_plate_thickness_of_known_shapes() -> None:
    """A plate inside the box: faces on both sides, so 2 BV/BS is its thickness times the staircase's 3/2.

    A ball's true 2 BV/BS is 2r/3; its voxel faces are 3/2 of its surface, which the factor takes back.
    """
    plate = np.zeros((20, 16, 16), dtype=bool)
    plate[6:12] = True
    assert plate_thickness_um(plate, (10.0, 10.0, 10.0)) == pytest.approx(60.0 * 1.5)
    assert plate_thickness_um(plate, (10.0, 20.0, 30.0)) == pytest.approx(60.0 * 1.5)
    ball = (np.indices((60, 60, 60)) - 29.5).__pow__(2).sum(axis=0) <= 24.0**2
    assert plate_thickness_um(ball, (10.0, 10.0, 10.0)) == pytest.approx(2 * 240.0 / 3, rel=0.02)
    tissue = np.ones(plate.shape, dtype=bool)
    tissue[12:] = False  # the upper face is the edge of the specimen, not a surface
    assert plate_thickness_um(plate, (10.0, 10.0, 10.0), tissue) == pytest.approx(120.0 * 1.5)
    assert plate_thickness_um(np.ones((4, 4, 4), dtype=bool), (1.0, 1.0, 1.0)) is None
