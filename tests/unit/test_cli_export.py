"""What `trabsim export`, `trabsim view` and `trabsim render --html` hand to the pictures."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from viz_files import ball, write_checkpoint

from trabsim import viz
from trabsim.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a run of two checkpoints."""
    for day in (0, 10):
        write_checkpoint(tmp_path / "run" / "checkpoints" / f"day_{day:06d}.vtkhdf", ball(10, 3), day=day)
    monkeypatch.chdir(tmp_path)
    return tmp_path


SURFACE = {"to": "stl", "unit": "mm", "color": None}


@pytest.mark.parametrize(
    ("arguments", "function", "expected", "options"),
    [
        ("export run -o a.stl", "export_surface", ["run", "a.stl"], SURFACE),
        ("export run -o A.STL --unit um", "export_surface", ["run", "A.STL"], SURFACE | {"unit": "um"}),
        (
            "export run -o a.ply --color phase",
            "export_surface",
            ["run", "a.ply"],
            {"to": "ply", "color": "phase"},
        ),
        ("export run -o a --to glb", "export_surface", ["run", "a"], {"to": "glb"}),
        (
            "export run -o a.stl --day 0 --box 0,1,2,3,4,5",
            "export_surface",
            ["run/checkpoints/day_000000.vtkhdf", "a.stl"],
            {"box": (0, 1, 2, 3, 4, 5)},
        ),
        ("export run -o a.nii.gz", "export_volume", ["run", "a.nii.gz"], {"to": "nifti", "field": "bone"}),
        ("export run -o a.ome.zarr --field opg", "export_volume", ["run", "a.ome.zarr"], {"field": "opg"}),
        ("export run -o a.vtkhdf", "export_series", ["run", "a.vtkhdf"], {"fields": None}),
        ("export run -o a.vtkhdf --field opg", "export_series", ["run", "a.vtkhdf"], {"fields": ("opg",)}),
        ("render run -o a.html", "write_page", ["run", "a.html"], {"color": None}),
        ("render run --html -o a.htm --color age", "write_page", ["run", "a.htm"], {"color": "age"}),
        ("view run --port 0 --no-browser", "serve_view", ["run"], {"port": 0, "open_browser": False}),
    ],
)
def test_the_right_file_is_asked_for(place, monkeypatch, arguments, function, expected, options):
    asked: list[Any] = []

    def record(*paths: Any, **more: Any) -> str:
        asked.append(([str(path) for path in paths], more))
        return "told"

    monkeypatch.setattr(viz, function, record, raising=False)
    done = CliRunner().invoke(main, arguments.split(), standalone_mode=True)
    assert done.exit_code == 0, done.output
    ((paths, given),) = asked
    assert paths == expected
    assert {name: given[name] for name in options} == options
    assert done.output == ("" if function == "serve_view" else f"{expected[1]}: told\n")


def test_formats_are_written_from_the_command_line(place):
    for name in ("a.stl", "a.ply", "a.glb", "a.nii", "a.ome.zarr", "a.vtkhdf", "a.html"):
        command = "render" if name.endswith("html") else "export"
        done = CliRunner().invoke(main, [command, "run", "-o", name])
        assert done.exit_code == 0, done.output
        assert (place / name).exists()
        assert "\n" not in done.output.strip()
