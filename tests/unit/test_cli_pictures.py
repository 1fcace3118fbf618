"""`trabsim render`, `trabsim plot` and `trabsim compare`, as typed: what they write, and what they refuse in a line."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from small_runs import simulate

from trabsim import viz
from trabsim.cli import main
from trabsim.viz import film, pictures
from trabsim.viz.probe import Answer

pytest.importorskip("matplotlib")

#: Two labels, of which the first is noted while sites form, before the last checkpoint.
SETTINGS = {"run.years": 30 / 365.25, "labels.days": [[30, 34]]}
SMALL = (320, 240)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A folder of runs: two of one specimen, one that says it had another, one that kept no checkpoints."""
    folder = Path(tmp_path_factory.mktemp("runs"))
    for name, seed in (("done", 1), ("drug", 2)):
        simulate(folder, folder / name, **SETTINGS, **{"run.seed": seed}).run()
    for name in ("other", "bare"):
        shutil.copytree(folder / "done", folder / name)
    shutil.rmtree(folder / "bare" / "checkpoints")
    noted = (folder / "other" / "provenance.json").read_text(encoding="utf-8")
    assert '"sha256": "' in noted
    (folder / "other" / "provenance.json").write_text(
        noted.replace('"sha256": "', '"sha256": "0'), encoding="utf-8"
    )
    return folder


@pytest.fixture(autouse=True)
def small_and_plain(runs, monkeypatch):
    """Draw small and without a graphics library, in the folder of the runs."""
    monkeypatch.chdir(runs)
    monkeypatch.setattr(pictures, "ask_pyvista", lambda: Answer(False, "", "it is not asked"))
    for name in ("render_checkpoint", "render_loss", "render_cells", "render_field", "render_section"):
        monkeypatch.setitem(getattr(viz, name).__kwdefaults__, "size", SMALL)
    for name in ("render_strip", "plot_clinical", "plot_arms", "plot_mineral", "plot_sites"):
        monkeypatch.setitem(getattr(viz, name).__kwdefaults__, "dpi", 60)
    monkeypatch.setitem(viz.turntable.__kwdefaults__, "frames", 4)
    monkeypatch.setitem(film.SIZES, ".gif", SMALL)


#: What is typed, and what is said of it.
PICTURES = {
    "render done -o a.png --view top": "drawn with the built-in ray caster",
    "render done -o a.png --color mineral --view side": "drawn with the built-in ray caster",
    "render done -o a.png --color rankl": "drawn with the built-in ray caster",
    "render done -o a.png --loss --distance": "drawn with the built-in ray caster",
    "render done -o a.png --loss --by-load": "drawn with the built-in ray caster",
    "render done -o a.png --cells": "drawn with the built-in ray caster",
    "render done -o a.png --cells --layer osteoclasts --layer osteocytes --view front": "drawn with the built-in",
    "render done -o a.png --field rankl": "plane across z at 0.5",
    "render done -o a.png --field estradiol --axis x --at 0.25": "plane across x at 0.25",
    "render done -o a.png --field sclerostin --volume --view side": "cloud over bone drawn with the built-in",
    "render done -o a.png --section --axis x --at 0.5": "plane 10 across x",
    "render done -o a.png --strip --view front": "drawn with the built-in ray caster",
    "render done -o a.pdf --strip --color bone": "drawn with the built-in ray caster",
    "render done -o a.png --strip --color estradiol": "drawn with the built-in ray caster",
    "render done -o a.gif --color rankl": "drawn with the built-in ray caster",
    "render done -o a.gif --turn --color sclerostin_au": "drawn with the built-in ray caster",
    "render done -o a.gif --cells": "drawn with the built-in ray caster",
    "render done -o a.gif --turn": "drawn with the built-in ray caster",
    "plot clinical done drug -o a.pdf --label none --label drug": "plotted lumbar_spine_BMD_g_per_cm2, ",
    "plot clinical bare -o a.png": "plotted lumbar_spine_BMD_g_per_cm2, ",
    "plot morphometry done drug -o a.svg": "plotted BV_TV, ",
    "plot morphometry . -o a.png --measure BV_TV": "plotted BV_TV",
    "plot mineral done drug -o a.png": "entry (day 0) ",
    "plot sites done -o a.png": " sites in day_000030.vtkhdf",
    "compare done drug -o a.png --dpi 60": "drawn with the built-in ray caster",
    "compare done drug -o a.svg --dpi 60 --day 10 --label a --label b --color rankl_soluble --view top": ", day 10",
}


@pytest.mark.parametrize("command", PICTURES)
def test_what_is_typed_is_drawn(runs, command):
    done = CliRunner().invoke(main, shlex.split(command))
    assert done.exit_code == 0, done.output
    file = next(word for word in command.split() if word.startswith("a."))
    assert done.stdout.startswith(f"{file}: ")
    assert PICTURES[command] in done.stdout
    assert done.stdout.count("\n") == 1
    out = runs / file
    if out.suffix in (".png", ".gif"):
        with Image.open(out) as image:
            # one color alone would be an empty picture
            assert len(image.convert("RGB").getcolors(image.width * image.height)) > 20
    else:
        assert out.read_bytes().startswith({".pdf": b"%PDF", ".svg": b"<?xml"}[out.suffix])
    out.unlink()


def test_a_color_is_found_by_its_short_name_and_by_its_name_in_files(runs):
    """As a field is; a page names it in full, whatever was asked for."""
    for first in ("color", "field"):
        drawn = []
        for name in ("rankl", "rankl_soluble", "rankl_soluble_au"):
            done = CliRunner().invoke(main, shlex.split(f"render done -o c.png --{first} {name}"))
            assert done.exit_code == 0, done.output
            drawn.append((runs / "c.png").read_bytes())
        assert drawn[0] == drawn[1] == drawn[2]
    done = CliRunner().invoke(main, shlex.split("render done -o c.html --color rankl"))
    assert done.exit_code == 0, done.output
    assert '"start": "rankl_soluble"' in (runs / "c.html").read_text(encoding="utf-8")
    for file in ("c.png", "c.html"):
        (runs / file).unlink()


def test_a_turn_has_many_frames_and_a_film_one_for_each_day(runs):
    for arguments, frames in (("--turn", 4), ("--loss", 4), ("--color bone", 4)):
        done = CliRunner().invoke(main, shlex.split(f"render done -o b.gif {arguments}"))
        assert done.exit_code == 0, done.output
        with Image.open(runs / "b.gif") as image:
            assert image.n_frames == frames, arguments
        (runs / "b.gif").unlink()


#: What is typed, and how the answer begins.
MISTAKES = {
    # things that do not go together
    "render done -o a.png --distance": "--distance belongs to a picture of what was lost; add --loss, or a second",
    "render done -o a.png --by-load": "--by-load belongs to a picture of what was lost; add --loss, or a second",
    "render done -o a.gif --loss --distance": "--distance belongs to a picture of what was lost",
    "render done -o a.png --loss --distance --by-load": "a picture shows distance lost or load borne, not both",
    "render done -o a.png --layer osteoclasts": "--layer belongs to a picture of cells; add --cells",
    "render done -o a.gif --cells --layer osteoclasts": "--layer belongs to a picture of cells",
    "render done -o a.png --volume": "--volume belongs to a field; add --field NAME",
    "render done -o a.png --axis x": "--axis belongs to a plane; add --field NAME or --section",
    "render done -o a.png --at 0.5": "--at belongs to a plane; add --field NAME or --section",
    "render done -o a.png --field opg --volume --axis x": "--axis belongs to a plane, and a cloud has none",
    "render done -o a.png --field opg --volume --at 0.5": "--at belongs to a plane, and a cloud has none",
    "render done -o a.png --turn": "--turn belongs to a film; end the name of the file in .mp4 or .gif",
    "render done -o a.gif --turn --view top": "--view belongs to pictures that do not turn; leave it out",
    "render done -o a.png --section --view top": "--view belongs to pictures in space; leave it out",
    "render done -o a.png --series --view top": "--view belongs to pictures in space; leave it out",
    "render done -o a.gif --field opg": "--field belongs to a picture; end the name of the file in .png",
    "render done -o a.gif --section": "--section belongs to a picture; end the name of the file in .png",
    "render done done -o a.gif": ".gif belongs to a film, which shows one run; leave the second checkpoint out",
    "render done -o a.png --field opg --section": "--loss, --cells, --series, --field, --section and --color draw",
    "render done -o a.gif --loss --color age": "--loss, --cells, --series, --field, --section and --color draw",
    "render done -o a.png --strip --cells": "--strip belongs to a run and a coloring; leave the other options out",
    "render done -o a.png --strip --field opg": "--strip belongs to a run and a coloring",
    "render done -o a.png --strip --section": "--strip belongs to a run and a coloring",
    "render done done -o a.png --strip": "--strip belongs to a run and a coloring",
    "render done -o a.gif --strip": "--strip belongs to a run and a coloring",
    "render done -o a.html --field opg": "a page shows change, cells and days of one run by itself",
    # names and numbers
    "render done -o a.png --cells --layer osteoclast": "there are no cells named 'osteoclast'; did you mean 'osteo",
    "render done -o a.png --field rankle": "day_000030.vtkhdf holds no field 'rankle'; did you mean 'rankl'?",
    "render done -o a.png --field nothing": "day_000030.vtkhdf holds no field 'nothing'; ",
    "render done -o a.png --color purple": "day_000030.vtkhdf holds no field 'purple'; ",
    "render done -o a.png --color rankle": "day_000030.vtkhdf holds no field 'rankle'; did you mean 'rankl'?",
    "render done -o a.png --strip --color estradol": "day_000000.vtkhdf holds no field 'estradol'; did you mean 'estra",
    "render done -o a.html --color rankle": "day_000000.vtkhdf holds no field 'rankle'; did you mean 'rankl'?",
    "render done -o a.png --strip --color purple": "day_000000.vtkhdf holds no field 'purple'; ",
    "render done -o a.gif --turn --color purple": "day_000030.vtkhdf holds no field 'purple'; ",
    "render done -o a.png --field opg --axis w": "Invalid value for '--axis': 'w' is not one of 'z', 'y', 'x'.",
    "render done -o a.png --field opg --at 1.5": "there is no plane across 'z' at 1.5; give z, y or x and a place",
    "render done -o a.png --section --at -1": "there is no plane across 'z' at -1.0; give z, y or x and a place",
    "render done -o a.png --section --at mid": "Invalid value for '--at': 'mid' is not a valid float.",
    "render done -o a.png --view fornt": "unknown view 'fornt'; did you mean 'front'?",
    "render done -o a.png --strip --view fornt": "unknown view 'fornt'; did you mean 'front'?",
    "render done -o a.gif --view fornt": "unknown view 'fornt'; did you mean 'front'?",
    "render done -o a.jpeg2 --strip": "cannot write a plot named 'a.jpeg2'; end the name in .png, .pdf or .svg",
    "render done -o none/a.png --strip": "cannot write none/a.png: No such file or directory; check the folder",
    "render done -o none/a.gif --turn": "cannot write none/a.gif: No such file or directory; check the folder",
    # what is not there
    "render bare -o a.png": "bare holds no checkpoints; give a run folder, or ask for checkpoints with an [[output]]",
    "render bare -o a.png --strip": "bare holds no checkpoints; ",
    "render bare -o a.png --loss": "--loss compares two checkpoints, and bare gives 0; ",
    "render bare -o a.png --field opg": "bare holds no checkpoints; ",
    "render bare -o a.png --section": "bare holds no checkpoints; ",
    "render bare -o a.png --cells": "bare holds no checkpoints; ",
    "render bare -o a.gif": "bare holds no checkpoints; ",
    "render bare -o a.gif --turn": "bare holds no checkpoints; ",
    "render none -o a.png --strip": "there is no run folder none",
    "render done/checkpoints/day_000000.vtkhdf -o a.png --section": "day_000000.vtkhdf holds no label; run with --s",
    "render done/checkpoints/day_000000.vtkhdf -o a.png --strip": "done/checkpoints/day_000000.vtkhdf is not the",
    # plots
    "plot clinic done -o a.png": "Invalid value for '{clinical|morphometry|mineral|sites}': 'clinic' is not one of",
    "plot clinical -o a.png": "Missing argument 'RUN...'.",
    "plot clinical done": "Missing option '-o' / '--output'.",
    "plot clinical done -o a.docx": "cannot write a plot named 'a.docx'; end the name in .png, .pdf or .svg",
    "plot clinical done -o none/a.png": "cannot write none/a.png: No such file or directory; check the folder",
    "plot clinical none -o a.png": "there is no series at none; give a run folder that holds series.csv",
    "plot clinical done drug -o a.png --label one": "1 labels for 2 arms; give one for each, in their order",
    "plot clinical done -o a.png --measure BV_VT": "no series holds a column 'BV_VT'; did you mean 'BV_TV'?",
    "plot mineral done -o a.png --measure BV_TV": "--measure names columns of the series; it belongs to 'plot clin",
    "plot mineral done drug -o a.png --label one": "1 labels for 2 runs; give one for each, in their order",
    "plot mineral bare -o a.png": "bare holds no checkpoints; ",
    "plot mineral none -o a.png": "there is no run folder none; start one with",
    "plot sites none -o a.png": "there is no ",
    "render none -o a.gif": "there is no run folder none; start one with",
    "plot sites done drug -o a.png": "the sites of one run are plotted at a time, without labels; give one run.",
    "plot sites done -o a.png --label one": "the sites of one run are plotted at a time, without labels",
    "plot sites bare -o a.png": "bare holds no checkpoints; ",
    # comparisons
    "compare -o a.png": "Missing argument 'RUN...'.",
    "compare done -o a.png": "a comparison of 1 runs cannot be drawn; give 2 to 8",
    "compare done other -o a.png": "done and other hold different specimens (sha256 ",
    "compare done bare -o a.png": "bare holds no checkpoints; ",
    "compare done none -o a.png": "there is no run folder none",
    "compare done drug -o a.png --label one": "1 labels for 2 runs; give one for each, in their order",
    "compare done drug -o a.png --day 7": "done holds no checkpoint of day 7; choose from: 0, 10, 20, 30",
    "compare done drug -o a.png --color purple": "day_000030.vtkhdf holds no field 'purple'; ",
    "compare done drug -o a.png --color rankle": "day_000030.vtkhdf holds no field 'rankle'; did you mean 'rankl",
    "compare done drug -o a.png --view fornt": "unknown view 'fornt'; did you mean 'front'?",
    "compare done drug -o a.png --dpi 5": "Invalid value for '--dpi': 5 is not in the range 50<=x<=1200.",
    "compare done drug -o a.docx --dpi 60": "cannot write a plot named 'a.docx'; end the name in .png, .pdf or .s",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line_and_writes_nothing(runs, command):
    before = sorted(runs.rglob("*"))
    done = CliRunner().invoke(main, shlex.split(command), prog_name="trabsim")
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    assert "Traceback" not in done.output
    (line,) = (row for row in done.stderr.splitlines() if not row.startswith("trabsim: warning: "))
    assert line.startswith(f"trabsim: error: {MISTAKES[command]}")
    assert sorted(runs.rglob("*")) == before
