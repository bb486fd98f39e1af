# Sourced by the scripts beside it.

# Prints a Python of at least 3.11: the one that PYTHON names, or the newest from 3.13 down that works here.
# A name on the PATH is not enough (version switchers put names there that only complain), so each is asked.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    echo "Kabinet needs Python 3.11 or newer; looked for: ${PYTHON:-python3.13 python3.12 python3.11 python3}" >&2
    return 1
}

# Debian keeps venv's own pip apart: installs that package as root, or says in one line what to install.
ensure_venv() {
    local python=$1 package
    "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing $package"
        apt_install "$package" && "$python" -c 'import ensurepip, venv' 2>/dev/null && return
    fi
    echo "$python cannot make environments: install $package (as root: apt-get install $package)" >&2
    return 1
}

# Installs Debian packages; says the end of apt's own words only when that fails.
apt_install() {
    local said
    if ! said=$({ apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@"; } 2>&1); then
        tail -n 5 <<<"$said" >&2
        return 1
    fi
}
