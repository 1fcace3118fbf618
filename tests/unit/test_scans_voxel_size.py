"""Voxel sizes: taken from where a file really says them, and not from where it only seems to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from trabsim.errors import SpecimenError
from trabsim.tissue.scan_formats import read_image
from trabsim.tissue.scan_image import Image, agreed_spacing
from trabsim.tissue.scans import prepare
from trabsim.tissue.tiff_scans import natural_key

VOLUME = (np.arange(5 * 6 * 7) % 251).astype(np.uint8).reshape(5, 6, 7)


def saved(path: Path, **settings: Any) -> Image:
    tifffile.imwrite(path / "scan.tif", VOLUME, photometric="minisblack", **settings)
    return read_image(path / "scan.tif")


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m", "mm", "nm"])
def test_imagej_units(unit: str, tmp_path: Path) -> None:
    """ImageJ writes pixels per unit and the slice distance in that unit."""
    scale = {"mm": 1e3, "nm": 1e-3}.get(unit, 1.0)
    size = 25.0 / scale
    metadata = {"axes": "ZYX", "unit": unit, "spacing": 2 * size}
    image = saved(tmp_path, imagej=True, resolution=(1 / size, 1 / size), metadata=metadata)
    assert image.spacing_um == pytest.approx((50.0, 25.0, 25.0), rel=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"resolution": (0.05, 0.05), "resolutionunit": 1},  # no unit
        {"resolution": (72, 72), "resolutionunit": 2},  # printing defaults
        {"resolution": (300, 300), "resolutionunit": 2},
        {"resolution": (28.3465, 28.3465), "resolutionunit": 3},  # 72 per inch, in cm
        {"resolution": (1, 1), "resolutionunit": 2},
        {"imagej": True, "resolution": (1, 1), "metadata": {"axes": "ZYX", "unit": "pixel"}},
        {"imagej": True, "resolution": (0.05, 0.05), "metadata": {"axes": "ZYX"}},
        {
            "resolution": (500, 250),
            "resolutionunit": 3,
        },  # flat pixels: nothing to take the slice distance from
    ],
)
def test_resolution_that_is_no_voxel_size(settings: dict[str, Any], tmp_path: Path) -> None:
    """Without a real unit there is no voxel size."""
    assert saved(tmp_path, **settings).spacing_um is None


def test_slice_distance_is_assumed_and_said(tmp_path: Path) -> None:
    """Plain TIFF holds pixel sizes only; the user may know the slice distance without contradiction."""
    image = saved(tmp_path, resolution=(10000 / 19.5,) * 2, resolutionunit=3)
    assert image.voxel_size_um == 19.5
    plain = prepare(image, threshold=125, keep="all")
    assert any("no slice distance: taken equal to the pixel" in line for line in plain.report["warnings"])
    told = prepare(image, threshold=125, keep="all", voxel_size_um=19.5)
    assert not any("slice distance" in line for line in told.report["warnings"])
    told = prepare(read_image(tmp_path / "scan.tif", 19.5), threshold=125, keep="all")
    assert not any("slice distance" in line for line in told.report["warnings"])
    flat = read_image(tmp_path / "scan.tif", voxel_size_um=(30.0, 19.5, 19.5))
    assert flat.spacing_um == (30.0, 19.5, 19.5)
    with pytest.raises(
        SpecimenError, match=r"voxel_size_um says 30 x 20 x 19\.5 um \(z, y, x\) but scan.tif"
    ):
        read_image(tmp_path / "scan.tif", voxel_size_um=(30.0, 20.0, 19.5))


@pytest.mark.parametrize("size_mm", [1.0, 20.0, 1e-5])
def test_unbelievable_sizes_are_not_believed(size_mm: float, tmp_path: Path) -> None:
    """An unset header says 1 mm; 20 mm are micrometers in the wrong place."""
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(VOLUME)
    image.SetSpacing((size_mm,) * 3)
    sitk.WriteImage(image, str(tmp_path / "scan.mha"))
    read = read_image(tmp_path / "scan.mha")
    assert read.spacing_um is None
    assert len(read.warnings) == (size_mm != 1.0)
    assert read_image(tmp_path / "scan.mha", voxel_size_um=20.0).voxel_size_um == 20.0


@pytest.mark.parametrize(
    ("name", "header"),
    [
        (
            "scan.nrrd",
            "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 7 6 5\nencoding: raw\n"
            'spacings: 20 20 30\nunits: "um" "um" "um"\n\n',
        ),
        (
            "scan.nrrd",
            "NRRD0005\ntype: uint8\ndimension: 3\nsizes: 7 6 5\nencoding: raw\n"
            "space: left-posterior-superior\n"
            'space directions: (20,0,0) (0,20,0) (0,0,30)\nspace units: "um" "um" "um"\n\n',
        ),
        (
            "scan.mha",
            "ObjectType = Image\nNDims = 3\nDimSize = 7 6 5\nElementType = MET_UCHAR\nDistanceUnits = um\n"
            "ElementSpacing = 20 20 30\nElementDataFile = LOCAL\n",
        ),
    ],
)
def test_headers_that_name_micrometers(name: str, header: str, tmp_path: Path) -> None:
    """ITK ignores the unit; a header in um is still in um."""
    pytest.importorskip("SimpleITK")
    (tmp_path / name).write_bytes(header.encode() + VOLUME.tobytes())
    image = read_image(tmp_path / name)
    np.testing.assert_array_equal(image.values, VOLUME)
    assert image.spacing_um == (30.0, 20.0, 20.0)


def test_color_is_refused(tmp_path: Path) -> None:
    """RGB as TIFF stack, TIFF slices and MetaImage."""
    color = np.zeros((4, 20, 20, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", color, photometric="rgb")
    with pytest.raises(SpecimenError, match=r"scan.tif is a color image \(RGB\): convert it to gray"):
        read_image(tmp_path / "scan.tif")
    (tmp_path / "slices").mkdir()
    for z, plane in enumerate(color):
        tifffile.imwrite(tmp_path / "slices" / f"{z}.tif", plane, photometric="rgb")
    with pytest.raises(SpecimenError, match=r"0\.tif is a color image"):
        read_image(tmp_path / "slices")
    sitk = pytest.importorskip("SimpleITK")
    sitk.WriteImage(sitk.GetImageFromArray(color, isVector=True), str(tmp_path / "scan.mha"))
    with pytest.raises(SpecimenError, match=r"scan\.mha is a color or vector image"):
        read_image(tmp_path / "scan.mha")


@pytest.mark.parametrize("name", ["scan.mha", "scan.nrrd", "scan.nii", "scan.tif"])
def test_flat_images_are_refused_in_every_format(name: str, tmp_path: Path) -> None:
    """One slice is not a volume."""
    if name.endswith("tif"):
        tifffile.imwrite(tmp_path / name, VOLUME[0])
    else:
        sitk = pytest.importorskip("SimpleITK")
        if name.endswith("nii"):
            pytest.importorskip("nibabel")
        sitk.WriteImage(sitk.GetImageFromArray(VOLUME[0]), str(tmp_path / name))
    with pytest.raises(SpecimenError, match=rf"{name} is not a 3-D image"):
        read_image(tmp_path / name)


def test_slices_sort_naturally() -> None:
    """9 before 10, whatever the padding and case."""
    names = ["b10.tif", "b9.tif", "B1.tif", "a2.tif", "b09x3.tif", "10.tif", "9.tif"]
    ordered = ["9.tif", "10.tif", "a2.tif", "B1.tif", "b9.tif", "b09x3.tif", "b10.tif"]
    assert sorted(names, key=natural_key) == ordered


def test_folders_with_a_gap_a_stranger_or_two_scans(tmp_path: Path) -> None:
    """A jump in the numbers is a note; a slice of another size is an error, and so is a second scan."""
    folder = tmp_path / "slices"
    folder.mkdir()
    for z in (0, 1, 2, 4, 5):
        tifffile.imwrite(folder / f"s_{z:03}.tif", VOLUME[z % 5])
    assert any("jump from s_002.tif to s_004.tif" in line for line in read_image(folder).warnings)
    tifffile.imwrite(folder / "s_003.tif", VOLUME[3, :5])
    with pytest.raises(SpecimenError, match=r"s_003.tif in slices has shape \(5, 7\)"):
        read_image(folder)
    tifffile.imwrite(folder / "s_000.tif", VOLUME)
    with pytest.raises(SpecimenError, match=r"s_000\.tif in slices holds several pages"):
        read_image(folder)
    (folder / "slice.dcm").write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(SpecimenError, match="slices holds both TIFF and DICOM files"):
        read_image(folder)


def test_white_is_zero_is_turned_round(tmp_path: Path) -> None:
    """Bright stays dense."""
    tifffile.imwrite(tmp_path / "scan.tif", VOLUME, photometric="miniswhite")
    image = read_image(tmp_path / "scan.tif")
    np.testing.assert_array_equal(image.values, 255 - VOLUME)
    assert any("white as zero" in line for line in image.warnings)


def test_nearly_equal_edges_are_a_cube() -> None:
    """Header rounding up to 1 % does not make a voxel flat; the cube has the voxel's volume."""
    image = Image(VOLUME, (60.7, 60.68, 60.68))
    assert image.voxel_size_um == pytest.approx((60.7 * 60.68 * 60.68) ** (1 / 3), rel=1e-6)
    assert Image(VOLUME, (62.0, 60.0, 60.0)).voxel_size_um is None
    assert agreed_spacing(image, 60.5) == (60.5, 60.5, 60.5)
    with pytest.raises(
        SpecimenError, match=r"voxel_size_um says 59 um but array itself says 60\.7 x 60\.68 x 60\.68"
    ):
        agreed_spacing(image, 59.0)
