"""Scatter and relabel loops on the CPU.  Serial: memory-bound, and order could not matter anyway."""

from __future__ import annotations

from numba import njit


@njit(cache=True)
def in_range(index, size):
    """True if every position lies in ``0 .. size - 1``."""
    good = True
    for i in range(index.size):
        good &= (index[i] >= 0) & (index[i] < size)
    return good


@njit(cache=True)
def add(target, index, values):
    """target[index] += values."""
    for i in range(index.size):
        target[index[i]] += values[i]


@njit(cache=True)
def minimum(target, index, values):
    """target[index] = min(target[index], values)."""
    for i in range(index.size):
        if values[i] < target[index[i]]:
            target[index[i]] = values[i]


@njit(cache=True)
def relabel_by_first(labels, canonical):
    """Renumber ``labels`` in place by first voxel; ``canonical`` holds a zero per label and for 0."""
    count = 0
    for i in range(labels.size):
        label = labels[i]
        if label != 0:
            if canonical[label] == 0:
                count += 1
                canonical[label] = count
            labels[i] = canonical[label]
    return count
