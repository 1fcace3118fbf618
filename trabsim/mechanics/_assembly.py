"""The loops that form the matrices of coarse levels: each is what the finer one says of interpolated fields."""

from __future__ import annotations

import numpy as np
from numba import njit, prange


@njit
def _mask(k, corners, fixed):
    """Clear rows and columns of fixed directions."""
    for i in range(8):
        for c in range(3):
            if fixed[corners[i]] >> c & 1:
                k[3 * i + c, :] = 0
                k[:, 3 * i + c] = 0


@njit
def _interpolate(weights, k, half, total):
    """Add ``T' k T`` to a matrix, ``T`` being the interpolation to one octant (8 x 8, the same in x, y, z)."""
    half[:] = 0
    for i in range(8):
        for j in range(8):
            w = weights[i, j]
            if w != 0:
                for c in range(3):
                    for m in range(24):
                        half[3 * j + c, m] += w * k[3 * i + c, m]
    for i in range(8):
        for j in range(8):
            w = weights[i, j]
            if w != 0:
                for m in range(24):
                    for c in range(3):
                        total[m, 3 * j + c] += w * half[m, 3 * i + c]


@njit(cache=True, parallel=True)
def coarsen_octants(order, start, cells, corners, fixed, moduli, octants, interpolation, out):
    """Element matrices of level 2: from level 1, whose elements hold the moduli of eight octants."""
    for g in prange(start.size - 1):
        k, half, total = np.empty((24, 24)), np.empty((24, 24)), np.zeros((24, 24))
        for j in range(start[g], start[g + 1]):
            e = order[j]
            k[:] = 0
            for o in range(8):
                if moduli[e, o] != 0:
                    m = np.float64(moduli[e, o])
                    for i in range(24):
                        for c in range(24):
                            k[i, c] += m * octants[o, i, c]
            _mask(k, corners[e], fixed)
            o = 4 * (cells[e, 0] & 1) + 2 * (cells[e, 1] & 1) + (cells[e, 2] & 1)
            _interpolate(interpolation[o], k, half, total)
        out[g] = total


@njit(cache=True, parallel=True)
def coarsen_elements(order, start, cells, matrices, interpolation, out):
    """Element matrices of one level from those of the finer one."""
    for g in prange(start.size - 1):
        k, half, total = np.empty((24, 24)), np.empty((24, 24)), np.zeros((24, 24))
        for j in range(start[g], start[g + 1]):
            e = order[j]
            k[:] = matrices[e]
            o = 4 * (cells[e, 0] & 1) + 2 * (cells[e, 1] & 1) + (cells[e, 2] & 1)
            _interpolate(interpolation[o], k, half, total)
        out[g] = total


@njit(cache=True, parallel=True)
def assemble(corners, element_start, entries, matrices, start, neighbor, blocks):
    """Sum element matrices into rows of 3 x 3 blocks."""
    n = start.size - 1
    for task in prange((n + 255) // 256):
        for i in range(256 * task, min(256 * (task + 1), n)):
            row = neighbor[start[i] : start[i + 1]]
            total = np.zeros((row.size, 9))
            for j in range(element_start[i], element_start[i + 1]):
                e, k = entries[j] // 8, entries[j] % 8
                for m in range(8):
                    at = np.searchsorted(row, corners[e, m])
                    for c in range(3):
                        for d in range(3):
                            total[at, 3 * c + d] += matrices[e, 3 * k + c, 3 * m + d]
            for at in range(row.size):
                for c in range(9):
                    blocks[start[i] + at, c] = total[at, c]


@njit(cache=True)
def assemble_dense(corners, matrices, out):
    """Sum element matrices into one full matrix."""
    for e in range(corners.shape[0]):
        for k in range(8):
            for m in range(8):
                for c in range(3):
                    for d in range(3):
                        out[3 * corners[e, k] + c, 3 * corners[e, m] + d] += matrices[e, 3 * k + c, 3 * m + d]


@njit(cache=True, error_model="numpy")
def factor(a, shift):
    """Cholesky factor in the lower triangle, in place; a direction without stiffness gets a zero row.

    ``shift`` times the diagonal is added to it, so that motions without energy do no harm.
    """
    n = a.shape[0]
    for i in range(n):
        original = a[i, i]
        for j in range(i):
            s = a[i, j]
            for m in range(j):
                s -= a[i, m] * a[j, m]
            a[i, j] = s / a[j, j] if a[j, j] != 0 else 0.0
        s = original * (1 + shift)
        for m in range(i):
            s -= a[i, m] * a[i, m]
        a[i, i] = np.sqrt(s) if original > 0 and s > 0.1 * shift * original else 0.0


@njit(cache=True, error_model="numpy")
def solve_factored(a, b):
    """Solve with the factor, in place."""
    n = a.shape[0]
    for i in range(n):
        s = b[i]
        for j in range(i):
            s -= a[i, j] * b[j]
        b[i] = s / a[i, i] if a[i, i] != 0 else 0.0
    for i in range(n - 1, -1, -1):
        s = b[i]
        b[i] = s / a[i, i] if a[i, i] != 0 else 0.0
        for j in range(i):
            b[j] -= a[i, j] * b[i]


@njit(cache=True, parallel=True, error_model="numpy")
def voxel_diagonal(rows, modulus, layers, diagonal, block):
    """Sum the diagonal 3 x 3 blocks (xx, xy, xz, yy, yz, zz) of voxels, whose corner 0 has ``block[:2]``."""
    n = layers.size - 1
    for odd in range(2):
        for i in prange((n + 1 - odd) // 2):
            z = 2 * i + odd
            for e in range(layers[z], layers[z + 1]):
                a, b = block[0] * modulus[e], block[1] * modulus[e]
                for r in range(4):
                    for x in range(2):
                        d = diagonal[rows[e, r] + x]
                        sx, sy, sz = 2 * x - 1, 2 * (r & 1) - 1, 2 * (r >> 1) - 1
                        d[0] += a
                        d[3] += a
                        d[5] += a
                        d[1] += sx * sy * b
                        d[2] += sx * sz * b
                        d[4] += sy * sz * b


@njit(cache=True)
def octant_diagonal(corners, moduli, octants, diagonal):
    """Sum the diagonal blocks of level 1."""
    for e in range(corners.shape[0]):
        for o in range(8):
            m = moduli[e, o]
            if m != 0:
                for k in range(8):
                    d, s = diagonal[corners[e, k]], octants[o]
                    i = 3 * k
                    d[0] += m * s[i, i]
                    d[1] += m * s[i, i + 1]
                    d[2] += m * s[i, i + 2]
                    d[3] += m * s[i + 1, i + 1]
                    d[4] += m * s[i + 1, i + 2]
                    d[5] += m * s[i + 2, i + 2]


@njit(cache=True, error_model="numpy")
def invert_diagonal(diagonal, fixed):
    """Invert symmetric 3 x 3 blocks in place; fixed or unsupported directions get zero."""
    k = np.empty((3, 3))
    inverse = np.empty((3, 3))
    for i in range(diagonal.shape[0]):
        d = diagonal[i]
        k[0, 0], k[0, 1], k[0, 2], k[1, 1], k[1, 2], k[2, 2] = d[0], d[1], d[2], d[3], d[4], d[5]
        for r in range(3):
            if fixed[i] >> r & 1 or k[r, r] <= 0:
                k[r, r] = -1.0
        inverse[:] = 0
        # Gauss-Jordan without pivoting: the block is positive definite in the directions that are free
        free = np.array([k[0, 0] > 0, k[1, 1] > 0, k[2, 2] > 0])
        for r in range(3):
            for c in range(r):
                k[r, c] = k[c, r]
        for r in range(3):
            for c in range(3):
                if r != c and not (free[r] and free[c]):
                    k[r, c] = 0.0
            if free[r]:
                inverse[r, r] = 1.0
            else:
                k[r, r] = 1.0
        for r in range(3):
            pivot = k[r, r]
            for c in range(3):
                k[r, c] /= pivot
                inverse[r, c] /= pivot
            for s in range(3):
                if s != r:
                    f = k[s, r]
                    for c in range(3):
                        k[s, c] -= f * k[r, c]
                        inverse[s, c] -= f * inverse[r, c]
        d[0], d[1], d[2] = inverse[0, 0], inverse[0, 1], inverse[0, 2]
        d[3], d[4], d[5] = inverse[1, 1], inverse[1, 2], inverse[2, 2]
