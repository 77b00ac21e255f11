#!/usr/bin/env bash
# Gets a whole Flink for the tests on a cluster, once, from the Python package index, and prints its folder: lib/ and plugins/.
# With --find nothing is fetched. Exit status 1: there is none, and why is on stderr.
set -euo pipefail

version=1.19.3
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/logsluice/flink
folder=$cache/$version
python=${1:-python3}

say() { printf '%s\n' "$*" >&2; }

if [ -d "$folder/lib" ]; then
    printf '%s\n' "$folder"
    exit
fi
if [ "${1:-}" = --find ]; then
    say "there is no Flink for the tests: ./run_local.sh java gets one"
    exit 1
fi
say "getting Flink $version for the tests (230 MB, once)"
mkdir -p "$cache"
work=$(mktemp -d "$cache/get.XXXXXX")
trap 'rm -rf "$work"' EXIT
runner=()
! command -v timeout >/dev/null 2>&1 || runner=(timeout 900)
if ! "${runner[@]}" "$python" -m pip download --quiet --no-input --no-deps --dest "$work" "apache-flink-libraries==$version" >"$work/log" 2>&1; then
    tail -n 3 "$work/log" >&2
    say "there is no Flink for the tests: the package apache-flink-libraries could not be had"
    exit 1
fi
tar xzf "$work"/apache*flink*.tar.gz -C "$work"
mkdir "$work/flink"
mv "$work/apache-flink-libraries-$version/deps/lib" "$work/apache-flink-libraries-$version/deps/plugins" "$work/flink/"
[ -d "$folder" ] || mv "$work/flink" "$folder"
printf '%s\n' "$folder"
