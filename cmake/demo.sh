#!/usr/bin/env bash
# demo.sh          fetches 500 URLs of an origin on this machine, 16 at a time, and shows that the bound was kept
# demo.sh URL...   fetches those URLs; options of weir-fetch may stand among them
#
# Installs what is missing (Debian 12), builds the two programs in build/release, and may be repeated.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
source scripts/origin.sh

readonly urls=500 limit=16

say "looking for compilers and libraries"
need "$packages_to_run" "$tools_to_run"

# A folder that test.sh has configured stays as it is; else it gets the programs alone.
only_programs=()
grep -qs '^WEIR_BUILD_TESTS:BOOL=TRUE' build/release/CMakeCache.txt ||
    only_programs=(-DWEIR_BUILD_TESTS=OFF -DWEIR_BUILD_EXAMPLES=OFF -DWEIR_CHECKS=OFF)
say "building weir-fetch and weir-origin in build/release (a minute or two the first time)"
mkdir -p build
log=build/demo.log
{
    cmake --preset release "${only_programs[@]}" &&
        cmake --build --preset release --target weir-fetch weir-origin
} </dev/null >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    echo "demo.sh: the build failed; the whole log is in $log" >&2
    exit 1
}
bin=build/release/bin

if (($#)); then
    say "weir-fetch $*"
    exec "$bin/weir-fetch" "$@"
fi

say "starting an origin on loopback that answers each request after 20 to 60 ms"
start_origin "$bin/weir-origin" --min-delay-ms 20 --max-delay-ms 60

say "fetching $urls URLs from $origin_url: weir-fetch -j $limit --per-host $limit --input-file -"
status=0 # a bar while it runs, where this is a terminal, and a summary
seq -f "$origin_url/item/%.0f" 1 $urls |
    "$bin/weir-fetch" -j $limit --per-host $limit --input-file - \
        >"$origin_folder/results" || status=$?
head -n 3 "$origin_folder/results"
echo "... $(wc -l <"$origin_folder/results") lines in all, one a URL"

# The origin counts for itself, so the bound is not weir-fetch's own word. This request is one more than the others.
"$bin/weir-fetch" --output-dir "$origin_folder/stats" "$origin_url/stats" >/dev/null 2>&1 || status=$?
stats=$(cat "$origin_folder"/stats/*)
number() { sed -E "s/.*\"$1\" *: *([0-9]+).*/\1/" <<<"$stats"; }
served=$(number served) peak=$(number peak)

say "the origin's own count: $served requests served, at most $peak at once (limit $limit)"
good=$(cut -f 1 "$origin_folder/results" | grep -c '^200$' || true)
failed=0
((status == 0)) || { echo "demo.sh: weir-fetch ended with $status" >&2; failed=1; }
((good == urls && served >= urls)) || { echo "demo.sh: $good of $urls answers were 200" >&2; failed=1; }
((peak <= limit)) || { echo "demo.sh: the bound was broken: $peak at once" >&2; failed=1; }
((peak >= limit)) || { echo "demo.sh: the bound was not used: only $peak at once" >&2; failed=1; }
exit $failed
