#!/usr/bin/env bash
# test.sh         builds everything with g++ -O2 and runs its tests
# test.sh --all   what CI runs: that, the static checks, and the tests under clang 14, ASan + UBSan and TSan
#
# Installs what is missing (Debian 12), builds below build/, and may be repeated.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

presets=(release)
case "${1:-}" in
    "") ;;
    --all) presets=(release asan tsan clang14) ;;
    *) give_up "usage: test.sh [--all]" ;;
esac
(($# <= 1)) || give_up "usage: test.sh [--all]"

mkdir -p build
jobs=$(nproc)
lines=()
failed=0

# stage NAME COMMAND...: runs it, says how long it took. Its output is shown when it fails.
stage() {
    local name=$1 started=$SECONDS status=0
    shift
    local log=build/log-${name// /-}.txt
    say "$name"
    "$@" </dev/null >"$log" 2>&1 || status=$?
    local took=$((SECONDS - started)) verdict=ok
    if ((status)); then
        verdict=FAILED
        failed=1
        tail -n 200 "$log"
        echo "the whole log: $log"
    fi
    local summary
    summary=$(grep -hE 'tests? passed' "$log" | tail -n 1 || true)
    printf -v line '%-18s %4d s  %s%s' "$name" $took $verdict "${summary:+  $summary}"
    lines+=("$line")
    echo "$line"
    return $status
}

say "packages"
if ((${#presets[@]} > 1)); then
    need "$packages_for_all" "$tools_for_all"
else
    need "$packages_to_test" "$tools_to_test"
fi

for preset in "${presets[@]}"; do
    stage "$preset configure" cmake --preset "$preset" || continue
    stage "$preset build" cmake --build --preset "$preset" || continue
    # The presets say that no tests is an error.
    stage "$preset test" ctest --preset "$preset" -j "$jobs" || continue
done

say "summary, $SECONDS s in all"
printf '%s\n' "${lines[@]}"
((!failed)) || { echo "test.sh: something failed, see above" >&2; exit 1; }
