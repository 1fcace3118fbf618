"""What a screening leaves: effects as CSV, everything as JSON."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path

import trabsim
from trabsim.durable import replace_file
from trabsim.provenance import now, plain, software
from trabsim.trials.life_files import make_folder
from trabsim.trials.parameter_space import ParameterSpace
from trabsim.trials.scorecard import parameters_sha256
from trabsim.trials.scorecard_text import CITATION, NOTICE
from trabsim.trials.sensitivity import Sensitivity

EFFECTS, LOG = "effects.csv", "sensitivity.json"
COLUMNS = ("endpoint", "key", "effect", "error", "t", "real", "mu_star", "sigma", "noise")


def write_sensitivity(found: Sensitivity, folder: str | Path) -> tuple[Path, Path]:
    """Write both files.

    Parameters
    ----------
    found : Sensitivity
    folder : str or Path

    Returns
    -------
    effects, log : Path

    Raises
    ------
    RunError
        If they cannot be written.
    """
    folder, p = Path(folder), found.params
    make_folder(folder)
    out = io.StringIO()
    out.write(
        f"# trabsim {trabsim.__version__}; {p.method}; seeds 1-{p.seeds}; "
        f"{p.shape}^3 voxels of {p.voxel_size_um:g} um; "
        f"parameters sha256 {parameters_sha256(p.set)}\n# cite {CITATION}\n# {NOTICE}\n"
    )
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for effect in found.effects:
        cells = asdict(effect)
        writer.writerow([f"{cells[c]:.6g}" if isinstance(cells[c], float) else cells[c] for c in COLUMNS])
    replace_file(folder / EFFECTS, out.getvalue())
    space = ParameterSpace(p.parameter)
    data = {
        "software": software(),
        "written": now(),
        "notice": NOTICE,
        "cite": CITATION,
        "sensitivity": p.model_dump(mode="json"),
        "parameters_sha256": parameters_sha256(p.set),
        "effects": [asdict(effect) for effect in found.effects],
        "replicates": [asdict(item) for item in found.replicates],
        "points": [
            {"parameters": space.values(at), "values": values}
            for at, values in zip(found.points, found.values)
        ],
    }
    replace_file(folder / LOG, json.dumps(plain(data), indent=2, ensure_ascii=False) + "\n")
    return folder / EFFECTS, folder / LOG
