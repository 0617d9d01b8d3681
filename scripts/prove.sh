#!/bin/sh
# prove.sh [SEEDS] [HOURS]: the long form of the proof (docs/proof.md), by one command.
#
# Builds release, runs both explorers with their larger scopes and the random cancellation with SEEDS seeds (a million
# when not given), stops what takes longer than HOURS in all (1), and prints a table. Fails when anything does.
set -eu

cd "$(dirname "$0")/.."
seeds=${1:-1000000}
hours=${2:-1}
build=${WEIR_BUILD_DIR:-build/release}
deadline=$(($(date +%s) + $(awk "BEGIN { print int($hours * 3600) }")))
logs=$build/proof
mkdir -p "$logs"

cmake --preset release -B "$build" >"$logs/configure.log"
cmake --build "$build" --target test_proof test_proof_http test_atomic >"$logs/build.log" || { tail -n 40 "$logs/build.log"; exit 1; }

table=$logs/table
: >"$table"
failed=0

# row NAME COMMAND...: runs it for as long as there is time, and adds a line to the table
row()
{
    name=$1
    shift
    left=$((deadline - $(date +%s)))
    if [ "$left" -le 0 ]; then
        printf '%-28s %-8s\n' "$name" "no time" >>"$table"
        failed=1
        return
    fi
    log=$logs/$(echo "$name" | tr ' ' '_').log
    began=$(date +%s)
    result=passed
    timeout "$left" env "$@" >"$log" 2>&1 || { [ $? -eq 124 ] && result='cut off' || result=FAILED; }
    [ "$result" = passed ] || failed=1
    schedules=$(awk '/ schedules, / { for (i = 2; i <= NF; ++i) if ($i == "schedules,") { gsub(",", "", $(i - 1)); n += $(i - 1) } } END { print n + 0 }' "$log")
    printf '%-28s %-8s %14s schedules %6s s   %s\n' \
        "$name" "$result" "$schedules" "$(($(date +%s) - began))" "$*" >>"$table"
    cat "$log"
    echo
}

bin=$build/bin
row "random cancellation" WEIR_PROOF_SEEDS="$seeds" "$bin/test_proof" --run_test=random_cancellation --color_output=no
row "executor level" WEIR_PROOF=long "$bin/test_proof" --run_test='!random_cancellation' --color_output=no
row "http" WEIR_PROOF=long "$bin/test_proof_http" --color_output=no
row "atomic level" WEIR_PREEMPTIONS=2 "$bin/test_atomic" --color_output=no

echo "$(${CXX:-g++} --version | head -n 1), $(nproc) processors, $(uname -m)"
cat "$table"
exit $failed
