"""Pictures of checkpoints: what is in them, and what is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from viz_files import ball, foam, write_checkpoint

from trabsim import viz
from trabsim.errors import RunError
from trabsim.state import Phase
from trabsim.viz import annotate, pictures
from trabsim.viz.coloring import color_scene, exposed, limits_of, loss_scene, phase_patches, where_defined
from trabsim.viz.colors import PHASES
from trabsim.viz.notes import loss_notes
from trabsim.viz.probe import Answer
from trabsim.viz.read import read_snapshot

SMALL = (480, 360)


def pixels(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def scene_rows(picture: np.ndarray) -> np.ndarray:
    """The picture without its header and footer."""
    height = picture.shape[0]
    top = round(annotate._HEADER * height)
    return picture[top : top + annotate.scene_size((picture.shape[1], height))[1]]


def reddish(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0] > 1.8 * picture[..., 1] + 10) & (picture[..., 0] > 1.8 * picture[..., 2] + 10)


def bluish(picture: np.ndarray) -> np.ndarray:
    return picture[..., 2] > 1.5 * picture[..., 0] + 10


def test_importing_viz_loads_no_graphics_library():
    code = "import sys, trabsim.viz; print({'pyvista', 'vtk', 'matplotlib', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert set(viz.__all__) == set(viz._PUBLIC)


def test_a_ball_measured_with_the_scale_bar_has_its_diameter(tmp_path):
    """The bar's label and its pixels agree with the specimen drawn above it."""
    radius, voxel_um = 16.0, 25.0
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(40, radius), voxel_um=voxel_um)
    out = tmp_path / "a.png"
    viz.render_checkpoint(path, out, size=(800, 600), view="front", renderer="plain")
    picture = pixels(out)
    drawn = (scene_rows(picture) < 250).any(axis=-1)
    bar_row = picture.shape[0] - round(annotate._EDGE * 600) - 2
    bar_pixels = (picture[bar_row] < 100).all(axis=-1).sum()
    um_per_pixel = 40 * voxel_um / (annotate.scene_size((800, 600))[1] * 0.98)
    bar_um = annotate.bar_length_um(0.16 * 800 * um_per_pixel)
    diameter_um = drawn.any(axis=0).sum() / bar_pixels * bar_um
    assert diameter_um == pytest.approx(2 * radius * voxel_um, rel=0.04)


def test_lost_bone_is_red_and_gained_bone_blue_where_they_were(tmp_path):
    before = np.zeros((24, 24, 24), bool)
    before[:, 8:16, 4:20] = True
    after = before.copy()
    after[16:] = False  # the top is lost
    after[:8, 4:8] = True  # the bottom grew towards the viewer
    first = write_checkpoint(tmp_path / "a.vtkhdf", before, day=0)
    last = write_checkpoint(tmp_path / "b.vtkhdf", after, day=400)
    out = tmp_path / "loss.png"
    viz.render_loss(first, last, out, size=SMALL, view="front", renderer="plain")
    scene = scene_rows(pixels(out))
    height = scene.shape[0]
    red, blue = np.nonzero(reddish(scene))[0], np.nonzero(bluish(scene))[0]
    assert red.size > 3000
    assert blue.size > 3000
    assert red.max() < height * 0.37
    assert blue.min() > height * 0.63
    middle = scene[int(0.45 * height) : int(0.55 * height)]
    assert not reddish(middle).any()
    assert not bluish(middle).any()


def test_lost_bone_is_told_apart_by_the_load_it_bore(tmp_path):
    """Two plates vanish; the one that bore more load is drawn as such, and so is what was kept of the loaded half."""
    before = np.zeros((24, 24, 24), bool)
    before[2:6] = before[10:14] = before[18:22] = True
    energy = np.zeros(before.shape, np.float32)
    energy[2:6], energy[10:14], energy[18:22] = 0.01, 0.04, 0.03
    after = before.copy()
    after[2:6] = after[10:14, :, :12] = False
    first = read_snapshot(write_checkpoint(tmp_path / "a.vtkhdf", before, day=0, strain_energy=energy))
    last = read_snapshot(write_checkpoint(tmp_path / "b.vtkhdf", after, day=400))
    scene = loss_scene(first, last, by_load=True)
    there = {patch.label: patch.share > 0.5 for patch in scene.patches}
    assert there["lost, bore little load"][3:5].all()
    assert there["lost, bore much load"][11:13, :, :10].all()
    assert there["kept, bore much load"][11:13, :, 14:].all()
    assert not there["gained"].any()
    out = tmp_path / "loss.png"
    viz.render_loss(first.path, last.path, out, size=SMALL, renderer="plain", by_load=True)
    assert reddish(scene_rows(pixels(out))).any()


def test_load_cannot_be_told_without_mechanics(tmp_path):
    energy = np.zeros((12, 12, 12), np.float32)
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(12, 5), strain_energy=energy)
    with pytest.raises(
        RunError, match=r"a\.vtkhdf holds no strain energy; --by-load needs a run with mechanics"
    ):
        viz.render_loss(path, path, tmp_path / "x.png", renderer="plain", by_load=True)


def test_nothing_is_red_or_blue_without_a_change(tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", foam(20, 1))
    viz.render_loss(path, path, tmp_path / "a.png", size=SMALL, renderer="plain")
    scene = scene_rows(pixels(tmp_path / "a.png"))
    assert (scene < 250).any()
    assert not reddish(scene).any()
    assert not bluish(scene).any()


def test_the_caption_of_a_loss_map_balances(tmp_path):
    quanta = np.full((20, 20, 20), 60_000, np.int32)
    later = quanta.copy()
    later[:10] = 30_000
    later[10:] = 66_000
    first = read_snapshot(write_checkpoint(tmp_path / "a.vtkhdf", quanta, day=0))
    last = read_snapshot(write_checkpoint(tmp_path / "b.vtkhdf", later, day=730))
    notes = loss_notes(first, last, loss_scene(first, last))
    assert notes.title == "Bone lost and gained, day 0 to day 730 (2.0 years)"
    assert notes.caption == "BV/TV 60.0 % to 48.0 %: 25.0 % of the bone lost, 5.0 % gained"
    assert [label for label, _ in notes.swatches] == ["kept", "lost", "gained"]


def test_two_specimens_cannot_be_compared(tmp_path):
    one = write_checkpoint(tmp_path / "a.vtkhdf", ball(8, 3))
    for other, words in (
        (write_checkpoint(tmp_path / "b.vtkhdf", ball(9, 3)), "8 x 8 x 8 voxels and b.vtkhdf 9 x 9 x 9"),
        (write_checkpoint(tmp_path / "c.vtkhdf", ball(8, 3), voxel_um=21.0), "20 um in a.vtkhdf and 21 um"),
    ):
        with pytest.raises(RunError, match=words):
            viz.render_loss(one, other, tmp_path / "x.png", renderer="plain")


def test_phases_are_named_as_the_state_numbers_them():
    assert [name for name, _ in PHASES] == ["quiescent", "resorbing", "reversal", "forming", "arrested"]
    numbers = (Phase.QUIESCENT, Phase.RESORBING, Phase.REVERSAL, Phase.FORMING, Phase.ARRESTED)
    assert numbers == tuple(range(len(PHASES)))


def test_the_surface_has_the_color_of_its_phase(tmp_path):
    bone = ball(24, 9)
    phase = np.zeros(bone.shape, np.uint8)
    surface = exposed(bone)
    phase[surface & (np.arange(24)[:, None, None] >= 12)] = Phase.RESORBING
    snapshot = read_snapshot(write_checkpoint(tmp_path / "a.vtkhdf", bone, phase=phase))
    (patch,) = phase_patches(snapshot)
    assert patch.label == "resorbing"
    scene = color_scene(snapshot, "phase")
    above, below = scene.colors(np.array([[20.4, 11.5, 11.5], [2.6, 11.5, 11.5]]))
    assert tuple(above) == PHASES[Phase.RESORBING][1]
    assert tuple(below) == PHASES[Phase.QUIESCENT][1]


def test_exposed_voxels_touch_marrow_and_cut_faces_are_not_marrow():
    bone = np.ones((5, 5, 5), bool)
    assert not exposed(bone).any()
    bone[2, 2, 2] = False
    assert exposed(bone).sum() == 6


def test_a_field_of_the_marrow_colors_the_surface_with_the_values_beside_it(tmp_path):
    bone = np.zeros((20, 20, 20), bool)
    bone[:10] = True
    opg = np.where(bone, 0.0, 2.0 + np.arange(20)[None, None, :] / 19.0).astype(np.float32)
    snapshot = read_snapshot(write_checkpoint(tmp_path / "a.vtkhdf", bone, opg=opg))
    scene = color_scene(snapshot, "opg", limits=(2.0, 3.0))
    assert scene.values is not None
    assert scene.values.label == "osteoprotegerin in marrow (a.u.)"
    assert scene.values.lattice[9, 10, 10] == pytest.approx(opg[10, 10, 10], abs=0.01)
    left, right = scene.colors(np.array([[9.5, 10.0, 1.0], [9.5, 10.0, 18.0]]))
    assert left.sum() < right.sum()


def test_the_voxels_a_field_speaks_of_are_told_from_its_zeros(tmp_path):
    bone = ball(20, 8)
    surface = exposed(bone)
    fields = {
        "everywhere": np.ones(bone.shape, np.float32),
        "in_bone": bone.astype(np.float32),
        # as load is, in voxels that are less than half bone
        "in_bone_and_next_to_it": (bone | (ndimage.binary_dilation(bone) & (np.arange(20) > 9))).astype(
            np.float32
        ),
        "at_surface": (surface & (np.arange(20) > 9)).astype(np.float32),
        "in_marrow": (~bone | surface).astype(np.float32),
        "in_part_of_marrow": (~bone & (np.arange(20) > 9)).astype(np.float32),
    }
    domains = {
        "everywhere": np.ones(bone.shape, bool),
        "in_bone": bone,
        "in_bone_and_next_to_it": bone,
        "at_surface": surface,
        "in_marrow": ~bone | surface,
        "in_part_of_marrow": ~bone | surface,
    }
    snapshot = read_snapshot(write_checkpoint(tmp_path / "a.vtkhdf", bone, **fields))
    for name, domain in domains.items():
        assert np.array_equal(where_defined(snapshot, fields[name]), domain), name


def test_the_ends_of_a_ramp_leave_out_extremes_and_begin_at_zero_where_next_to_it():
    even = np.linspace(1.0, 101.0, 10_001)
    assert limits_of(np.append(even, 1e6)) == (0.0, 100.0)
    assert limits_of(even + 100.0) == (102.0, 200.0)
    assert limits_of(even - 1.0 - 50.0) == (-49.0, 49.0)
    assert limits_of(even, (3.0, 4.0)) == (3.0, 4.0)


def test_mineral_follows_the_age_of_the_matrix_and_the_run_configuration(tmp_path):
    bone = ball(12, 5)
    formed = np.full(bone.shape, -4000, np.int32)
    formed[:6] = 90
    path = write_checkpoint(tmp_path / "checkpoints" / "day_000100.vtkhdf", bone, day=100, formed_day=formed)
    young, old = 2, 9
    values = color_scene(read_snapshot(path), "mineral").values
    assert values is not None
    assert values.lattice[young, 6, 6] == 0.0  # ten days old: osteoid
    assert values.lattice[old, 6, 6] > 1000.0
    (tmp_path / "config.toml").write_text("[mineral]\nfull_mg_per_cm3 = 600.0\n", encoding="utf-8")
    halved = color_scene(read_snapshot(path), "mineral").values
    assert halved is not None
    assert halved.lattice[old, 6, 6] == pytest.approx(values.lattice[old, 6, 6] / 2, rel=1e-3)
    age = color_scene(read_snapshot(path), "age").values
    assert age is not None
    assert age.lattice[old, 6, 6] == pytest.approx(4100 / 365.25, rel=1e-3)


def test_matrix_without_a_day_has_no_age(tmp_path):
    path = write_checkpoint(
        tmp_path / "scan.vtkhdf", ball(8, 3), day=None, formed_day=np.zeros((8, 8, 8), np.int32)
    )
    with pytest.raises(RunError, match="does not say its day"):
        viz.render_checkpoint(path, tmp_path / "a.png", color="age", renderer="plain")


def test_cells_stand_on_the_surface_and_are_counted(tmp_path):
    bone = ball(24, 8)
    nearest = np.array([[11.5, 3.5, 11.5]])  # the voxel of the ball that is nearest to the viewer
    path = write_checkpoint(
        tmp_path / "a.vtkhdf",
        bone,
        phase=np.zeros(bone.shape, np.uint8),
        **{
            "osteoclasts.position_um": (nearest + 0.5) * 20.0,
            "osteoclasts.nuclei": [8],
            "osteoblasts.voxel": [np.ravel_multi_index((19, 11, 11), bone.shape)],
        },
    )
    out = tmp_path / "a.png"
    viz.render_cells(path, out, size=SMALL, view="front", renderer="plain")
    scene = scene_rows(pixels(out))
    purple = (scene[..., 0] > 1.5 * scene[..., 1]) & (scene[..., 2] > 1.5 * scene[..., 1])
    rows, columns = np.nonzero(purple)
    assert rows.size > 50
    assert abs(rows.mean() - scene.shape[0] / 2) < 3
    assert abs(columns.mean() - scene.shape[1] / 2) < 3
    boxed = tmp_path / "b.png"
    viz.render_cells(path, boxed, size=SMALL, box=(0, 10, 0, 24, 0, 24), renderer="plain")
    assert not np.array_equal(pixels(out), pixels(boxed))


def test_without_PyVista_a_picture_is_drawn_and_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "ask_pyvista", lambda: Answer(False, "", "no OpenGL library was found"))
    path = write_checkpoint(tmp_path / "a.vtkhdf", foam(24, 2))
    out = tmp_path / "a.png"
    how = viz.render_checkpoint(path, out, size=SMALL)
    assert "ray caster" in how
    assert "no OpenGL library was found" in how
    assert 'pip install "trabsim[viz]"' in how
    assert "libegl1 libgl1-mesa-dri" in how
    assert pixels(out).shape == (360, 480, 3)
    assert (scene_rows(pixels(out)) < 230).any(axis=-1).mean() > 0.1
    with pytest.raises(RunError, match="PyVista cannot draw here: no OpenGL library was found; pip install"):
        viz.render_checkpoint(path, out, size=SMALL, renderer="pyvista")


def test_the_same_checkpoint_gives_the_same_picture(tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", foam(24, 2))
    for name in ("a.png", "b.png"):
        viz.render_checkpoint(path, tmp_path / name, size=SMALL, renderer="plain")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    "bone", [np.zeros((6, 7, 8), bool), np.ones((6, 7, 8), bool), np.ones((1, 1, 1), bool)]
)
def test_a_specimen_without_surface_is_drawn(tmp_path, bone):
    path = write_checkpoint(tmp_path / "a.vtkhdf", bone)
    viz.render_checkpoint(path, tmp_path / "a.png", size=(400, 300), renderer="plain")
    drawn = (scene_rows(pixels(tmp_path / "a.png")) < 250).any()
    assert drawn == bone.any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"color": "opgg"}, "holds no field 'opgg'; did you mean 'opg'"),
        ({"color": "phases"}, "did you mean 'phase'"),
        ({"color": "opg", "limits": (2.0, 1.0)}, "no range of colors"),
        ({"view": "cornr"}, "unknown view 'cornr'; did you mean 'corner'"),
        ({"view": "elsewhere"}, "give one of corner, front, side, top"),
        ({"view": (10.0,)}, "a view is a name or"),
        ({"view": (10.0, 95.0)}, "within -90..90"),
        ({"size": (100, 100)}, "out of range; give 160 to 16000"),
        ({"size": 400}, "a picture's size is"),
        ({"renderer": "povray"}, "unknown renderer 'povray'; give one of auto, pyvista, plain"),
    ],
)
def test_wrong_requests_are_answered_in_one_line(tmp_path, options, words):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(8, 3), opg=np.ones((8, 8, 8), np.float32))
    with pytest.raises(RunError, match=words) as caught:
        viz.render_checkpoint(path, tmp_path / "a.png", **{"renderer": "plain", **options})
    assert "\n" not in str(caught.value)


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path):
    path = write_checkpoint(tmp_path / "a.vtkhdf", ball(8, 3))
    with pytest.raises(RunError, match="end the name in"):
        viz.render_checkpoint(path, tmp_path / "a.picture", size=(160, 160), renderer="plain")
    with pytest.raises(RunError, match="check the folder"):
        viz.render_checkpoint(path, tmp_path / "none" / "a.png", size=(160, 160), renderer="plain")


@pytest.mark.parametrize(("longest", "length"), [(999.0, 500.0), (1000.0, 1000.0), (27.0, 20.0), (0.5, 0.5)])
def test_a_scale_bar_has_a_round_length(longest, length):
    assert annotate.bar_length_um(longest) == pytest.approx(length)


def test_long_texts_are_made_to_fit():
    scene = np.full((*annotate.scene_size((300, 200))[::-1], 3), 255, np.uint8)
    notes = annotate.Notes("word " * 60, "more " * 60, tuple((f"label {k}", (90, 90, 90)) for k in range(9)))
    sheet = annotate.annotate(scene, (300, 200), 10.0, notes)
    assert (sheet[: round(annotate._HEADER * 200), -4:] == 255).all()
    assert sheet.shape == (200, 300, 3)
