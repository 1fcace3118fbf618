"""The loops that join elements into coarser ones without joining what is apart.

A coarse element holds those elements of a cell of 2 x 2 x 2 that hang together by nodes; two struts that run
through one cell without touching become two coarse elements in one place.  Corners of coarse elements are one
node where a fine node of both lies there or between; so the levels keep the topology of the bone.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def _root(link, i):
    while link[i] != i:
        link[i] = link[link[i]]
        i = link[i]
    return i


@njit(cache=True)
def _join(link, i, j):
    i, j = _root(link, i), _root(link, j)
    if i < j:
        link[j] = i
    elif j < i:
        link[i] = j


@njit(cache=True)
def split_cells(order, group_start, corners, parent):
    """Number the parts of every cell; elements of one part share nodes.  Gives the number of parts.

    ``order`` lists the elements cell by cell, ``group_start`` where each cell begins.
    """
    parts = 0
    for g in range(group_start.size - 1):
        first, n = group_start[g], group_start[g + 1] - group_start[g]
        link = np.arange(n)
        for i in range(n):
            for j in range(i):
                if _root(link, i) != _root(link, j) and _share_node(
                    corners, order[first + i], order[first + j]
                ):
                    _join(link, i, j)
        number = np.full(n, -1, np.int32)
        for i in range(n):
            root = _root(link, i)
            if number[root] < 0:
                number[root] = parts
                parts += 1
            parent[order[first + i]] = number[root]
    return parts


@njit(cache=True)
def _share_node(corners, e, f):
    for i in range(8):
        for j in range(8):
            if corners[e, i] == corners[f, j]:
                return True
    return False


@njit(cache=True)
def coarse_corners(cells, corners, parent, coarse_cells, node_parent, place, coarse):
    """Number the corners of coarse elements; find each node's coarse element and place in it.

    ``place`` is 9 z + 3 y + x with z, y, x of 0, 1 or 2: on a corner, in between, on the opposite corner.
    Gives the number of coarse nodes.
    """
    link = np.arange(8 * coarse_cells.shape[0])
    node_parent[:] = -1
    at = np.empty(3, np.int64)
    for e in range(corners.shape[0]):
        own = parent[e]
        for k in range(8):
            node = corners[e, k]
            for axis in range(3):
                at[axis] = cells[e, axis] + (k >> (2 - axis) & 1)
            first = node_parent[node]
            if first < 0:
                node_parent[node] = own
                place[node] = (
                    9 * (at[0] - 2 * coarse_cells[own, 0])
                    + 3 * (at[1] - 2 * coarse_cells[own, 1])
                    + (at[2] - 2 * coarse_cells[own, 2])
                )
            elif first != own:
                _join_corners(link, at, own, first, coarse_cells)
    return _number_by_plane(link, coarse_cells, coarse)


@njit(cache=True)
def _number_by_plane(link, coarse_cells, coarse):
    """Number joined corners plane by plane along z, in a plane as they come."""
    following = np.zeros(coarse_cells[:, 0].max() + 3, np.int64)
    for i in range(link.size):
        if link[i] == i:
            following[coarse_cells[i // 8, 0] + (i % 8) // 4 + 1] += 1
    following = np.cumsum(following)
    n = following[-1]
    number = np.full(link.size, -1, np.int32)
    for i in range(link.size):
        root = _root(link, i)
        if number[root] < 0:
            plane = coarse_cells[i // 8, 0] + (i % 8) // 4
            number[root] = following[plane]
            following[plane] += 1
        coarse[i // 8, i % 8] = number[root]
    return n


@njit(cache=True)
def _join_corners(link, at, own, other, coarse_cells):
    """Join the corners of two coarse elements that carry the node at a place."""
    for k in range(8):
        mine, theirs, carries = 0, 0, True
        for axis in range(3):
            bit = k >> (2 - axis) & 1
            if at[axis] % 2 == 0 and bit:
                carries = False
                break
            corner = at[axis] // 2 + bit
            mine = 2 * mine + corner - coarse_cells[own, axis]
            theirs = 2 * theirs + corner - coarse_cells[other, axis]
        if carries:
            _join(link, 8 * own + mine, 8 * other + theirs)


@njit(cache=True)
def transpose(node_parent, place, coarse, weights, start, child, halvings):
    """List, per coarse node, the nodes it carries and how often their weight is halved.

    Called with an empty ``child`` it only counts, into ``start[1:]``.
    """
    counting = child.size == 0
    fill = start.copy()
    for node in range(node_parent.size):
        for k in range(8):
            w = weights[place[node], k]
            if w == 0:
                continue
            m = coarse[node_parent[node], k]
            if counting:
                start[m + 1] += 1
            else:
                child[fill[m]] = node
                halvings[fill[m]] = 0 if w == 1 else 1 if w == 0.5 else 2 if w == 0.25 else 3
                fill[m] += 1


@njit(cache=True)
def incidence(corners, start, entries):
    """List, per node, its elements and which corner it is: 8 element + corner.  Counts if entries is empty."""
    counting = entries.size == 0
    fill = start.copy()
    for e in range(corners.shape[0]):
        for k in range(8):
            m = corners[e, k]
            if counting:
                start[m + 1] += 1
            else:
                entries[fill[m]] = 8 * e + k
                fill[m] += 1


@njit(cache=True)
def _merge(corners, entries, first, last, found):
    """Write the nodes of some elements in rising order, each once; gives their number."""
    n = 0
    for j in range(first, last):
        e = entries[j] // 8
        for k in range(8):
            m = corners[e, k]
            i = n
            while i > 0 and found[i - 1] > m:
                i -= 1
            if i > 0 and found[i - 1] == m:
                continue
            for s in range(n, i, -1):
                found[s] = found[s - 1]
            found[i] = m
            n += 1
    return n


@njit(cache=True)
def neighbors(corners, element_start, entries, start, neighbor):
    """List, per node, the nodes it shares an element with.  Counts if ``neighbor`` is empty."""
    most = 0
    for i in range(element_start.size - 1):
        most = max(most, element_start[i + 1] - element_start[i])
    found = np.empty(8 * most + 1, np.int32)
    counting = neighbor.size == 0
    for i in range(element_start.size - 1):
        n = _merge(corners, entries, element_start[i], element_start[i + 1], found)
        if counting:
            start[i + 1] = start[i] + n
        else:
            neighbor[start[i] : start[i] + n] = found[:n]
