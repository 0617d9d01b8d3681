#!/usr/bin/env bash
# test.sh         builds everything with g++ and runs its tests: the programs and the proof at -O2, unit tests at -O0
# test.sh --all   what CI runs: that in a bare Debian 12, the static checks, and the tests under clang 14,
#                 ASan + UBSan and TSan
#
# Installs what is missing (Debian 12), builds below build/, and may be repeated.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

all=false
case "$*" in
    "") ;;
    --all) all=true ;;
    *) give_up "usage: test.sh [--all]" ;;
esac

mkdir -p build
jobs=$(nproc)
lines=() remarks=()
failed=0
ticker=""
trap '[[ -z $ticker ]] || kill "$ticker" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# look_at_cpu: sets cpu to the seconds of user and system time that ended children have taken so far
look_at_cpu() {
    times >build/log-times.txt # in a subshell it would count that one's children
    cpu=$(awk 'NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/); printf "%.0f", 60 * (u[1] + s[1]) + u[2] + s[2] }' \
        build/log-times.txt)
}

# how_far LOG: what ninja, ctest or a script of ours said last, in one line
how_far() {
    tail -n 40 "$1" | sed -nE -e '/^ *Start /d' -e 's/^\[([0-9]+)\/([0-9]+)\] .*/built \1 of \2/p' \
        -e 's/^ *([0-9]+)\/([0-9]+) Test +#[0-9]+: ([^ ]+).*/\1 of \2 tests/p' \
        -e 's/^(==|   ) (.*)/\2/p' | tail -n 1
}

# tick NAME LOG: a line every ten seconds when something has changed; fewer where nobody watches
tick() {
    local last="" now pause=10
    [[ -t 1 ]] || pause=30
    while sleep $pause >/dev/null 2>&1; do # it may outlive us: nothing shall wait for its output
        now=$(how_far "$2")
        [[ -z $now || $now == "$last" ]] || printf '    %s: %s\n' "$1" "$now"
        last=$now
    done
}

# show_failures LOG: what the tests that failed said, and the end
show_failures() {
    awk '/ Test +#[0-9]+: .*\*\*\*/ { show = 120 }
         /^ +Start +[0-9]+: / || / Test +#[0-9]+: .* Passed / { show = 0 }
         show && show-- { print; next }
         { last[NR % 40] = $0 }
         END { for (i = NR + 1; i <= NR + 40; i++) if (i % 40 in last) print last[i % 40] }' "$1"
}

# stage NAME COMMAND...: runs it, says how far it is and how long it took. Its output is shown when it fails.
stage() {
    local name=$1 started=$SECONDS cpu_before status=0 line
    shift
    local log=build/log-${name// /-}.txt
    say "$name"
    : >"$log"
    look_at_cpu
    cpu_before=$cpu
    tick "$name" "$log" &
    ticker=$!
    "$@" </dev/null >"$log" 2>&1 || status=$?
    kill $ticker
    wait $ticker 2>/dev/null || true
    ticker=""
    local verdict=ok summary
    if ((status == 77)); then
        verdict=skipped
        remarks+=("skipped: $name: $(tail -n 1 "$log")")
    elif ((status)); then
        verdict=FAILED
        failed=1
        show_failures "$log"
        echo "the whole log: $log"
    fi
    summary=$(grep -hE 'tests? passed' "$log" | tail -n 1 || true)
    look_at_cpu
    printf -v line '%-18s %5d s, %5d s of CPU  %s%s' "$name" $((SECONDS - started)) $((cpu - cpu_before)) \
        "$verdict" "${summary:+  $summary}"
    lines+=("$line")
    echo "$line"
    return $status
}

# tests_of PRESET: configures, builds and tests. The presets say that no tests is an error.
tests_of() {
    local preset=$1 remark
    stage "$preset configure" cmake --preset "$preset" || return 0
    if [[ $preset != lint ]]; then # that one's tests build what they need
        stage "$preset build" cmake --build --preset "$preset" -j "$jobs" || return 0
    fi
    stage "$preset test" ctest --preset "$preset" -j "$jobs" || true
    while read -r remark; do
        remarks+=("skipped: $preset: $remark")
    done < <(python3 scripts/skipped.py "build/log-$preset-test.txt" \
        "build/$preset/Testing/Temporary/LastTest.log")
}

say "packages"
if ! $all; then
    need "$packages_to_test" "$tools_to_test"
    tests_of release
    remarks+=("left to test.sh --all: other compilers, sanitizers, and the checks that need more packages or minutes")
else
    need "$packages_for_all" "$tools_for_all"
    status=0
    stage "bare root" scripts/bare_root.sh 'cmake/demo.sh && cmake/test.sh' || status=$?
    # What the inner summary remarks holds here, too.
    while read -r remark; do
        remarks+=("bare root: $remark")
    done < <(grep '^skipped: ' build/log-bare-root.txt || true)
    if ((status == 77)); then
        remarks+=("built in place instead, where tools may be installed that no list names")
        stage "demo" cmake/demo.sh || true
        tests_of release
    fi
    for preset in lint asan tsan clang14; do tests_of $preset; done
fi

look_at_cpu
say "summary: $SECONDS s, $cpu s of CPU"
printf '%s\n' "${lines[@]}" "${remarks[@]}"
((!failed)) || { echo "test.sh: something failed, see above" >&2; exit 1; }
