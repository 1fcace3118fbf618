"""Fields, cells, sections, distance lost and large lattices: what is where in the picture."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from PIL import Image
from viz_files import ball, foam, write_checkpoint

from trabsim import viz
from trabsim.errors import RunError
from trabsim.state import FULL, Phase
from trabsim.viz import pictures
from trabsim.viz.cells import cell_spheres
from trabsim.viz.coloring import color_scene, distance_scene
from trabsim.viz.colors import OSTEOBLAST, OSTEOCLAST, ramp
from trabsim.viz.fields import read_field
from trabsim.viz.read import read_snapshot
from trabsim.viz.scene import smooth_solid
from trabsim.viz.spheres import shape_matrices, stamp_spheres

SMALL = (480, 360)


def pixels(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


@pytest.fixture
def slab(tmp_path):
    """Bone on the left; RANKL in marrow that grows with z, sclerostin in bone."""
    bone = np.zeros((24, 24, 24), bool)
    bone[:, :, :8] = True
    z = np.arange(24, dtype=np.float32)[:, None, None] + 1
    return write_checkpoint(
        tmp_path / "a.vtkhdf",
        bone,
        rankl_soluble=np.where(bone, 0, z).astype(np.float32),
        sclerostin=np.where(bone, z, 0).astype(np.float32),
    )


def test_a_field_of_marrow_leaves_the_bone_plain_and_grows_upwards(slab, tmp_path):
    viz.render_field(slab, tmp_path / "a.png", field="rankl", axis="y", size=SMALL)
    picture = pixels(tmp_path / "a.png")
    rows, columns = picture.shape[0], picture.shape[1]
    column = picture[round(0.2 * rows) : round(0.85 * rows), columns // 2 + 60]
    top, bottom = ramp(np.array([0.95, 0.05]))
    assert np.abs(column[5] - top).sum() < np.abs(column[5] - bottom).sum()
    assert np.abs(column[-5] - bottom).sum() < np.abs(column[-5] - top).sum()
    left = picture[rows // 2, columns // 2 - 100]
    assert np.ptp(left) < 60  # the pale color of bone


def test_a_field_of_bone_leaves_the_marrow_plain(slab, tmp_path):
    viz.render_field(slab, tmp_path / "a.png", field="sclerostin", axis="y", size=SMALL)
    picture = pixels(tmp_path / "a.png")
    middle = picture.shape[0] // 2
    assert np.ptp(picture[middle, picture.shape[1] // 2 + 60]) < 12
    assert np.ptp(picture[middle, picture.shape[1] // 2 - 100]) > 40


def test_a_cloud_darkens_where_the_field_is_high(slab, tmp_path):
    how = viz.render_field(
        slab, tmp_path / "a.png", field="rankl", how="volume", size=SMALL, view="front", renderer="plain"
    )
    assert "cloud over bone" in how
    picture = pixels(tmp_path / "a.png").sum(axis=-1)
    column = picture[60:310, picture.shape[1] // 2 + 40]
    assert column[:40].mean() < column[-60:-20].mean() - 50


def test_a_field_carries_its_unit(tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(12, 4), opg=np.ones((12, 12, 12), np.float32))
    assert read_field(read_snapshot(path), "opg").label == "osteoprotegerin in marrow (a.u.)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"field": "rank"}, "did you mean"),
        ({"field": "nonsense"}, "holds no field 'nonsense'"),
        ({"how": "slize"}, "did you mean 'slice'"),
        ({"axis": "w"}, "give z, y or x"),
        ({"at": 1.5}, "a place from 0 to 1"),
        ({"limits": (2.0, 1.0)}, "leave no range"),
        ({"box": (0, 99, 0, 1, 0, 1)}, "does not lie within"),
    ],
)
def test_a_field_that_cannot_be_drawn_is_refused(slab, tmp_path, options, words):
    with pytest.raises(RunError, match=words):
        viz.render_field(slab, tmp_path / "a.png", **{"field": "rankl", "size": SMALL, **options})


def test_distance_lost_is_how_far_the_surface_receded(tmp_path):
    before = np.zeros((30, 12, 12), bool)
    before[5:25] = True
    after = before.copy()
    after[20:] = False  # five voxels from the top
    first = read_snapshot(write_checkpoint(tmp_path / "a.vtkhdf", before, voxel_um=10.0))
    last = read_snapshot(write_checkpoint(tmp_path / "b.vtkhdf", after, voxel_um=10.0, day=9))
    scene = distance_scene(first, last)
    assert scene.values.lattice[24, 6, 6] == pytest.approx(45.0, abs=1.0)
    assert scene.values.lattice[5, 6, 6] == pytest.approx(0.0, abs=1e-3)
    assert scene.values.high == pytest.approx(45.0, abs=1.0)
    with pytest.raises(RunError, match="no bone is left"):
        distance_scene(
            first,
            read_snapshot(write_checkpoint(tmp_path / "c.vtkhdf", np.zeros_like(before), voxel_um=10.0)),
        )
    with pytest.raises(RunError, match="choose one of them"):
        viz.render_loss(
            tmp_path / "a.vtkhdf", tmp_path / "b.vtkhdf", tmp_path / "a.png", by_load=True, distance=True
        )


def test_thickness_of_a_plate_is_its_thickness(tmp_path):
    bone = np.zeros((24, 24, 24), bool)
    bone[:, :, 8:16] = True
    scene = color_scene(
        read_snapshot(write_checkpoint(tmp_path / "a.vtkhdf", bone, voxel_um=10.0)), "thickness"
    )
    assert scene.values.lattice[12, 12, 12] == pytest.approx(80.0, rel=0.03)
    assert scene.values.label.endswith("(um)")


@pytest.fixture
def inhabited(tmp_path):
    bone = np.zeros((24, 24, 24), bool)
    bone[:12] = True
    row = np.ravel_multi_index((np.full(8, 11), np.full(8, 12), np.arange(4, 12)), bone.shape)
    inside = np.ravel_multi_index((np.full(4, 5), np.full(4, 5), np.arange(4, 8)), bone.shape)
    return write_checkpoint(
        tmp_path / "a.vtkhdf",
        bone,
        phase=np.zeros(bone.shape, np.uint8),
        **{
            "osteoblasts.voxel": row,
            "osteocytes.voxel": inside,
            "osteocytes.alive": np.array([1, 1, 1, 0], np.uint8),
            "osteoclasts.position_um": np.array([[250.0, 100.0, 400.0]]),
            "osteoclasts.nuclei": np.array([8], np.int32),
        },
    )


def test_cells_of_a_sheet_lie_flat_on_the_surface_and_osteocytes_stay_inside(inhabited):
    snapshot = read_snapshot(inhabited)
    solid = smooth_solid(snapshot.bone / np.float32(FULL))
    kinds = {k.label: k for k in cell_spheres(snapshot, solid, ("osteoclasts", "osteoblasts", "osteocytes"))}
    sheet = kinds["osteoblast"]
    assert sheet.away == pytest.approx(np.tile([1.0, 0.0, 0.0], (8, 1)), abs=1e-6)
    assert (np.abs(sheet.centers[:, 0] - 11.5) < 0.8).all()
    assert sheet.flatness < 0.5
    assert kinds["osteocyte"].centers[:, 0] == pytest.approx(5.0)
    assert len(kinds["empty lacuna"].radii) == 1
    assert len(kinds["osteoclast"].radii) == 1


def test_unknown_cells_are_refused(inhabited, tmp_path):
    with pytest.raises(RunError, match="did you mean 'osteocytes'"):
        viz.render_cells(inhabited, tmp_path / "a.png", layers=("osteocites",), size=SMALL)


def test_a_glass_bone_shows_what_lies_inside(inhabited, tmp_path):
    options = {"size": SMALL, "view": "front", "renderer": "plain"}
    viz.render_cells(inhabited, tmp_path / "a.png", layers=("osteoclasts",), **options)
    viz.render_cells(inhabited, tmp_path / "b.png", layers=("osteoclasts", "osteocytes"), **options)

    def orange(path) -> int:
        picture = pixels(path)[50:330]
        return int(((picture[..., 0] - picture[..., 2]) > 90).sum())

    assert orange(tmp_path / "b.png") > orange(tmp_path / "a.png") + 20


def test_a_flattened_cell_covers_what_its_shape_says():
    """Seen from the side an ellipsoid of half axes r and f r shows an ellipse, from above a disc."""
    from trabsim.viz.scene import Spheres

    away = np.array([[1.0, 0.0, 0.0]])
    cell = Spheres("cell", (0, 0, 0), np.array([[-25.0, 10.0, 25.0]]), np.array([8.0]), away, 0.5)
    for axes, share in (
        ((np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])), 0.5),
        ((np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]), np.array([-1.0, 0.0, 0.0])), 1.0),
    ):
        right, up, ahead = axes
        corner = cell.centers[0] - 25.0 * right + 25.0 * up - 50.0 * ahead
        depth = np.full((100, 100), np.inf)
        which = stamp_spheres(depth, cell.centers, cell.radii, corner, axes, 0.5, shape_matrices([cell]))
        assert (which >= 0).sum() * 0.5**2 == pytest.approx(share * np.pi * 64, rel=0.03)
        assert depth.min() == pytest.approx(50.0 - 8.0 * (1.5 - share), abs=0.02)


def labeled(path, with_label=True):
    """Bone below, on which four voxels of matrix were laid down between two labels."""
    bone = np.zeros((24, 20, 20), bool)
    bone[:14] = True
    phase = np.zeros(bone.shape, np.uint8)
    phase[13] = Phase.FORMING
    more = {}
    if with_label:
        z, y, x = np.meshgrid(np.arange(8, 14), np.arange(20), np.arange(20), indexing="ij")
        held = np.where(z < 10, FULL, 0).ravel().astype(np.int32)
        more = {
            "labels.id": np.ravel_multi_index((z.ravel(), y.ravel(), x.ravel()), bone.shape),
            "labels.bone": held,
            "labels.forming": (z.ravel() == 9).astype(np.uint8),
        }
    write_checkpoint(path, bone, day=50, phase=phase, formed_day=np.zeros(bone.shape, np.int32), **more)
    return path


def test_two_labels_lie_as_far_apart_as_matrix_was_laid_down(tmp_path):
    path = labeled(tmp_path / "a.vtkhdf")
    viz.render_section(path, tmp_path / "a.png", axis="y", at=0.5, size=(800, 600))
    picture = pixels(tmp_path / "a.png")
    column = picture[70:550, 400]
    green = np.flatnonzero((column[:, 1] > column[:, 0] + 40) & (column[:, 1] > column[:, 2] + 80))
    orange = np.flatnonzero((column[:, 0] > 225) & (column[:, 2] < 80))
    per_voxel = 0.98 * (600 - round(0.115 * 600) - round(0.075 * 600)) / 24
    assert green.mean() - orange.mean() == pytest.approx(4 * per_voxel, rel=0.06)


def test_a_checkpoint_without_labels_names_the_remedy(tmp_path):
    path = labeled(tmp_path / "a.vtkhdf", with_label=False)
    with pytest.raises(RunError, match=r"labels\.days"):
        viz.render_section(path, tmp_path / "a.png")
    with pytest.raises(RunError, match="give z, y or x"):
        viz.render_section(labeled(tmp_path / "b.vtkhdf"), tmp_path / "a.png", axis="q")


def test_a_large_lattice_is_drawn_of_means_and_says_so(tmp_path, monkeypatch):
    bone = foam(24, 3)
    rankl = np.where(bone, 0, 2.5).astype(np.float32)
    path = write_checkpoint(
        tmp_path / "a.vtkhdf",
        bone,
        rankl_soluble=rankl,
        phase=bone.astype(np.uint8),
        tissue=np.ones(bone.shape, np.uint8),
    )
    whole, merged = read_snapshot(path), read_snapshot(path, None, 12**3)
    assert merged.step == 2
    assert merged.bone.shape == (12, 12, 12)
    assert merged.voxel_size_um == 40.0
    assert merged.BV_TV == whole.BV_TV  # of all voxels, without the rim
    assert merged.bone.sum() == pytest.approx(whole.bone.sum() / 8, rel=1e-3)
    cube = rankl.reshape(12, 2, 12, 2, 12, 2).max(axis=(1, 3, 5))
    assert np.array_equal(merged.array("rankl_soluble"), cube)
    assert merged.array("phase").max() == 1
    monkeypatch.setattr(pictures, "MOST_VOXELS", 12**3)
    viz.render_checkpoint(path, tmp_path / "a.png", size=SMALL, renderer="plain")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.text["decimation"] == "means over 2^3 voxels of the checkpoint"
        assert picture.text["lattice_zyx"] == "24 x 24 x 24"
    viz.render_checkpoint(path, tmp_path / "b.png", size=SMALL, renderer="plain", box=(0, 12, 0, 12, 0, 12))
    with Image.open(tmp_path / "b.png") as picture:
        assert picture.text["decimation"] == "none"


def test_lattices_that_no_cube_divides_lose_only_what_does_not_fill_one(tmp_path):
    bone = foam(23, 3)
    path = write_checkpoint(tmp_path / "a.vtkhdf", bone)
    merged = read_snapshot(path, None, 12**3)
    assert merged.bone.shape == (11, 11, 11)
    assert pytest.approx(bone[:22, :22, :22].mean(), abs=1e-9) == merged.BV_TV
    with h5py.File(path) as file:
        assert merged.bone[0, 0, 0] == file["VTKHDF/CellData/bone_100000th_voxel"][:2, :2, :2].sum() // 8


def test_colors_of_cells_are_told_apart():
    assert np.abs(np.array(OSTEOCLAST) - np.array(OSTEOBLAST)).sum() > 150
