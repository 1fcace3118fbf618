#!/usr/bin/env bash
# Install everything the tests need into .venv-test and run all checks.  Needs Python 3.11 or newer (PYTHON names it).
# Usage: bash scripts/test.sh [arguments for pytest]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
extras=viz,view,export,scans,trials,test,docs,dev${EXTRA:+,$EXTRA}   # EXTRA=cuda13 also runs the tests that need a GPU
started=$SECONDS

say() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }

missing_system_packages() { # Debian names of what a picture, a page, a kernel test and a virtual environment need
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    command -v c++ >/dev/null || echo g++
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
        echo chromium
    for package in libegl1 libgl1-mesa-dri; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
    done
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

say "system packages"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "trabsim needs Python 3.11 or newer, but $python is $("$python" -V 2>&1); set PYTHON to a newer one" >&2
    exit 1
}
if command -v apt-get >/dev/null; then
    missing=$(missing_system_packages)
    if [ -n "$missing" ]; then
        echo "installing" $missing
        if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $missing; }; then
            echo "could not install" $missing "- go on; what needs them will fail below"
        fi
    fi
fi

say "Python packages"
[ -x .venv-test/bin/python ] || "$python" -m venv .venv-test
bin=.venv-test/bin
"$bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt setuptools wheel
"$bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e ".[$extras]"
"$bin/python" -m pip check

failed=()
check() { # name, command: a check that fails does not keep the others from running
    say "$1"
    "${@:2}" || failed+=("$1")
}

results=$(mktemp)
trap 'rm -f "$results"' EXIT
check "ruff" "$bin/ruff" check .
check "ruff format" "$bin/ruff" format --check .
check "mypy" "$bin/mypy"
check "documentation" "$bin/python" -m sphinx -W --keep-going -q -b html docs docs/_build/html
check "pytest" "$bin/python" -m pytest --durations=15 --junitxml="$results" "$@"
check "skipped tests" "$bin/python" scripts/skipped.py "$results"

if [ ${#failed[@]} -gt 0 ]; then
    say "failed: ${failed[*]}"
    exit 1
fi
say "all checks passed"
