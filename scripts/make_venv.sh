#!/bin/sh
# Make a virtual environment with pip in it:  make_venv.sh FOLDER
# Debian and Ubuntu split ensurepip from Python, so `python3 -m venv` may fail there; every way around that is tried.
set -u
venv=$1

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON3:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && fits "$name"; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

with_ensurepip() {
    "$python" -m venv "$venv" >/dev/null 2>&1
}

with_uv() {
    command -v uv >/dev/null 2>&1 && uv venv --quiet --seed --python "$python" "$venv"
}

with_pip_of_python() {
    "$python" -m pip --version >/dev/null 2>&1 &&
        "$python" -m venv --without-pip "$venv" &&
        "$python" -m pip --python "$venv/bin/python" install --quiet pip
}

with_apt_as_root() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q "$package" || { apt-get update -q && apt-get install -y -q "$package"; } || return 1
    with_ensurepip
}

# Debian's python3-pip-whl holds pip as a wheel, and a wheel can be run without being installed; needs no root.
with_wheel_from_apt() {
    command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || return 1
    place=$(mktemp -d) || return 1
    (cd "$place" && apt-get download -q python3-pip-whl && dpkg -x python3-pip-whl_*.deb .) &&
        "$python" -m venv --without-pip "$venv" &&
        "$venv/bin/python" "$(echo "$place"/usr/share/python-wheels/pip-*.whl)/pip" install --quiet pip
    code=$?
    rm -rf "$place"
    return $code
}

if ! python=$(find_python); then
    echo "sood-tui needs Python 3.11 or newer; python3 here is: $(python3 --version 2>&1)." >&2
    echo "Install one, or name it: PYTHON3=/path/to/python3.12 make ..." >&2
    exit 1
fi
for way in with_ensurepip with_uv with_pip_of_python with_apt_as_root with_wheel_from_apt; do
    rm -rf "$venv"
    if $way && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        exit 0
    fi
done
rm -rf "$venv"
echo "$python cannot make a virtual environment with pip. On Debian and Ubuntu this helps: sudo apt-get install python3-venv" >&2
exit 1
