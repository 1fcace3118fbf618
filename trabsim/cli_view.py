"""``trabsim view``: look at a run in the browser."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="RUN|CHECKPOINT", type=click.Path(path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, help="Port of the page; 0 takes a free one."
)
@click.option("--host", default="127.0.0.1", help="Address to answer at. Default: this machine only.")
@click.option("--no-browser", is_flag=True, help="Only tell the address, do not open a browser.")
@click.option(
    "--color", metavar="NAME", help="Color at first, as in 'trabsim render'. Default: what changed."
)
def view(folder: Path, port: int, host: str, no_browser: bool, color: str | None) -> None:
    """Look at a run in the browser.

    A page with a slider for the day, colors, a clipping plane and layers of cells; Ctrl-C ends it. For one file
    to send to a colleague, see 'trabsim render --html'.
    """
    from trabsim import viz

    viz.serve_view(
        folder,
        port=port,
        host=host,
        open_browser=not no_browser,
        color=color,
        tell=lambda text: click.echo(text, err=False),
    )
