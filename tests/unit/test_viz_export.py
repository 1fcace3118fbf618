"""Exported files, read back by the readers of other projects: VTK, nibabel, zarr."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import zarr
from small_runs import BACKEND, random_state, simulate
from viz_files import ball, foam, write_checkpoint
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline
from vtkmodules.vtkFiltersCore import vtkCleanPolyData, vtkFeatureEdges, vtkMassProperties, vtkTriangleFilter
from vtkmodules.vtkIOGeometry import vtkGLTFReader, vtkSTLReader
from vtkmodules.vtkIOHDF import vtkHDFReader
from vtkmodules.vtkIOPLY import vtkPLYReader

from trabsim import viz
from trabsim.checkpoint import write_checkpoint as write_whole
from trabsim.errors import RunError
from trabsim.run_folder import RunFolder
from trabsim.state import FULL, VARIABLES
from trabsim.viz.export_fields import export_name
from trabsim.viz.export_mesh import closed_surface, shaded
from trabsim.viz.read import read_snapshot
from trabsim.viz.scene import smooth_solid


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of 20 days with checkpoints of the days 0, 10 and 20."""
    folder = tmp_path_factory.mktemp("export")
    simulation = simulate(folder, folder / "run")
    simulation.run(days=20)
    return folder / "run"


def cell_array(reader: vtkHDFReader, name: str) -> np.ndarray:
    return vtk_to_numpy(reader.GetOutput().GetCellData().GetArray(name))


def mesh_of(path: Path):
    reader = {".stl": vtkSTLReader, ".ply": vtkPLYReader}[path.suffix]()
    reader.SetFileName(str(path))
    clean = vtkCleanPolyData()
    clean.SetInputConnection(reader.GetOutputPort())
    clean.SetTolerance(1e-6)
    clean.Update()
    return clean.GetOutput()


def open_edges(mesh) -> int:
    """Edges that belong to one triangle only, or to more than two."""
    edges = vtkFeatureEdges()
    edges.SetInputData(mesh)
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.Update()
    return edges.GetOutput().GetNumberOfCells()


def volume(mesh) -> float:
    triangles, mass = vtkTriangleFilter(), vtkMassProperties()
    triangles.SetInputData(mesh)
    mass.SetInputConnection(triangles.GetOutputPort())
    mass.Update()
    return mass.GetVolume()


# checkpoints and time series


def test_vtk_opens_every_checkpoint_with_every_array(run):
    """Names, types, sizes and values, as VTK's own reader finds them."""
    paths = sorted((run / "checkpoints").glob("*.vtkhdf"))
    assert len(paths) == 3
    for path in paths:
        reader = vtkHDFReader()
        assert reader.CanReadFile(str(path))
        reader.SetFileName(str(path))
        reader.Update()
        snapshot = read_snapshot(path)
        image = reader.GetOutput()
        assert image.GetSpacing() == (40.0, 40.0, 40.0)
        assert image.GetDimensions() == tuple(n + 1 for n in snapshot.lattice[::-1])
        for variable in VARIABLES:
            if variable.dims == "voxel" and variable.checkpointed:
                assert np.array_equal(
                    cell_array(reader, variable.name_in_files), snapshot.array(variable.name).ravel()
                )


def test_vtk_opens_a_checkpoint_of_every_kind(tmp_path):
    """Spin-up, entry, broken, and one with a drug in bone, labels and no cell at all."""
    simulation = simulate(tmp_path, tmp_path / "run")
    state, config, backend = simulation.state, simulation.config, simulation.backend
    folder = RunFolder.open(tmp_path / "run")
    paths = [folder.write_checkpoint(state, day, config, backend) for day in (0, -10)]
    paths.append(folder.write_broken(state, 3, config, backend))
    for agents in (0, 9):
        paths.append(tmp_path / f"agents_{agents}.vtkhdf")
        write_whole(paths[-1], random_state(agents=agents), 5, config, BACKEND)
    for path in paths:
        reader = vtkHDFReader()
        assert reader.CanReadFile(str(path)), path
        reader.SetFileName(str(path))
        reader.Update()
        values = reader.GetOutput().GetCellData()
        held = {values.GetArrayName(n) for n in range(values.GetNumberOfArrays())}
        assert held == {v.name_in_files for v in VARIABLES if v.dims == "voxel" and v.checkpointed}
        assert {"strain_energy_MPa", "opg_au", "bone_100000th_voxel", "formed_day", "phase"} < held
        with h5py.File(path) as file:
            kept = file["VTKHDF/CellData/bone_100000th_voxel"][...].ravel()
        assert np.array_equal(cell_array(reader, "bone_100000th_voxel"), kept)


def test_a_time_series_plays_in_vtk(run, tmp_path):
    """Number of steps, their days, and every array of every step."""
    told = viz.export_series(run, tmp_path / "series.vtkhdf")
    assert told.startswith("3 steps, day 0 to 20: ")
    reader = vtkHDFReader()
    reader.SetFileName(str(tmp_path / "series.vtkhdf"))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == 3
    days = reader.GetOutputInformation(0).Get(vtkStreamingDemandDrivenPipeline.TIME_STEPS())
    assert days == (0.0, 10.0, 20.0)
    changed = set()
    for day in days:
        reader.UpdateTimeStep(day)
        snapshot = read_snapshot(run / "checkpoints" / f"day_{int(day):06d}.vtkhdf")
        for name in snapshot.names:
            values = cell_array(reader, export_name(name))
            assert values.size == snapshot.bone.size
            kept = snapshot.array(name).ravel()
            if name == "bone":
                np.testing.assert_allclose(values, kept / FULL, rtol=1e-6)
                changed.add(values.tobytes())
            elif values.dtype == kept.dtype:
                assert np.array_equal(values, kept)
    assert len(changed) == 3


def test_fields_of_a_time_series_can_be_chosen(run, tmp_path):
    assert viz.export_series(run, tmp_path / "a.vtkhdf", fields=["opg", "bone"]).endswith(
        ": opg_au, bone_fraction"
    )
    with pytest.raises(RunError, match=r"not every checkpoint holds a field 'ogp'; did you mean 'opg'\?"):
        viz.export_series(run, tmp_path / "a.vtkhdf", fields=["ogp"])


def test_names_carry_units():
    names = {v.name: export_name(v.name) for v in VARIABLES if v.dims == "voxel"}
    assert names["bone"] == "bone_fraction"
    assert names["strain_energy"] == "strain_energy_MPa"
    assert names["estradiol_local"] == "estradiol_local_pg_per_mL"
    assert names["erosion_depth_nm"] == "erosion_depth_nm"
    assert names["formed_day"] == "formed_day"
    assert names["credit"] == "credit_voxel"
    assert names["buried_bp"] == "buried_bp_um2_day"
    assert names["phase"] == "phase"
    assert names["activation_debt"] == "activation_debt_per_mm2"


def test_checkpoints_of_different_lattices_are_no_series(tmp_path):
    write_checkpoint(tmp_path / "day_000000.vtkhdf", foam(8, 1), day=0)
    write_checkpoint(tmp_path / "day_000010.vtkhdf", foam(9, 1), day=10)
    with pytest.raises(
        RunError, match=r"day_000010\.vtkhdf has another lattice than day_000000\.vtkhdf; give the"
    ):
        viz.export_series(tmp_path, tmp_path / "a.vtkhdf")
    assert not (tmp_path / "a.vtkhdf").exists()


# surfaces


@pytest.mark.parametrize("bone", [ball(20, 7), foam(20, 1), foam(17, 2), np.ones((5, 6, 7), bool)], ids=len)
def test_a_surface_is_closed_and_encloses_the_bone(bone):
    """Every edge joins two triangles, and the divergence theorem gives the volume, caps included."""
    solid = smooth_solid(bone.astype(np.float32))
    points, triangles = closed_surface(solid)
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses % 2 == 0).all()
    a, b, c = (points[triangles[:, k]][:, ::-1] for k in range(3))
    enclosed = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    assert enclosed == pytest.approx(bone.sum(), rel=0.06)


def test_caps_lie_flat_on_the_faces_of_the_box():
    bone = foam(16, 3)
    solid = smooth_solid(bone.astype(np.float32))
    mesh = shaded(closed_surface(solid), solid)
    caps, normals = mesh.points[mesh.cap], mesh.normals[mesh.cap]
    assert len(caps) > 100
    place = (caps * np.abs(normals)).sum(axis=1)
    assert np.array_equal(place, np.where(normals.sum(axis=1) < 0, -0.5, 15.5))
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("ending", [".stl", ".ply"])
@pytest.mark.parametrize(("unit", "scale"), [("um", 1.0), ("mm", 1e-3)])
def test_stl_and_ply_are_read_back_closed_in_their_unit(tmp_path, ending, unit, scale):
    path = write_checkpoint(tmp_path / "day_000007.vtkhdf", ball(24, 8), voxel_um=20.0, day=7)
    out = tmp_path / f"ball{ending}"
    told = viz.export_surface(path, out, unit=unit)
    assert told.endswith(f"triangles on day 7, unit {unit}")
    assert f"day 7, unit {unit}".encode() in out.read_bytes()[:200]
    mesh = mesh_of(out)
    assert open_edges(mesh) == 0
    assert volume(mesh) == pytest.approx(ball(24, 8).sum() * (20.0 * scale) ** 3, rel=0.04)
    # voxel i spans i to i + 1 voxel sizes: the ball is in the middle of 480 um
    assert np.mean(np.reshape(mesh.GetBounds(), (3, 2)), axis=1) == pytest.approx([240 * scale] * 3, rel=1e-4)


def test_a_box_stays_where_it_was(tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", np.ones((10, 10, 10), bool), voxel_um=10.0)
    viz.export_surface(path, tmp_path / "a.stl", unit="um", box=(2, 5, 0, 10, 6, 10))
    assert mesh_of(tmp_path / "a.stl").GetBounds() == pytest.approx((60, 100, 0, 100, 20, 50))


def test_a_colored_ply_has_the_colors_of_the_picture(tmp_path):
    bone = ball(16, 6)
    opg = np.broadcast_to(np.arange(16, dtype=np.float32), bone.shape).copy() + 1
    path = write_checkpoint(tmp_path / "a.vtkhdf", bone, opg=opg)
    viz.export_surface(path, tmp_path / "a.ply", color="opg")
    reader = vtkPLYReader()
    reader.SetFileName(str(tmp_path / "a.ply"))
    reader.Update()
    colors = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars())[:, :3].astype(int)
    x = vtk_to_numpy(reader.GetOutput().GetPoints().GetData())[:, 0]
    dark, light = colors[np.argmin(x)], colors[np.argmax(x)]
    assert light.sum() > dark.sum() + 150


def test_a_glb_is_in_meters_with_unit_normals(tmp_path):
    """The standard's unit, whatever viewers assume; y points up where the specimen's z does."""
    bone = np.zeros((20, 10, 10), bool)
    bone[2:18, 3:7, 3:7] = True
    path = write_checkpoint(tmp_path / "a.vtkhdf", bone, voxel_um=50.0, opg=np.ones(bone.shape, np.float32))
    viz.export_surface(path, tmp_path / "a.glb", color="opg")
    reader = vtkGLTFReader()
    reader.SetFileName(str(tmp_path / "a.glb"))
    reader.Update()
    blocks = reader.GetOutput()
    while not blocks.IsA("vtkPolyData"):
        blocks = blocks.GetBlock(0)
    low_x, high_x, low_y, high_y, low_z, high_z = blocks.GetBounds()
    assert high_y - low_y == pytest.approx(16 * 50e-6, rel=0.05)
    assert high_x - low_x == pytest.approx(high_z - low_z, rel=0.05)
    data = (tmp_path / "a.glb").read_bytes()
    assert int.from_bytes(data[8:12], "little") == len(data)
    size = int.from_bytes(data[12:16], "little")
    tree = json.loads(data[20 : 20 + size])
    view = tree["bufferViews"][tree["accessors"][1]["bufferView"]]
    start = 28 + size + view["byteOffset"]
    normals = np.frombuffer(data[start : start + view["byteLength"]], "<f4").reshape(-1, 3)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("out", "options", "message"),
    [
        ("a.obj", {}, "a surface cannot be written as 'obj'; choose stl, ply, glb"),
        ("a.stl", {"unit": "cm"}, "unit 'cm' is unknown; choose mm or um"),
        ("a.stl", {"color": "phase"}, "STL holds no colors; write .ply or .glb, or leave --color out"),
        ("a.ply", {"color": "ogp"}, "holds no field 'ogp'; did you mean 'opg'?"),
        (
            "a.ply",
            {"box": (0, 2, 0, 2, 0, 2)},
            "holds no bone there, so it has no surface; choose another box or",
        ),
        ("no/a.ply", {}, "No such file or directory"),
    ],
)
def test_surfaces_that_cannot_be_written(tmp_path, out, options, message):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(12, 3), opg=np.ones((12, 12, 12), np.float32))
    with pytest.raises(RunError, match=message.replace("?", r"\?")):
        viz.export_surface(path, tmp_path / out, **options)


# volumes


def test_nifti_has_its_place_in_millimeters(tmp_path):
    bone = ball(12, 4)
    bone[:, :, :3] = True
    path = write_checkpoint(tmp_path / "a.vtkhdf", bone, voxel_um=30.0, day=9)
    assert (
        viz.export_volume(path, tmp_path / "a.nii.gz")
        == "bone_fraction, 12 x 12 x 12 voxels (z, y, x) of 30 um"
    )
    viz.export_volume(path, tmp_path / "box.nii", box=(0, 12, 0, 12, 4, 8))
    whole, box = nibabel.load(tmp_path / "a.nii.gz"), nibabel.load(tmp_path / "box.nii")
    assert np.array_equal(whole.get_fdata().transpose(2, 1, 0), bone)
    assert whole.header.get_xyzt_units()[0] == "mm"
    assert whole.header.get_zooms() == pytest.approx((0.03, 0.03, 0.03))
    assert whole.affine[:3, 3] == pytest.approx([0.015] * 3)
    assert box.affine[:3, 3] == pytest.approx([0.135, 0.015, 0.015])
    assert bytes(whole.header["descrip"]).startswith(b"bone_fraction, day 9, trabsim ")


def test_density_is_mineral_per_volume(run, tmp_path):
    viz.export_volume(run, tmp_path / "a.nii", field="density")
    viz.export_volume(run, tmp_path / "b.nii", field="mineral")
    density, mineral = (nibabel.load(tmp_path / f"{n}.nii").get_fdata().transpose(2, 1, 0) for n in "ab")
    snapshot = read_snapshot(run)
    full = snapshot.bone == FULL
    assert density[full] == pytest.approx(mineral[full])
    assert 500 < mineral[full].mean() < 1500
    assert density[snapshot.bone == 0].max() == 0


def test_ome_zarr_is_valid_and_read_back(tmp_path):
    """Version 0.5 of the standard: each level has its axes and scale, and the first voxel its center."""
    bone = foam(70, 4)
    path = write_checkpoint(tmp_path / "a.vtkhdf", bone, voxel_um=16.0, day=3, phase=bone.astype(np.uint8))
    out = tmp_path / "a.ome.zarr"
    viz.export_volume(path, out)
    group = zarr.open_group(out, mode="r")
    assert np.array_equal(group["0"][:], bone.astype(np.float32))
    assert group["1"].shape == (35, 35, 35)
    assert group["1"][:].mean() == pytest.approx(bone.mean(), rel=1e-5)
    told = dict(group.attrs["ome"])
    assert told["version"] == "0.5"
    (scales,) = told["multiscales"]
    assert scales["name"] == "bone_fraction"
    assert scales["axes"] == [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    assert [dataset["path"] for dataset in scales["datasets"]] == ["0", "1"]
    for level, dataset in enumerate(scales["datasets"]):
        assert group[dataset["path"]].metadata.dimension_names == ("z", "y", "x")
        scale, move = dataset["coordinateTransformations"]  # in this order, says the standard
        assert scale == {"type": "scale", "scale": [16.0 * 2**level] * 3}
        assert move == {"type": "translation", "translation": [8.0 * 2**level] * 3}
    assert dict(group.attrs["trabsim"])["day"] == 3
    viz.export_volume(path, tmp_path / "b.ome.zarr", field="phase")
    assert set(np.unique(zarr.open_group(tmp_path / "b.ome.zarr", mode="r")["1"][:])) == {0, 1}


@pytest.mark.parametrize(
    ("out", "options", "message"),
    [
        ("a.tif", {}, "a volume cannot be written as '.tif'; choose nifti or ome-zarr"),
        ("a.nrrd", {"to": "nifti"}, "a NIfTI file cannot be named 'a.nrrd'; end the name in .nii or .nii.gz"),
        (
            "a.nii",
            {"to": "ome-zarr"},
            "an OME-Zarr folder cannot be named 'a.nii'; end the name in .ome.zarr",
        ),
        ("a.nii", {"field": "densty"}, "holds no field 'densty'; did you mean 'density'?"),
        ("old.zarr", {}, "old.zarr is there already; remove it, or choose another name"),
        ("no/a.nii", {}, "No such file or directory"),
        ("no/a.ome.zarr", {}, "No such file or directory"),
    ],
)
def test_volumes_that_cannot_be_written(tmp_path, out, options, message):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(8, 3))
    (tmp_path / "old.zarr").mkdir()
    with pytest.raises(RunError, match=message.replace("?", r"\?")):
        viz.export_volume(path, tmp_path / out, **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.vtkhdf", "old.zarr"]


@pytest.mark.parametrize(("out", "package"), [("a.nii", "nibabel"), ("a.ome.zarr", "zarr")])
def test_a_missing_package_is_named(tmp_path, monkeypatch, out, package):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(8, 3))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        RunError, match=f'needs {package}, which is not installed; pip install "trabsim.export.'
    ):
        viz.export_volume(path, tmp_path / out)
