"""From scan to specimen: the reference mask, islands and cavities, the report, and what is refused."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trabsim.errors import SpecimenError
from trabsim.tissue.resampling import averaged
from trabsim.tissue.scans import Image, Specimen, SpecimenReport, prepare, read_image


def plate(shape: tuple[int, int, int] = (20, 22, 24)) -> np.ndarray:
    """A plate of bone six voxels thick, of gray value 200 in marrow of 10."""
    values = np.full(shape, 10, dtype=np.uint8)
    values[7:13] = 200
    return values


@pytest.fixture(scope="module")
def scan(shared: Path) -> Image:
    return read_image(shared / "data" / "lhdl_3155_D_4_bc_200cube_19.5um.tif")


@pytest.fixture(scope="module")
def masks(shared: Path) -> dict[str, np.ndarray]:
    packed = np.load(shared / "reference" / "mufe" / "masks.npz")
    return {
        name: np.unpackbits(packed[name])[: n**3].reshape(n, n, n).astype(bool)
        for name, n in (("m100", 100), ("m200", 200))
    }


def test_reference_mask_voxel_for_voxel(scan: Image, masks: dict[str, np.ndarray]) -> None:
    """Gaussian 1, > 63, largest 6-connected part, nothing filled: the reference, not one voxel differs."""
    specimen = prepare(scan, threshold=63, gaussian=1, fill_cavities=False)
    np.testing.assert_array_equal(specimen.bone_fraction, masks["m200"].astype(np.float32))
    assert specimen.voxel_size_um == 19.5
    assert specimen.tissue is None
    report = SpecimenReport.from_dict(specimen.report)
    assert (report.islands, report.island_voxels) == (10, 335)
    assert report.BV_TV == 0.233703375


def test_coarse_reference_mask_voxel_for_voxel(scan: Image, masks: dict[str, np.ndarray]) -> None:
    """The 39 um mask: gray values averaged over 2 x 2 x 2 voxels, > 63, largest 6-connected part."""
    coarse = averaged(scan.values, (2.0, 2.0, 2.0), (100, 100, 100))
    specimen = prepare(Image(coarse, 39.0), threshold=63, fill_cavities=False)
    np.testing.assert_array_equal(specimen.bone(), masks["m100"])


def test_real_scan_on_a_coarser_lattice_keeps_its_bone(scan: Image, masks: dict[str, np.ndarray]) -> None:
    """At 39 um the sum of fractions is the bone volume at 19.5 um; voxels hold eighths."""
    specimen = prepare(scan, threshold=63, gaussian=1, fill_cavities=False, lattice_voxel_size_um=39.0)
    assert specimen.shape == (100, 100, 100)
    assert specimen.bone_fraction.sum(dtype=np.float64) * 8 == np.count_nonzero(masks["m200"])
    assert set(np.unique(specimen.bone_fraction * 8)) == set(range(9))


def test_islands_are_dropped_or_kept_and_counted() -> None:
    """Bone that touches the rest only by an edge is an island."""
    values = plate()
    values[13, 0, 0] = 200  # on the plate: connected
    values[14, 1, 0] = 200  # by an edge only
    values[18, 5:7, 5] = 200
    dropped = prepare(Image(values, 20.0), threshold=100)
    assert (dropped.report["islands"], dropped.report["island_voxels"]) == (2, 3)
    assert dropped.bone_fraction[13, 0, 0] == 1.0
    assert dropped.bone_fraction[14, 1, 0] == dropped.bone_fraction[18, 5, 5] == 0.0
    kept = prepare(Image(values, 20.0), threshold=100, keep="all")
    assert kept.bone_fraction.sum() == dropped.bone_fraction.sum() + 3
    assert kept.report["islands"] == 2
    assert not kept.report["islands_dropped"]


def test_cavities_are_filled_unless_they_lead_out() -> None:
    """A hole in the bone is filled; one that opens through an edge, or at a cut face, is not."""
    values = plate()
    values[9:11, 5:7, 5:7] = 10  # closed: eight voxels
    values[8:12, 15, 15] = 10  # closed ...
    values[12, 16, 15] = 10  # ... but for one edge, which marrow passes
    values[10, 0, 10] = 10  # open at the face of the box
    filled = prepare(Image(values, 20.0), threshold=100)
    assert (filled.report["cavities"], filled.report["cavity_voxels"]) == (1, 8)
    assert filled.bone_fraction[9:11, 5:7, 5:7].all()
    assert not filled.bone_fraction[8:12, 15, 15].any()
    assert filled.bone_fraction[10, 0, 10] == 0.0
    as_scanned = prepare(Image(values, 20.0), threshold=100, fill_cavities=False)
    assert filled.bone_fraction.sum() == as_scanned.bone_fraction.sum() + 8
    assert as_scanned.report["cavities"] == 0


def test_report_goes_through_json_and_speaks_in_lines(tmp_path: Path) -> None:
    """What goes into provenance comes back the same; every fact is one line."""
    np.save(tmp_path / "scan.npy", plate())
    specimen = prepare(tmp_path / "scan.npy", voxel_size_um=20.0, method="otsu", gaussian=0.5)
    report = SpecimenReport.from_dict(json.loads(json.dumps(dict(specimen.report))))
    assert report == SpecimenReport.from_dict(specimen.report)
    assert (report.gray_min, report.gray_max) == (10.0, 200.0)
    assert report.threshold == report.gray_threshold
    text = "\n".join(report.lines())
    assert len(text.splitlines()) == len(report.lines())
    for part in (
        "scan.npy (NumPy)",
        report.sha256[:16],
        "20 x 22 x 24 voxels of 20 um",
        "otsu > ",
        "0 with 0",
    ):
        assert part in text


def test_settings_change_nothing_but_what_they_name() -> None:
    """Same input, same specimen, to the last bit."""
    first, second = (prepare(Image(plate(), 20.0), threshold=100, gaussian=1.0) for _ in range(2))
    np.testing.assert_array_equal(first.bone_fraction, second.bone_fraction)
    assert dict(first.report) == dict(second.report)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"lattice_voxel_size_um": 100.0}, "more than a third of the trabecular thickness"),
        ({"box": (6, 14, 0, 22, 0, 24)}, "BV/TV of 0.750 is unusual for trabecular bone"),
    ],
)
def test_doubts_are_logged_and_reported(
    change: dict[str, Any], line: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What deserves a second look is a warning of the logger "trabsim" and a line of the report."""
    with caplog.at_level(logging.WARNING, logger="trabsim"):
        specimen = prepare(Image(plate(), 20.0), threshold=100, **change)
    assert any(line in warning for warning in specimen.report["warnings"])
    assert any(line in record.getMessage() for record in caplog.records if record.name == "trabsim")


def test_a_plain_specimen_raises_no_doubt(caplog: pytest.LogCaptureFixture) -> None:
    """Silence when all is well."""
    with caplog.at_level(logging.WARNING, logger="trabsim"):
        specimen = prepare(Image(plate(), 20.0), threshold=100)
    assert specimen.report["warnings"] == []
    assert caplog.records == []


def test_islands_that_hold_much_of_the_bone_are_a_doubt() -> None:
    """Dropping more than 5 % of the bone is said."""
    values = plate()
    values[16:19] = 200
    specimen = prepare(Image(values, 20.0), threshold=100)
    assert any("33.3 % of the bone was in islands" in line for line in specimen.report["warnings"])


def test_struts_that_averaging_tears_are_a_doubt() -> None:
    """Two blocks joined by one thin strut fall apart on a lattice three times as coarse."""
    values = np.full((30, 30, 30), 10, dtype=np.uint8)
    values[:9, :15, :15] = values[21:, :15, :15] = 200
    values[9:21, 7, 7] = 200
    specimen = prepare(Image(values, 10.0), threshold=100, lattice_voxel_size_um=30.0)
    assert any("hang loose" in line for line in specimen.report["warnings"])
    assert (specimen.bone_fraction[:, 2, 2] > 0).all()


CONSTANT = np.full((6, 6, 6), 5, dtype=np.uint8)


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        (plate(), {"threshold": 100, "voxel_size_um": None}, "array holds no voxel size: give voxel_size_um"),
        (
            plate(),
            {"threshold": 250},
            "no voxel of array is bone: gray values reach from 10 to 200, the threshold is 250, "
            "Otsu's method would give ",
        ),
        (plate(), {"threshold": 5}, "everything in array is bone: gray values reach from 10 to 200"),
        (
            plate(),
            {"method": "mask"},
            "everything in array is bone: values reach from 10 to 200, nonzero counts",
        ),
        (plate() * 0, {"method": "mask"}, "no voxel of array is bone: values reach from 0 to 0"),
        (CONSTANT, {"threshold": 10}, "every voxel of array has the value 5: nothing to segment"),
        (plate(), {"threshold": 100, "keep": "biggest"}, "keep = 'biggest': use 'largest' or 'all'"),
        (
            plate(),
            {"threshold": 100, "voxel_size_um": -2.0},
            "voxel size of -2.0 um: give one positive number",
        ),
        (plate(), {"threshold": 100, "voxel_size_um": (1, 2)}, "voxel size of (1, 2) um: give one positive"),
        (
            plate(),
            {"threshold": 100, "voxel_size_um": (40.0, 20.0, 20.0)},
            "voxels of 40 x 20 x 20 um (z, y, x), no cubes: give lattice_voxel_size_um, for example 40",
        ),
        (
            plate(),
            {"threshold": 100, "lattice_voxel_size_um": 300.0},
            "a lattice voxel of 300 um is too large for this specimen: only 1 x 1 x 1 fit",
        ),
        (plate(), {"threshold": 100, "lattice_voxel_size_um": 0.0}, "lattice_voxel_size_um is 0.0: give a"),
        (
            np.where(np.indices((8, 8, 8)).min(axis=0) == 2, np.nan, plate((8, 8, 8))),
            {"threshold": 100},
            "values that are NaN or infinite, the first at voxel (2, 2, 2)",
        ),
    ],
)
def test_what_cannot_be_a_specimen(values: np.ndarray, settings: dict[str, Any], message: str) -> None:
    """One line: what was wrong, the value, what to do."""
    with pytest.raises(SpecimenError) as caught:
        prepare(Image(values), **({"voxel_size_um": 20.0} | settings))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_filling_cannot_make_everything_bone() -> None:
    """Bone with nothing but closed holes in it is refused, not turned into a block."""
    values = np.full((6, 6, 6), 200, dtype=np.uint8)
    values[2:4, 2:4, 2:4] = 10
    with pytest.raises(SpecimenError, match="everything in array is bone"):
        prepare(Image(values, 20.0), threshold=100)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((20, 20), r"is not a 3-D image \(shape \(20, 20\)\)"),
        ((1, 20, 20), "is not a 3-D image"),
        ((5, 6, 7, 8), "is not a 3-D image"),
        ((20, 20, 3), "looks like one color picture"),
        ((5, 20, 20, 3), "is a color image"),
        ((5, 20, 20, 4), "is a color image"),
    ],
)
def test_images_that_are_no_volume(shape: tuple[int, ...], message: str, tmp_path: Path) -> None:
    """Pictures, single slices, stacks of volumes and color are refused by the reader."""
    np.save(tmp_path / "scan.npy", np.zeros(shape, dtype=np.uint8))
    with pytest.raises(SpecimenError, match=message):
        read_image(tmp_path / "scan.npy")


@pytest.mark.parametrize("dtype", [complex, "U3", "datetime64[s]"])
def test_values_that_are_no_gray(dtype: Any, tmp_path: Path) -> None:
    """Complex numbers, texts and dates are refused."""
    np.save(tmp_path / "scan.npy", np.zeros((4, 5, 6), dtype=dtype))
    with pytest.raises(SpecimenError, match=r"holds values of type .*: give integer or floating gray values"):
        read_image(tmp_path / "scan.npy")


def test_missing_file_and_unknown_ending(tmp_path: Path) -> None:
    """The message repeats the path, or lists what is supported."""
    with pytest.raises(SpecimenError, match=r"no such file or folder: .*nothing.tif"):
        read_image(tmp_path / "nothing.tif")
    (tmp_path / "scan.jpg").write_bytes(b"whatever")
    with pytest.raises(
        SpecimenError, match=r"scan.jpg: cannot tell the format .* supported are .*\.nii.*\.isq"
    ):
        read_image(tmp_path / "scan.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SpecimenError, match="the folder empty holds neither TIFF slices nor a DICOM series"):
        read_image(tmp_path / "empty")


def test_specimen_checks_itself() -> None:
    """A specimen without bone, out of range, or with bone outside its tissue cannot be made."""
    bone = np.zeros((3, 4, 5), dtype=np.float32)
    with pytest.raises(SpecimenError, match="the specimen holds no bone"):
        Specimen(bone, None, 20.0, "test")
    bone[1] = 0.5
    np.testing.assert_allclose(Specimen(bone, None, 20.0, "test").BV_TV, 1 / 6)
    with pytest.raises(SpecimenError, match=r"must lie within 0-1, these reach from 0 to 2"):
        Specimen(bone * 4, None, 20.0, "test")
    with pytest.raises(SpecimenError, match=r"must lie within 0-1"):
        Specimen(bone * np.float32(np.nan), None, 20.0, "test")
    with pytest.raises(SpecimenError, match="three axes"):
        Specimen(bone[0], None, 20.0, "test")
    with pytest.raises(SpecimenError, match="voxel size of 0 um"):
        Specimen(bone, None, 0, "test")
    tissue = np.ones((3, 4, 5), dtype=bool)
    tissue[0] = False
    np.testing.assert_allclose(Specimen(bone, tissue, 20.0, "test").BV_TV, 0.25)
    with pytest.raises(SpecimenError, match="bone lies outside the tissue mask"):
        Specimen(bone, ~tissue, 20.0, "test")
    with pytest.raises(SpecimenError, match="the tissue mask is empty"):
        Specimen(bone, tissue & False, 20.0, "test")
    with pytest.raises(SpecimenError, match=r"the tissue mask has shape \(2, 4, 5\)"):
        Specimen(bone, tissue[1:], 20.0, "test")
