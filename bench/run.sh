#!/usr/bin/env bash
# run.sh [--quick] [--items N] [--rounds N] [--json FILE] [ROW...]   runs the benchmarks and their peers, and prints one table
#
# Builds below build/bench. Installs what is missing (Debian 12) when it may; goes on without the peers it cannot have.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

bin=build/bench/bin
case " $* " in *" -h "* | *" --help "*) exec python3 bench/run.py "$bin" --help ;; esac

need "$packages_to_bench" "$tools_to_bench"
(need "$packages_for_peers" "go") || say "going on without those that are missing"

mkdir -p "$bin"
log=build/bench/log.txt
built() { "$@" >"$log" 2>&1 </dev/null || { cat "$log" >&2; give_up "this failed: $*"; }; }
say "building"
built cmake --preset bench
built cmake --build --preset bench
if command -v go >/dev/null && [[ -d /usr/share/gocode/src/golang.org/x/sync ]]; then
    # Debian's packages of Go sources, and nothing from anywhere else.
    built env -C bench/peers/go GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$PWD/build/bench/go-cache" \
        go build -o "$PWD/$bin/peer_go" .
fi
exec python3 bench/run.py "$bin" "$@"
