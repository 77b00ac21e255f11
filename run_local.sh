#!/usr/bin/env bash
# One command for everything a person needs on one machine. ./run_local.sh help says more.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
root=$PWD
venv=${LOGSLUICE_VENV:-$root/.venv}
python=$venv/bin/python
tools=$root/.venv

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "run_local.sh: $*"
    exit 2
}

help() {
    cat <<'TEXT'
Usage: ./run_local.sh [COMMAND] [ARGUMENTS]

  (none)          install what is needed into .venv, then run the demo: sample logs, a database, searches, joins, tasks, a live job
  test            run all tests; a private MariaDB is found, installed or unpacked for them
  test --soak     the same with the full numbers of the long tests (hours)
  test ARGUMENTS  hand anything else to pytest: ./run_local.sh test tests/stores -k catalogue
  check           formatting, lint, types, import directions
  setup           only install: .venv, the tests' database, the Java service
  java            only build the Java service of the SQL engine beam-sql (Java 11 or newer, Maven) and what the tests on Flink need;
                  prints the service's path
  help            this text

Environment:
  LOGSLUICE_PYTHON          the Python to make .venv with (3.11, 3.12 or 3.13)
  LOGSLUICE_VENV            where the virtual environment is kept (default: .venv)
  LOGSLUICE_MYSQL_URL       an empty database for the demo: mysql://user:password@host:port/database (default: SQLite); the demo
                            replaces the tables chiji_user, report and spend in it
  LOGSLUICE_BEAM_SQL_JAR    the Java service that the demo uses for the SQL engine beam-sql (default: built where Java and Maven are)
  LOGSLUICE_TEST_MYSQL_URL  a server for the tests: mysql://user:password@host:port (its user may create databases)
TEXT
}

# A Python that fits and can make virtual environments. Shims of version managers exist without a Python behind them, so each is tried.
find_python() {
    local candidate
    for candidate in ${LOGSLUICE_PYTHON:+"$LOGSLUICE_PYTHON"} python3.11 python3.12 python3.13 python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
        [ "$candidate" != "${LOGSLUICE_PYTHON:-}" ] || fail "LOGSLUICE_PYTHON=$candidate is no Python 3.11 to 3.13 with the venv module"
    done
    fail "no Python 3.11, 3.12 or 3.13 with the venv module found; install one (Debian: apt-get install python3 python3-venv) or name it: LOGSLUICE_PYTHON=/path/to/python3.12 ./run_local.sh"
}

# Runs a command silently; its output is shown only when it fails.
quietly() {
    local log status=0
    log=$(mktemp "$venv/output.XXXXXX")
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ "$status" -eq 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

install() {
    local wanted stamp=$venv/.installed
    wanted="$root $(cat setup.py .constraints.txt | cksum)"
    if [ -x "$python" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    if ! { [ -x "$python" ] && "$python" -m pip --version >/dev/null 2>&1; }; then
        local found
        found=$(find_python)
        say "making $venv with $found"
        rm -rf "$venv/bin" "$venv/lib" "$venv/pyvenv.cfg" "$stamp"
        mkdir -p "$venv"
        quietly "$found" -m venv "$venv" || fail "the virtual environment $venv could not be made"
    fi
    say "installing packages into $venv (a minute or two, once)"
    quietly "$python" -m pip install --disable-pip-version-check --no-input -c .constraints.txt -e '.[test]' ||
        fail "pip could not install the packages; what it said is above"
    printf '%s' "$wanted" >"$stamp"
}

has_mariadb() {
    PATH=$PATH:/usr/sbin:$tools/mariadb/usr/sbin command -v mariadbd >/dev/null 2>&1
}

# The package starts a service of its own unless Debian's policy file forbids it, and the tests need none.
install_mariadb_as_root() {
    local policy=/usr/sbin/policy-rc.d made=''
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=$policy
    fi
    local status=0
    { quietly apt-get update -q && DEBIAN_FRONTEND=noninteractive quietly apt-get install -y -q --no-install-recommends mariadb-server; } || status=$?
    [ -z "$made" ] || rm -f "$made"
    return "$status"
}

# Without root: the packages this machine lacks are downloaded and unpacked, not installed.
unpack_mariadb() {
    local folder=$tools/mariadb names
    names=$(apt-get -s --no-install-recommends install mariadb-server 2>/dev/null |
        awk '$1 == "Inst" && $2 ~ /^(mariadb|lib)/ && $2 !~ /-perl$/ { print $2 }') || return 1
    [ -n "$names" ] || return 1
    rm -rf "$folder.part" && mkdir -p "$folder.part/packages" || return 1
    # shellcheck disable=SC2086  # a list of package names
    (cd "$folder.part/packages" && quietly apt-get download $names) || return 1
    local package
    for package in "$folder.part"/packages/*.deb; do
        dpkg -x "$package" "$folder.part" || return 1
    done
    rm -rf "$folder.part/packages" "$folder"
    mv "$folder.part" "$folder"
}

prepare_mariadb() {
    if [ -z "${LOGSLUICE_TEST_MYSQL_URL:-}" ] && ! has_mariadb; then
        say "getting a MariaDB server for the tests"
        if ! { command -v apt-get >/dev/null 2>&1 && { { [ "$(id -u)" = 0 ] && install_mariadb_as_root; } || unpack_mariadb; } && has_mariadb; }; then
            fail "no MariaDB server for the tests: install the package mariadb-server, or name a server: LOGSLUICE_TEST_MYSQL_URL=mysql://user:password@host:port ./run_local.sh test"
        fi
    fi
    local libraries
    for libraries in "$tools"/mariadb/usr/lib/*-linux-gnu; do
        # Only the unpacked server needs them, but it is the tests that start it.
        [ ! -d "$libraries" ] || export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    done
}

# The SQL engine beam-sql needs a Java service. Built while there is a network; without it its tests are skipped and say why.
prepare_java() {
    tests/java/build.sh >/dev/null || say "the tests of the SQL engine beam-sql will be skipped"
    prepare_flink
}

# A Flink of the tests' own, and Beam's job server for it.
prepare_flink() {
    { tests/java/build.sh flink && tests/flink/get_flink.sh "$python"; } >/dev/null || say "the tests on Flink will be skipped"
}

check() {
    local status=0
    "$python" -m ruff format --check --quiet . || { status=1 && say "formatting: run $venv/bin/ruff format"; }
    "$python" -m ruff check --quiet . || status=1
    "$python" -m mypy pipelines transforms tests || status=1
    "$venv/bin/lint-imports" --no-cache >"$venv/lint-imports.txt" 2>&1 || { status=1 && cat "$venv/lint-imports.txt" >&2; }
    [ "$status" -ne 0 ] || say "check: formatting, lint, types and import directions are fine"
    return "$status"
}

command=${1:-demo}
case $command in
help | -h | --help)
    help
    ;;
setup)
    install
    prepare_mariadb
    prepare_java
    ;;
java)
    install
    tests/java/build.sh
    prepare_flink
    ;;
test)
    shift
    install
    prepare_mariadb
    # For some of the tests nobody waits minutes for Maven, and one process runs them sooner than several that have to start.
    case ${1:---all} in
    --*)
        prepare_java
        # One more than there are cores: many tests wait, for disks, leases and time-outs.
        workers=$(($(nproc 2>/dev/null || echo 1) + 1))
        set -- --numprocesses "$((workers < 4 ? workers : 4))" --dist loadfile "$@"
        ;;
    esac
    exec "$python" -m pytest "$@"
    ;;
check)
    install
    check
    ;;
demo | -*)
    [ "$command" != demo ] || shift $(($# > 0 ? 1 : 0))
    install
    # One task of the demo runs on Beam's own SQL as well, where Java and Maven are.
    if [ -z "${LOGSLUICE_BEAM_SQL_JAR:-}" ] && command -v java >/dev/null 2>&1 && command -v mvn >/dev/null 2>&1; then
        LOGSLUICE_BEAM_SQL_JAR=$(LOGSLUICE_JAVA_BUILD_SECONDS=600 tests/java/build.sh) || true
        export LOGSLUICE_BEAM_SQL_JAR
    fi
    exec "$python" -m pipelines.demo "$@"
    ;;
*)
    say "run_local.sh: unknown command '$command'"
    help >&2
    exit 2
    ;;
esac
