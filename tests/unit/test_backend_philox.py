"""Counter-based random numbers: the published vectors, and the streams the model draws from."""

from __future__ import annotations

import numpy as np
import pytest

from trabsim.backends import get_backend, reference

# Known answers of Random123 (Salmon et al. 2011): counter, key, output of Philox4x32-10.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def _uniforms_of(words):
    return [((a >> 5) * 2**26 + (b >> 6)) / 2**53 for a, b in (words[:2], words[2:])]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_reference_gives_the_published_words(counter, key, words):
    given = reference.philox4x32(tuple(np.array([c], np.uint64) for c in counter), key)
    assert tuple(int(w[0]) for w in given) == words


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_backend_maps_arguments_to_counter_and_key_as_documented(counter, key, words):
    ids = np.array([counter[0] | (counter[1] << 32)], np.uint64).view(np.int64)
    stream = 3
    seed = key[0] | ((key[1] ^ (stream * 0x9E3779B9 & 0xFFFFFFFF)) << 32)
    backend = get_backend("numpy")
    first, second = backend.uniform2(seed, stream, counter[2], ids, counter[3])
    assert [first[0], second[0]] == _uniforms_of(words)
    assert backend.uniform(seed, stream, counter[2], ids, counter[3])[0] == _uniforms_of(words)[0]


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (5000,)])
def test_backend_equals_reference_bit_for_bit(shape):
    ids = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, shape)
    backend = get_backend("numpy")
    for arguments in [
        (0, 0, 0, ids, 0),
        (2**64 - 1, 2**32 - 1, 2**32 - 1, ids, 2**32 - 1),
        (-5, 7, 20_000, ids, 3),
    ]:
        np.testing.assert_array_equal(backend.uniform(*arguments), reference.uniform(*arguments))
        for given, wanted in zip(backend.uniform2(*arguments), reference.uniform2(*arguments)):
            np.testing.assert_array_equal(given, wanted)


def test_numbers_do_not_depend_on_the_order_of_ids():
    ids = np.random.default_rng(1).permutation(10_000)
    backend = get_backend("numpy")
    np.testing.assert_array_equal(
        backend.uniform(4, 1, 9, ids), backend.uniform(4, 1, 9, np.arange(10_000))[ids]
    )


def test_every_argument_changes_the_numbers():
    ids = np.arange(64)
    backend = get_backend("numpy")
    draws = [
        backend.uniform(*arguments)
        for arguments in [(1, 1, 1, ids, 0), (2, 1, 1, ids, 0), (1, 2, 1, ids, 0), (1, 1, 2, ids, 0),
                          (1, 1, 1, ids, 1), (1 + 2**32, 1, 1, ids, 0), (1, 1, 1, ids + 2**32, 0)]
    ]  # fmt: skip
    for i, one in enumerate(draws):
        for other in draws[:i]:
            assert not np.any(one == other)


def test_numbers_are_uniform_and_uncorrelated():
    """Mean, variance, 64-bin chi-square and neighbor correlation within five standard errors."""
    n = 200_000
    first, second = get_backend("numpy").uniform2(11, 5, 100, np.arange(n))
    for u in (first, second):
        assert u.min() >= 0.0
        assert u.max() < 1.0
        assert abs(u.mean() - 0.5) < 5 * np.sqrt(1 / 12 / n)
        counts = np.bincount((u * 64).astype(int), minlength=64)
        chi2 = ((counts - n / 64) ** 2 / (n / 64)).sum()
        assert abs(chi2 - 63) < 5 * np.sqrt(2 * 63)
        assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 5 / np.sqrt(n)
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(n)
