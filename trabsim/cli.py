"""The command line: what can be typed, and how mistakes are answered.

Only this file and its siblings ``cli_*.py`` print, draw progress or install log handlers.  Everything heavy
is imported inside the commands, so that ``trabsim --help`` answers at once.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

import trabsim
from trabsim.cli_calibrate import calibrate
from trabsim.cli_compare import compare
from trabsim.cli_export import export
from trabsim.cli_plot import plot
from trabsim.cli_render import render
from trabsim.cli_sensitivity import sensitivity
from trabsim.cli_stiffness import stiffness
from trabsim.cli_trial import trial
from trabsim.cli_validate import validate
from trabsim.cli_view import view
from trabsim.errors import TrabsimError

BACKENDS = click.Choice(("auto", "numpy", "cupy"))
FOLDER = click.Path(path_type=Path)


class CommandLine(click.Group):
    """Commands whose every mistake is one line on stderr and exit code 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; ends the process with its exit code."""

        def answer() -> Any:
            return click.Group.main(self, args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return answer()
        words = list(sys.argv[1:] if args is None else args)
        sys.exit(_exit_code(answer, with_traceback="--traceback" in words[:1]))


def _exit_code(answer: Callable[[], Any], with_traceback: bool) -> int:
    """Run a command; a mistake becomes one line."""
    log, warnings = logging.getLogger("trabsim"), _Warnings(logging.WARNING)
    log.addHandler(warnings)
    try:
        code = answer()
        return code if isinstance(code, int) else 0
    except click.UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            click.echo(error.format_message())
            return 2
        where = error.ctx.command_path if error.ctx is not None else "trabsim"
        return _say(f"{error.format_message()} See '{where} --help'.")
    except click.ClickException as error:
        return _say(error.format_message())
    except click.Abort:
        click.echo(
            "trabsim: stopped at once; 'trabsim resume RUN' goes on from the last checkpoint", err=True
        )
        return 130
    except (TrabsimError, OSError, MemoryError) as error:
        if with_traceback:
            raise
        if isinstance(error, MemoryError):
            return _say("out of memory; choose a smaller lattice ('trabsim check' tells what one needs)")
        return _say(str(error))
    finally:
        log.removeHandler(warnings)


class _Warnings(logging.Handler):
    """Show warnings of the library as they come."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"trabsim: {record.levelname.lower()}: {record.getMessage()}", err=True)


def _say(message: str) -> int:
    click.echo(f"trabsim: error: {' '.join(message.split())}", err=True)
    return 2


def machine_options(command: Any) -> Any:
    """Options that choose where a command computes."""
    threads = click.option(
        "--threads",
        type=click.IntRange(min=1),
        metavar="N",
        help="CPU threads; results do not depend on it. Default: every core.",
    )
    backend = click.option(
        "--backend",
        type=BACKENDS,
        default="auto",
        help="Where to compute; auto takes a GPU that answers, else the CPU. Results do not depend on it.",
    )
    return backend(threads(command))


@click.group(
    cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(trabsim.__version__, prog_name="trabsim", message="%(prog)s %(version)s")
@click.option("--traceback", is_flag=True, help="Show the full traceback of an error, for a bug report.")
def main(traceback: bool) -> None:
    """Simulate human trabecular bone, remodeled cell by cell."""


@main.command()
@click.argument("config")
@click.option(
    "-o", "--output", "folder", required=True, type=FOLDER, metavar="RUN", help="New folder for the run."
)
@click.option(
    "--until", "until_day", type=int, metavar="DAY", help="Day after entry to stop at. Default: run.years."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a parameter, for example run.years=2; may be given many times.",
)
@click.option("--seed", type=int, metavar="N", help="The same as --set run.seed=N.")
@machine_options
def run(
    config: str,
    folder: Path,
    until_day: int | None,
    settings: tuple[str, ...],
    seed: int | None,
    backend: str,
    threads: int | None,
) -> None:
    """Run a configuration or a preset.

    CONFIG is a TOML file, or the name of a preset (see 'trabsim presets'). Leaves tables, checkpoints and
    pictures in RUN. Ctrl-C finishes the day and writes a checkpoint, from which 'trabsim resume' goes on.
    """
    from trabsim.cli_run import start

    start(config, folder, until_day, settings, seed, backend, threads)


@main.command()
@click.argument("folder", metavar="RUN", type=FOLDER)
@click.option(
    "--until",
    "until_day",
    type=int,
    metavar="DAY",
    help="Day after entry to stop at; may lie beyond run.years.",
)
@click.option(
    "--from-day",
    type=int,
    metavar="DAY",
    help="Start from the checkpoint of this day; later ones go to RUN/superseded. Default: the latest.",
)
@machine_options
def resume(
    folder: Path, until_day: int | None, from_day: int | None, backend: str, threads: int | None
) -> None:
    """Continue a run that was stopped or killed.

    The result is, bit for bit, that of a run that never stopped.
    """
    from trabsim.cli_run import go_on

    go_on(folder, until_day, from_day, backend, threads)


@main.command()
@click.argument("what", metavar="CONFIG|RUN")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="As for 'trabsim run'.")
def check(what: str, settings: tuple[str, ...]) -> None:
    """Check a configuration, or a run for damage.

    Of a configuration: every key, the specimen, what differs from the defaults, and the memory it needs. Of a
    run: every checkpoint, its ledgers, and whether rows of the series are missing.
    """
    from trabsim.cli_check import check_config, check_run

    if Path(what).is_dir():
        check_run(Path(what), settings)
    else:
        check_config(what, settings)


@main.command()
@click.argument("image", metavar="IMAGE|CHECKPOINT", type=FOLDER)
@click.option(
    "--voxel-size-um", type=float, metavar="X", help="Voxel size, where the image does not state it."
)
@click.option("--gaussian", type=float, default=0.0, metavar="S", help="Smooth first; sigma in voxels.")
@click.option("--threshold", type=float, metavar="T", help="Bone is what lies above this gray value.")
@click.option("--otsu", is_flag=True, help="Find the threshold by Otsu's method.")
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads. Default: every core.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, with null for what is undefined.")
def measure(
    image: Path,
    voxel_size_um: float | None,
    gaussian: float,
    threshold: float | None,
    otsu: bool,
    threads: int | None,
    as_json: bool,
) -> None:
    """Measure the bone of a scan or checkpoint.

    Of a scan the largest 6-connected bone is measured; nothing is filled. An image of two values needs no
    threshold. Of a checkpoint the bone is blurred over 22 um, as a scan would be, and cut where its volume is
    right; the rim of 3 voxels that series.csv leaves out is left out too.
    """
    from trabsim.cli_measure import measure_image

    measure_image(image, voxel_size_um, gaussian, threshold, otsu, threads, as_json)


@main.command()
@click.argument("folder", metavar="RUN", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, with null for what is undefined.")
def summary(folder: Path, as_json: bool) -> None:
    """Tell what a run did.

    Entry against end, checkpoints, every start and end, and where the time went.
    """
    from trabsim.cli_summary import summarize

    summarize(folder, as_json)


@main.command()
@click.argument("name", required=False)
def presets(name: str | None) -> None:
    """List the presets, or show one."""
    from trabsim.cli_check import show_presets

    show_presets(name)


@main.command()
def info() -> None:
    """Tell versions, devices, and what is missing."""
    from trabsim.cli_info import show_info

    show_info()


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@machine_options
def bench(as_json: bool, backend: str, threads: int | None) -> None:
    """Measure how fast this machine simulates."""
    from trabsim.cli_info import show_bench

    show_bench(as_json, backend, threads)


main.add_command(compare)
main.add_command(export)
main.add_command(plot)
main.add_command(render)
main.add_command(stiffness)
main.add_command(validate)
main.add_command(calibrate)
main.add_command(sensitivity)
main.add_command(trial)
main.add_command(view)
