"""``series.csv``: one row of measures per observation, appended so that a crash never spoils it.

Units are in the column names.  Numbers are written with as many digits as bring back the same bits.  An empty
cell is a measure that was not taken on that day; ``nan`` is one that was taken and is undefined.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trabsim.durable import append_line, replace_file
from trabsim.errors import RunError

if TYPE_CHECKING:
    import pandas


class SeriesFile:
    """The table of a run on disk.

    Parameters
    ----------
    path : Path
        It need not exist yet.
    """

    def __init__(self, path: Path):
        self.path = path
        self._columns: list[str] | None = None

    def append(self, row: Mapping[str, float]) -> None:
        """Add a row; it is on the device when this returns.

        A new column widens the whole table, in one step.
        """
        if self._columns is None:
            self._columns = self.read()[0]
        new = [name for name in row if name not in self._columns]
        if new:
            columns = self._columns + new
            self._replace(columns, [*self.read()[1], _cells(columns, row)])
        else:
            append_line(self.path, ",".join(_cells(self._columns, row)))

    def keep_until(self, day: int | None) -> int:
        """Drop the rows of later days, and what a crash left of a row.

        Columns that only the dropped rows had go too, so that the table is the one that an uninterrupted run
        had on that day.

        Parameters
        ----------
        day : int or None
            None drops all.

        Returns
        -------
        int
            How many rows went.
        """
        if not self.path.is_file():
            return 0
        self._columns = None
        columns, rows = self.read()
        kept = [row for row in rows if day is not None and int(row[0]) <= day]
        if not kept:
            self.path.unlink()
            return len(rows)
        if len(kept) == len(rows) and self.path.read_bytes().endswith(b"\n"):
            return 0
        taken = [any(row[k] for row in kept) for k in range(len(columns))]
        columns = [name for name, wanted in zip(columns, taken) if wanted]
        self._replace(columns, [[cell for cell, wanted in zip(row, taken) if wanted] for row in kept])
        return len(rows) - len(kept)

    def last_day(self) -> int | None:
        """Day of the last complete row."""
        _, rows = self.read()
        return int(rows[-1][0]) if rows else None

    def frame(self) -> pandas.DataFrame:
        """Read the table; empty cells become NaN."""
        columns, rows = self.read()
        return frame_of([{n: _number(n, cell) for n, cell in zip(columns, row)} for row in rows])

    def read(self) -> tuple[list[str], list[list[str]]]:
        """Names and cells of all complete rows, as text.

        Raises
        ------
        RunError
            If a line is not a row of this table; the line is named.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return [], []
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"cannot read {self.path}: {error}; restore it from a copy") from None
        lines = text.split("\n")[:-1]  # what follows the last line break is half a row
        if not lines:
            return [], []
        columns, rows = lines[0].split(","), [line.split(",") for line in lines[1:]]
        if columns[0] != "day":
            raise RunError(
                f"{self.path} is not the series of a run: its first column is '{columns[0]}', not 'day'"
            )
        for number, row in enumerate(rows, 2):
            if len(row) != len(columns) or not _is_row(columns, row):
                raise RunError(
                    f"line {number} of {self.path} is not a row of {len(columns)} numbers; restore it from a "
                    "copy, or delete that line"
                )
        return columns, rows

    def _replace(self, columns: list[str], rows: list[list[str]]) -> None:
        width = len(columns)
        lines = [columns, *(row + [""] * (width - len(row)) for row in rows)]
        replace_file(self.path, "".join(",".join(line) + "\n" for line in lines))
        self._columns = columns


def frame_of(rows: list[dict[str, float]]) -> pandas.DataFrame:
    """Make a table of rows; ``day`` holds whole numbers, what a row lacks is NaN."""
    import pandas

    frame = pandas.DataFrame(rows)
    return frame.astype({"day": "int64"}) if "day" in frame else frame


def _cells(columns: list[str], row: Mapping[str, float]) -> list[str]:
    return ["" if name not in row else _text(name, row[name]) for name in columns]


def _text(name: str, value: float) -> str:
    return str(int(value)) if name == "day" else repr(float(value))


def _number(name: str, cell: str) -> float:
    if name == "day":
        return int(cell)
    return float(cell) if cell else math.nan


def _is_row(columns: list[str], row: list[str]) -> bool:
    try:
        for name, cell in zip(columns, row):
            _number(name, cell)
    except ValueError:
        return False
    return True
