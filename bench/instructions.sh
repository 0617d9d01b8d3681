#!/usr/bin/env bash
# instructions.sh [ROW...]      instructions per item of the hot rows, by callgrind: nearly exact on a noisy machine too
# instructions.sh --where ROW   in which functions they are, per item, as far as functions are not inlined
#
# Each row runs with two numbers of items; the difference is what the items cost, without what starting costs.
# Rows of two runners are counted on one, where the order of events is always the same. The clock of the pools stands
# still, or jobs would count as slow ones, which they are not without callgrind. Needs what run.sh has built.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

bin=build/bench/bin
few=20000
many=60000
declare -A program=(
    [pool_stream_1]=worker_pool [pool_stream_batch_1]=worker_pool [pool_stream_100_1]=worker_pool
    [pool_coroutine_1]=worker_pool [round_trip]=worker_pool
    [submit_many_8_1]=task_pool [round_trip_run]=task_pool
    [semaphore_free]=semaphore [semaphore_contended_1]=semaphore
    [channel_stream_1]=channel [channel_unbuffered_1]=channel
    [map_window_ordered]=map [map_window_completed]=map [map_suspending_ordered]=map
    [cancel_storm_acquirers]=cancel [cancel_storm_receivers]=cancel
)
command -v valgrind >/dev/null || give_up "valgrind is not there. On Debian 12: apt-get install valgrind"
[[ -x $bin/bench_worker_pool ]] || give_up "the programs are not built: bench/run.sh does that"
(($#)) || mapfile -t all < <(printf '%s\n' "${!program[@]}" | sort)
(($#)) || set -- "${all[@]}"

export WEIR_BENCH_STILL_CLOCK=1
counted() { # PROGRAM ROW ITEMS
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bin/bench_$1" "$2" "$3" 2>&1 >/dev/null |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

if [[ ${1:-} == --where ]]; then
    row=${2:-}
    [[ ${program[$row]:-} ]] || give_up "the rows are: ${!program[*]}"
    file=$(mktemp)
    trap 'rm -f "$file"' EXIT
    valgrind --tool=callgrind --callgrind-out-file="$file" "$bin/bench_${program[$row]}" "$row" $many >/dev/null 2>&1
    callgrind_annotate --threshold=97 "$file" | sed ':a; s/<[^<>]*>//; ta' | awk -v items=$many '
        /^ *[0-9,]+ \(/ { count = $1; gsub(",", "", count); sub(/^ *[0-9,]+ \([^)]*\) */, "")
            sub(/^[^:]*:/, ""); sub(/ \[[^]]*\]$/, ""); printf "%8.1f  %s\n", count / items, $0 }'
    exit
fi

printf '| row | instructions an item |\n| --- | ---: |\n'
for row in "$@"; do
    [[ ${program[$row]:-} ]] || give_up "the rows are: ${!program[*]}"
    first=$(counted "${program[$row]}" "$row" $few)
    second=$(counted "${program[$row]}" "$row" $many)
    [[ $first && $second ]] || give_up "callgrind failed with $row"
    tenths=$(((second - first) * 10 / (many - few)))
    printf '| %s | %d.%d |\n' "$row" $((tenths / 10)) $((tenths % 10))
done
