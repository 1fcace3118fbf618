"""The series on disk: complete rows only, whatever happens while they are written."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path
from typing import Any

import pytest

from trabsim import durable
from trabsim.durable import FileAside, append_line, replace_file
from trabsim.errors import RunError
from trabsim.series import SeriesFile


@pytest.fixture
def series(tmp_path: Path) -> SeriesFile:
    file = SeriesFile(tmp_path / "series.csv")
    file.append({"day": 0.0, "a": 0.1, "b": math.nan})
    file.append({"day": 2.0, "a": 0.1 + 0.2})
    file.append({"day": 4.0, "c": 1e-300, "a": 3.0})
    return file


def test_rows_are_as_wide_as_all_columns_so_far(series):
    assert series.path.read_text() == "day,a,b,c\n0,0.1,nan,\n2,0.30000000000000004,,\n4,3.0,,1e-300\n"


def test_a_table_reads_back_with_whole_days_and_the_same_bits(series):
    frame = series.frame()
    assert list(frame["day"]) == [0, 2, 4]
    assert list(frame["a"]) == [0.1, 0.1 + 0.2, 3.0]
    assert frame["c"].isna().tolist() == [True, True, False]


def test_going_back_restores_the_very_table_of_that_day(tmp_path, series):
    """Columns that came later go, too; a measure that was taken and is undefined stays."""
    assert series.keep_until(3) == 1
    assert series.path.read_text() == "day,a,b\n0,0.1,nan\n2,0.30000000000000004,\n"
    series.append({"day": 4.0, "c": 1e-300, "a": 3.0})
    again = SeriesFile(tmp_path / "again.csv")
    for row in (
        {"day": 0, "a": 0.1, "b": math.nan},
        {"day": 2, "a": 0.1 + 0.2},
        {"day": 4, "c": 1e-300, "a": 3.0},
    ):
        again.append(row)
    assert series.path.read_bytes() == again.path.read_bytes()


def test_going_back_before_the_first_row_leaves_no_file(series):
    assert series.keep_until(None) == 3
    assert not series.path.exists()
    assert series.keep_until(None) == 0
    assert series.last_day() is None
    assert len(series.frame()) == 0


def test_half_a_row_is_dropped_when_the_run_goes_on(series):
    whole = series.path.read_bytes()
    with open(series.path, "ab") as file:
        file.write(b"6,0.")
    assert series.last_day() == 4
    assert series.keep_until(4) == 0
    assert series.path.read_bytes() == whole


def full_after(n_bytes: int) -> Any:
    """A stand-in for `os` whose disk takes so many bytes more."""
    left = [n_bytes]

    class Os:
        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def write(self, descriptor: int, data: memoryview) -> int:
            if left[0] == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            done = os.write(descriptor, data[: left[0]])
            left[0] -= done
            return done

    return Os()


@pytest.mark.parametrize("n_bytes", [0, 1, 5])
def test_a_full_disk_takes_back_the_part_of_a_row(series, monkeypatch, n_bytes):
    before = series.path.read_bytes()
    monkeypatch.setattr(durable, "os", full_after(n_bytes))
    with pytest.raises(
        RunError, match=r"cannot write .*series.csv: no space left \(No space left on device\); what was"
    ):
        series.append({"day": 6, "a": 1.0})
    assert series.path.read_bytes() == before
    monkeypatch.undo()
    series.append({"day": 6, "a": 1.0})
    assert series.last_day() == 6


def test_a_write_in_small_pieces_is_completed(tmp_path, monkeypatch):
    class Os:
        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def write(self, descriptor: int, data: memoryview) -> int:
            return os.write(descriptor, data[:3])

    monkeypatch.setattr(durable, "os", Os())
    append_line(tmp_path / "a", "0123456789")
    assert (tmp_path / "a").read_text() == "0123456789\n"


def test_a_file_comes_into_its_place_in_one_step(tmp_path):
    replace_file(tmp_path / "a", "old")
    with FileAside(tmp_path / "a") as file:
        file.write(b"ne")
        assert (tmp_path / "a").read_text() == "old"
        file.write(b"w")
    assert (tmp_path / "a").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_within_the_block_leaves_the_old_file_alone(tmp_path, error):
    replace_file(tmp_path / "a", "old")

    def interrupted():
        with FileAside(tmp_path / "a") as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        interrupted()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "old")]


def test_missing_rights_are_told_apart_from_a_full_disk(tmp_path):
    assert "Permission denied; check the folder and its rights" in str(
        durable.cannot_write(tmp_path, PermissionError(errno.EACCES, "Permission denied"))
    )
    with pytest.raises(
        RunError, match=r"cannot write .*b: No such file or directory; check the folder and its rights"
    ):
        append_line(tmp_path / "a" / "b", "text")
