"""Every format gives back the same volume (axes, values, voxel size), and every damage is one clear line."""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trabsim.errors import SpecimenError
from trabsim.tissue.scan_formats import read_image

SHAPE = (6, 7, 9)
VOXEL_UM = 20.0


def volume(dtype: str = "int16") -> np.ndarray:
    """Values that name their own place: any swapped or flipped axis changes the array."""
    z, y, x = np.indices(SHAPE)
    return (100 * z + 10 * y + x).astype(dtype)


def write_npy(path: Path, values: np.ndarray) -> Path:
    np.save(path / "scan.npy", values)
    return path / "scan.npy"


def write_tiff(path: Path, values: np.ndarray) -> Path:
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(
        path / "scan.tif",
        values,
        resolution=(10000 / VOXEL_UM,) * 2,
        resolutionunit=3,
        photometric="minisblack",
    )
    return path / "scan.tif"


def write_tiff_deflate(path: Path, values: np.ndarray) -> Path:
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffWriter(path / "scan.tiff") as tiff:
        for plane in values:
            tiff.write(
                plane, compression="zlib", resolution=(25400 / VOXEL_UM,) * 2, resolutionunit=2, metadata=None
            )
    return path / "scan.tiff"


def write_imagej(path: Path, values: np.ndarray) -> Path:
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(
        path / "scan.tif",
        values.astype(np.uint16),
        imagej=True,
        resolution=(1 / VOXEL_UM,) * 2,
        metadata={"axes": "ZYX", "unit": "um", "spacing": VOXEL_UM},
    )
    return path / "scan.tif"


def write_ome(path: Path, values: np.ndarray) -> Path:
    tifffile = pytest.importorskip("tifffile")
    sizes = {f"PhysicalSize{axis}": VOXEL_UM / 1000 for axis in "XYZ"}
    units = {f"PhysicalSize{axis}Unit": "mm" for axis in "XYZ"}
    tifffile.imwrite(path / "scan.ome.tif", values, metadata={"axes": "ZYX"} | sizes | units)
    return path / "scan.ome.tif"


def write_slices(path: Path, values: np.ndarray) -> Path:
    tifffile = pytest.importorskip("tifffile")
    folder = path / "slices"
    folder.mkdir()
    for z, plane in enumerate(values):
        tifffile.imwrite(
            folder / f"slice{z + 7}.tif", plane, resolution=(10000 / VOXEL_UM,) * 2, resolutionunit=3
        )
    (folder / "scan.log").write_text("not a slice")
    return folder


def with_simpleitk(name: str) -> Callable[[Path, np.ndarray], Path]:
    def write(path: Path, values: np.ndarray) -> Path:
        sitk = pytest.importorskip("SimpleITK")
        if ".nii" in name:
            pytest.importorskip("nibabel")
        image = sitk.GetImageFromArray(values)
        image.SetSpacing((VOXEL_UM / 1000,) * 3)
        sitk.WriteImage(image, str(path / name), useCompression=name.startswith("zip"))
        return path / name

    return write


def write_dicom(path: Path, values: np.ndarray, series: str = "1.2.3.4", folder: str = "dicom") -> Path:
    """Slices written last first and named backwards: only their positions tell the order."""
    sitk = pytest.importorskip("SimpleITK")
    place = path / folder
    place.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for z in reversed(range(len(values))):
        plane = sitk.GetImageFromArray(values[z : z + 1])
        plane.SetSpacing((VOXEL_UM / 1000, VOXEL_UM / 1000, 1.0))
        tags = {
            "0008|0008": "ORIGINAL\\PRIMARY\\AXIAL",
            "0008|0060": "CT",
            "0020|000d": "1.2.3",
            "0020|000e": series,
            "0008|0018": f"{series}.{z + 1}",
            "0018|0050": "0.5",  # a slice thickness that is not the slice distance
            "0020|0013": str(len(values) - z),
            "0020|0032": f"0\\0\\{z * VOXEL_UM / 1000:.6f}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for key, value in tags.items():
            plane.SetMetaData(key, value)
        writer.SetFileName(str(place / f"{series}-{100 - z}.dcm"))
        writer.Execute(plane)
    return place


def write_aim(path: Path, values: np.ndarray, log: str = "! Processing Log\n") -> Path:
    aimio = pytest.importorskip("py_aimio")
    header = {"element_size": (VOXEL_UM / 1000,) * 3, "processing_log": log}
    aimio.write_aim(str(path / "scan.aim"), values, header)
    return path / "scan.aim"


def write_isq(path: Path, values: np.ndarray, extra_blocks: bytes = b"") -> Path:
    """An ISQ file from the published layout of its 512-byte header."""
    pytest.importorskip("py_aimio")
    nz, ny, nx = values.shape
    size = 512 + len(extra_blocks) + 2 * values.size
    header = bytearray(512)
    header[:16] = b"CTDATA-HEADER_V1"
    lengths_um = [int(n * VOXEL_UM) for n in (nx, ny, nz)]
    # data type, bytes, blocks, patient, scanner, date (2); voxels (3), lengths (3); slice thickness,
    # increment and first position, smallest and largest value, mu_scaling
    struct.pack_into("<7i", header, 16, 3, size, -(-size // 512), 1, 2, 0, 0)
    struct.pack_into("<6i", header, 44, nx, ny, nz, *lengths_um)
    struct.pack_into("<6i", header, 68, 20, 20, 0, int(values.min()), int(values.max()), 4096)
    struct.pack_into("<i", header, 508, len(extra_blocks) // 512)
    body = values.astype("<i2").tobytes()
    (path / "scan.ISQ").write_bytes(bytes(header) + extra_blocks + body)
    return path / "scan.ISQ"


WRITERS: dict[str, Callable[[Path, np.ndarray], Path]] = {
    "npy": write_npy,
    "tiff": write_tiff,
    "tiff-deflate": write_tiff_deflate,
    "imagej": write_imagej,
    "ome": write_ome,
    "slices": write_slices,
    "nifti": with_simpleitk("scan.nii"),
    "nifti-gz": with_simpleitk("scan.nii.gz"),
    "mha": with_simpleitk("scan.mha"),
    "mha-zip": with_simpleitk("zip.mha"),
    "mhd": with_simpleitk("scan.mhd"),
    "nrrd": with_simpleitk("scan.nrrd"),
    "nrrd-zip": with_simpleitk("zip.nrrd"),
    "nhdr": with_simpleitk("scan.nhdr"),
    "dicom": write_dicom,
    "aim": write_aim,
    "isq": write_isq,
}
every_format = pytest.mark.parametrize("name", WRITERS)


@every_format
def test_values_axes_and_voxel_size_come_back(name: str, tmp_path: Path) -> None:
    """Axes are (z, y, x), values are those written, the voxel size is the file's."""
    image = read_image(WRITERS[name](tmp_path, volume()))
    np.testing.assert_array_equal(np.asarray(image.values, dtype=np.int64), volume("int64"))
    if name == "npy":
        assert image.voxel_size_um is None
    else:
        assert image.voxel_size_um == VOXEL_UM
        assert image.spacing_um == (VOXEL_UM,) * 3
    assert len(image.sha256) == 64


@every_format
def test_voxel_size_that_contradicts_the_file_is_refused(name: str, tmp_path: Path) -> None:
    """The message names both sizes; 1 % is tolerated, and then the user's number counts."""
    path = WRITERS[name](tmp_path, volume())
    assert read_image(path, voxel_size_um=VOXEL_UM * 1.009).voxel_size_um == VOXEL_UM * 1.009
    if name != "npy":
        with pytest.raises(SpecimenError, match=r"voxel_size_um says 20.4 um but .* itself says 20 um"):
            read_image(path, voxel_size_um=20.4)


def damaged_parts(path: Path) -> list[Path]:
    """The files whose damage must be noticed."""
    if path.is_dir():
        return [sorted(file for file in path.iterdir() if file.suffix in (".tif", ".dcm"))[2]]
    return [file for file in path.parent.iterdir() if file.is_file()]


def damages(whole: bytes) -> dict[str, bytes]:
    noise = np.random.default_rng(0).integers(0, 256, 3000, dtype=np.uint8).tobytes()
    return {
        "half": whole[: len(whole) // 2],
        "last tenth missing": whole[: len(whole) * 9 // 10],
        "empty": b"",
        "noise": noise,
        "noise after a good start": whole[:16] + noise,
        "noise after a good header": whole[:200] + noise[: max(0, len(whole) // 2 - 200)],
    }


@every_format
@pytest.mark.parametrize("damage", list(damages(b"")))
def test_damage_is_one_clear_line(name: str, damage: str, tmp_path: Path) -> None:
    """A file cut short or overwritten raises SpecimenError with one line; it never gives wrong voxels."""
    path = WRITERS[name](tmp_path, volume())
    for part in damaged_parts(path):
        whole = part.read_bytes()
        if part.suffix == ".raw" and damage.startswith("noise"):
            continue  # bare voxels without a header: noise of the right length is a scan of noise
        part.write_bytes(damages(whole)[damage])
        with pytest.raises(SpecimenError) as caught:
            read_image(path)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(("cannot read ", f"{path.name}:", f"{part.name} in "))
        part.write_bytes(whole)


def test_detached_data_file_that_is_missing(tmp_path: Path) -> None:
    """A MetaImage header without its data file is an error."""
    path = WRITERS["mhd"](tmp_path, volume())
    (tmp_path / "scan.raw").unlink()
    with pytest.raises(SpecimenError, match=r"cannot read scan.mhd"):
        read_image(path)


@pytest.mark.parametrize(
    ("module", "name", "package"),
    [
        ("SimpleITK", "mha", "SimpleITK"),
        ("SimpleITK", "dicom", "SimpleITK"),
        ("nibabel", "nifti", "nibabel"),
        ("py_aimio", "aim", "aimio-py"),
        ("py_aimio", "isq", "aimio-py"),
    ],
)
def test_missing_library_says_how_to_get_it(
    module: str, name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with the pip command."""
    path = WRITERS[name](tmp_path, volume())
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SpecimenError, match=rf'needs {package}.*pip install "trabsim\[scans\]"'):
        read_image(path)


def test_checksum_is_that_of_the_bytes_in_reading_order(tmp_path: Path) -> None:
    """One file: its own SHA-256.  A folder: its slices', one after the other."""
    path = write_npy(tmp_path, volume())
    assert read_image(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    folder = write_slices(tmp_path, volume())
    bytes_in_order = b"".join((folder / f"slice{z + 7}.tif").read_bytes() for z in range(SHAPE[0]))
    assert read_image(folder).sha256 == hashlib.sha256(bytes_in_order).hexdigest()
    header = WRITERS["mhd"](tmp_path, volume())
    both = header.read_bytes() + (tmp_path / "scan.raw").read_bytes()
    assert read_image(header).sha256 == hashlib.sha256(both).hexdigest()


def test_one_file_of_a_dicom_series_stands_for_the_series(tmp_path: Path) -> None:
    """Given one file, the series it belongs to is read, even beside another series."""
    folder = write_dicom(tmp_path, volume(), "1.2.3.4")
    write_dicom(tmp_path, volume() + 1000, "1.2.3.5")
    with pytest.raises(
        SpecimenError, match=r"dicom holds 2 DICOM series: give one file of the wanted series"
    ):
        read_image(folder)
    image = read_image(folder / "1.2.3.5-98.dcm")
    np.testing.assert_array_equal(image.values, volume() + 1000)
    assert image.unit == "gray"  # no rescale type in these files


def test_missing_dicom_slice_is_named(tmp_path: Path) -> None:
    """ITK averages over a gap; here it is an error that names the two slices around it."""
    folder = write_dicom(tmp_path, volume())
    (folder / "1.2.3.4-97.dcm").unlink()  # z = 3
    with pytest.raises(
        SpecimenError, match=r"1.2.3.4-98.dcm and 1.2.3.4-96.dcm are 40 um apart.*others 20 um"
    ):
        read_image(folder)


def test_scanco_calibration_comes_along(tmp_path: Path) -> None:
    """AIM: density = slope / mu_scaling * native + intercept, as in the processing log."""
    log = (
        "! Processing Log\nMu_Scaling                                       8192\n"
        "HU: mu water                                   0.24090\n"
        "Density: unit                 mg HA/ccm\n"
        "Density: slope                            1.60351904e+03\n"
        "Density: intercept                       -3.91209015e+02\n"
    )
    image = read_image(write_aim(tmp_path, volume(), log))
    assert image.unit == "native"
    assert image.meta["density_slope"] == pytest.approx(1603.51904 / 8192, rel=1e-12)
    assert image.meta["density_intercept"] == -391.209015
    assert "density_slope" not in read_image(write_aim(tmp_path, volume())).meta


def scanco_double(value: float) -> bytes:
    """A number as VMS stores it: two bytes of every word swapped, four times too large."""
    words = struct.unpack(">4H", struct.pack(">d", 4.0 * value))
    return struct.pack("<4H", *words)


def test_isq_calibration_applies_to_attenuation(tmp_path: Path) -> None:
    """ISQ: the header's slope is per unit of attenuation, so it is divided by mu_scaling (4096 here)."""
    block = bytearray(3 * 512)
    block[8:24] = b"Calibration     "
    block[1160:1176] = b"mg HA/ccm".ljust(16, b"\0")
    block[1176:1184] = scanco_double(1600.0)
    block[1184:1192] = scanco_double(-390.0)
    image = read_image(write_isq(tmp_path, volume(), bytes(block)))
    np.testing.assert_array_equal(image.values, volume())
    assert image.meta["density_slope"] == pytest.approx(1600.0 / 4096)
    assert image.meta["density_intercept"] == pytest.approx(-390.0)


def test_lzw_tiff_is_read_without_further_codecs(tmp_path: Path) -> None:
    """LZW is common in scan stacks and not known to tifffile alone."""
    picture = pytest.importorskip("PIL.Image")
    planes = [picture.fromarray(plane) for plane in volume("uint8")]
    planes[0].save(tmp_path / "scan.tif", save_all=True, append_images=planes[1:], compression="tiff_lzw")
    np.testing.assert_array_equal(read_image(tmp_path / "scan.tif").values, volume("uint8"))


def test_nifti_scale_and_units(tmp_path: Path) -> None:
    """Values with a scale in the header are scaled; lengths may be in micrometers."""
    nibabel = pytest.importorskip("nibabel")
    scan = nibabel.Nifti1Image(volume().T, np.diag([VOXEL_UM, VOXEL_UM, 2 * VOXEL_UM, 1.0]))
    scan.header.set_xyzt_units("micron")
    scan.header.set_slope_inter(0.5, -3.0)
    nibabel.save(scan, tmp_path / "scan.nii")
    image = read_image(tmp_path / "scan.nii")
    np.testing.assert_array_equal(image.values, volume() * np.float32(0.5) - np.float32(3.0))
    assert image.spacing_um == (2 * VOXEL_UM, VOXEL_UM, VOXEL_UM)
    assert image.voxel_size_um is None


def test_real_scan_and_its_slices(shared: Path) -> None:
    """The 200-cube reads as (z, y, x) uint8; its first ten slices as files are its first ten planes."""
    whole = read_image(shared / "data" / "lhdl_3155_D_4_bc_200cube_19.5um.tif")
    assert (whole.values.shape, whole.values.dtype) == ((200, 200, 200), np.uint8)
    assert whole.voxel_size_um == 19.5
    slices = read_image(shared / "data" / "lhdl_3155_slices_sample")
    np.testing.assert_array_equal(slices.values, whole.values[:10])
    assert slices.voxel_size_um is None


def test_real_scanco_and_dicom_phantom_agree(shared: Path) -> None:
    """One phantom as AIM and as DICOM: same voxels, voxel sizes of 60.68 and 60.7 um."""
    pytest.importorskip("SimpleITK")
    pytest.importorskip("py_aimio")
    folder = shared / "data" / "formats"
    aim, dicom = read_image(folder / "ormir_test_aim.AIM"), read_image(folder / "ormir_test_dicom")
    np.testing.assert_array_equal(aim.values, dicom.values)
    assert (aim.voxel_size_um, dicom.voxel_size_um) == (60.68, 60.7)
    assert (aim.unit, dicom.unit) == ("native", "HU")
