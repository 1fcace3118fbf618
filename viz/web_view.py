"""A page on this machine in which a run can be turned, cut and followed through its days (PyVista with trame).

The server draws and sends pictures, so that specimens of any size and old computers before it are no hindrance, and
nothing but the page itself is fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trabsim.errors import RunError
from trabsim.viz.cells import LAYERS
from trabsim.viz.web_look import Look
from trabsim.viz.web_page import color_title

VIEW_HINT = 'pip install "trabsim[view]"'
_AXES = ("nothing", "x", "y", "z")
_STYLE = """
html, body, #app { margin: 0; height: 100%; font: 14px/1.4 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
#view { position: fixed; inset: 0 0 58px 290px; } #view > div, #view > div > div { height: 100%; width: 100%; }
#panel { position: fixed; left: 0; top: 0; bottom: 58px; width: 258px; padding: 12px 16px;
  overflow: auto; color: #26262a; }
#panel h1 { font-size: 16px; margin: 0; overflow-wrap: anywhere; } .small { color: #6e6e74; font-size: 12px; }
.row { display: flex; gap: 8px; align-items: center; justify-content: space-between; margin: 6px 0; }
.row select { max-width: 160px; flex: 1; } input[type=range] { width: 100%; accent-color: #1f5fa8; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; }
.ramp { height: 12px; border-radius: 3px; } h2 { font-size: 12px; color: #6e6e74; margin: 14px 0 2px; }
#bar { position: fixed; left: 0; right: 0; bottom: 0; height: 58px; display: flex; gap: 14px; align-items: center;
  padding: 0 20px; box-sizing: border-box; border-top: 1px solid #ddd; }
#when { min-width: 160px; text-align: right; } #trouble { color: #b01010; }
#busy { position: fixed; right: 20px; top: 12px; color: #6e6e74; font-size: 12px; }
"""


def serve_view(
    path: str | Path,
    *,
    port: int = 8080,
    host: str = "127.0.0.1",
    open_browser: bool = True,
    color: str | None = None,
    tell: Callable[[str], None] | None = None,
) -> None:
    """Serve a page of a run or checkpoint until it is interrupted.

    Parameters
    ----------
    path : str or Path
        A run folder, or one ``*.vtkhdf`` file.
    port : int
        0 takes a free one.
    host : str
        Address to answer at; the default is reached from this machine only.
    open_browser : bool
    color : str, optional
        How the page colors at first, by any name that `trabsim.viz.render_checkpoint` takes; by default what changed.
    tell : callable, optional
        Gets the address in words once the page can be opened.

    Raises
    ------
    RunError
        If there is no checkpoint, trame or PyVista is missing, nothing draws here, the port is taken, or the color is
        unknown.
    """
    if missing := [name for name in ("trame", "trame_vtk", "pyvista") if find_spec(name) is None]:
        raise RunError(f"a view needs {' and '.join(missing)}, which is not installed; {VIEW_HINT}")
    _require_free(host, port)
    look = Look(path)
    try:
        server = build_page(look, Path(path).resolve().stem.replace("_", " "), look.color_named(color))

        def ready(**_: Any) -> None:
            if tell is not None:
                tell(f"http://{host}:{server.port} shows {path}; Ctrl-C ends it")

        server.controller.on_server_ready.add(ready)
        server.start(
            port=port,
            host=host,
            open_browser=open_browser,
            show_connection_info=False,
            timeout=0,
            backend="aiohttp",
        )
    finally:
        look.close()


def build_page(look: Look, title: str, color: str) -> Any:
    """The trame server of a page that shows `look`, at first in one of its colors; it is not started."""
    from trame.app import get_server
    from trame.ui.html import DivLayout
    from trame.widgets import client, html, vtk

    server = get_server(f"trabsim-view-{id(look)}", client_type="vue3")
    server.cli.parse_known_args([])  # what was typed is not meant for trame
    state = server.state
    last = len(look.paths) - 1
    state.trame__title = f"{title} - trabsim"
    state.update(
        {
            "number": last,
            "color": color,
            "axis": "nothing",
            "share": 50,
            **{layer: layer != "osteocytes" for layer in LAYERS},
            "when": "", "facts": "", "counts": "", "legend": look.legend(), "shown": "", "trouble": "",
        }
    )  # fmt: skip

    def redraw(**_: Any) -> None:
        number, wanted = int(state.number), [layer for layer in LAYERS if state[layer]]
        try:
            axis = _AXES.index(state.axis) - 1
            look.cut(None if axis < 0 else axis, float(state.share) / 100)
            counts = look.show(number, state.color, wanted)
        except RunError as error:
            state.trouble = str(error)
            return
        state.trouble, state.legend = "", look.legend()
        state.when, state.facts = look.when(number), look.facts(number)
        state.counts = ", ".join(f"{many} {kind}s" for kind, many in counts.items()).replace(
            "lacunas", "lacunae"
        )
        server.controller.update_picture()
        # what is on the screen now: a test, or a screen reader, can wait for it
        layers = "+".join(wanted)
        state.shown = f"{number} {state.color} {state.axis} {state.share if axis >= 0 else ''} {layers}"

    def restore() -> None:
        look.aim()
        look.plotter.render()
        server.controller.update_picture()

    with DivLayout(server) as page:
        page.root.id = "app"
        client.Style(_STYLE)
        with html.Div(id="view"):
            picture = vtk.VtkRemoteView(
                look.plotter.render_window, ref="picture", interactive_ratio=1, interactive_quality=70
            )
            server.controller.update_picture = picture.update
        with html.Div(id="panel"):
            html.H1(title)
            html.P("{{ facts }}", classes="small", id="facts")
            with html.Label(classes="row"):
                html.Span("Color by")
                with html.Select(v_model=("color",), id="color"):
                    for name in look.colors:
                        html.Option(color_title(name), value=name)
            _add_legend(html)
            html.H2("Cells")
            for layer in LAYERS:
                with html.Label(style="display: block"):
                    html.Input(type="checkbox", v_model=(layer,), id=layer)
                    html.Span(layer)
            html.P("{{ counts }}", classes="small")
            html.H2("Cut away")
            with html.Label(classes="row"):
                html.Span("Along")
                with html.Select(v_model=("axis",), id="axis"):
                    for axis in _AXES:
                        html.Option(axis, value=axis)
            html.Input(
                type="range", min=0, max=100, v_model=("share",), id="share", disabled=("axis === 'nothing'",)
            )
            with html.P():
                html.Button("Reset view", click=restore, id="reset")
            html.P("Drag to turn, wheel to zoom, Shift and drag to move.", classes="small")
            html.P("{{ trouble }}", id="trouble")
        with html.Div(id="bar", v_show=(str(last > 0).lower(),)):
            html.Input(type="range", min=0, max=last, step=1, v_model=("number",), id="number")
            html.Span("{{ when }}", id="when")
        html.Div("drawing ...", id="busy", v_show=("trame__busy",))
        html.Div("{{ shown }}", id="shown", style="display: none")

    state.change("number", "color", "axis", "share", *LAYERS)(redraw)
    # the first picture was drawn before anybody looked
    server.controller.on_client_connected.add(server.controller.update_picture)
    return server


def _add_legend(html: Any) -> None:
    with html.Div(id="legend"):
        with html.Div(v_for="one in legend.classes", classes="small"):
            html.Span(classes="swatch", style=("{background: one[1]}",))
            html.Span("{{ one[0] }}")
        with html.Div(v_if="legend.colors"):
            html.Div(classes="ramp", style=("{background: legend.colors}",))
            with html.Div(classes="row small"):
                html.Span("{{ legend.ends[0] }}")
                html.Span("{{ legend.ends[1] }}")
            html.Div("{{ legend.label }}", classes="small")


def _require_free(host: str, port: int) -> None:
    import socket

    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise RunError(
                f"cannot serve at {host}:{port}: {error.strerror or error}; choose another --port, or 0 for a free one"
            ) from None
