#!/usr/bin/env bash
# Builds the Java service of the engine beam-sql, once for each state of this folder, and prints the jar's path.
# With --find nothing is built: the path is printed if the jar is there. Exit status 1: there is none, and why is on stderr.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
limit=${LOGSLUICE_JAVA_BUILD_SECONDS:-1500}

say() { printf '%s\n' "$*" >&2; }

state=$(find pom.xml src -type f | LC_ALL=C sort | xargs cat | cksum | tr ' ' '-')
folder=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/logsluice/java/$state
jar=$folder/sql-expansion-service.jar
if [ -f "$jar" ]; then
    printf '%s\n' "$jar"
    exit
fi
for tool in java mvn; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        say "the Java service of beam-sql is not built: $tool is not installed (Debian: openjdk-17-jdk-headless, maven)"
        exit 1
    fi
done
if [ "${1:-}" = --find ]; then
    say "the Java service of beam-sql is not built: ./run_local.sh java builds it"
    exit 1
fi

say "building the Java service of beam-sql (some minutes, once)"
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$(dirname "$folder")/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -R pom.xml src "$work/"
runner=()
! command -v timeout >/dev/null 2>&1 || runner=(timeout "$limit")
if ! (cd "$work" && "${runner[@]}" mvn --quiet --batch-mode package) >"$work/log" 2>&1 </dev/null; then
    grep -E 'ERROR|Could not' "$work/log" | head -n 5 >&2 || tail -n 5 "$work/log" >&2
    say "the Java service of beam-sql is not built: Maven failed, or took more than $limit seconds"
    exit 1
fi
mkdir -p "$folder"
mv "$work/target/sql-expansion-service.jar" "$jar.part.$$"
mv "$jar.part.$$" "$jar"
printf '%s\n' "$jar"
