#!/usr/bin/env bash
# Builds a jar with Maven, once for each state of its folder, and prints its path: the Java service of the engine beam-sql, or with the
# argument "flink" Beam's job server for Flink.
# With --find nothing is built: the path is printed if the jar is there. Exit status 1: there is none, and why is on stderr.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
limit=${LOGSLUICE_JAVA_BUILD_SECONDS:-1500}
find=''
what="Java service of beam-sql"
name=sql-expansion-service
sources=(pom.xml src)
for argument in "$@"; do
    case $argument in
    --find) find=yes ;;
    flink)
        cd flink
        what="job server for Flink"
        name=flink-job-server
        sources=(pom.xml)
        ;;
    *)
        printf 'build.sh: unknown argument %s\n' "$argument" >&2
        exit 2
        ;;
    esac
done

say() { printf '%s\n' "$*" >&2; }

state=$(find "${sources[@]}" -type f | LC_ALL=C sort | xargs cat | cksum | tr ' ' '-')
folder=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/logsluice/java/$state
jar=$folder/$name.jar
if [ -f "$jar" ]; then
    printf '%s\n' "$jar"
    exit
fi
for tool in java mvn; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        say "the $what is not built: $tool is not installed (Debian: openjdk-17-jdk-headless, maven)"
        exit 1
    fi
done
if [ -n "$find" ]; then
    say "the $what is not built: ./run_local.sh java builds it"
    exit 1
fi

say "building the $what (some minutes, once)"
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$(dirname "$folder")/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -R "${sources[@]}" "$work/"
runner=()
! command -v timeout >/dev/null 2>&1 || runner=(timeout "$limit")
if ! (cd "$work" && "${runner[@]}" mvn --quiet --batch-mode package) >"$work/log" 2>&1 </dev/null; then
    grep -E 'ERROR|Could not' "$work/log" | head -n 5 >&2 || tail -n 5 "$work/log" >&2
    say "the $what is not built: Maven failed, or took more than $limit seconds"
    exit 1
fi
mkdir -p "$folder"
mv "$work/target/$name.jar" "$jar.part.$$"
mv "$jar.part.$$" "$jar"
printf '%s\n' "$jar"
