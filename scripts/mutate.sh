#!/bin/bash
# mutate.sh [EXPRESSION]: does the test named in it fail for each fault in test/mutants (those whose
# name matches)? A hang counts as failing.
#
# Works on a copy in a scratch directory; this tree is only read. A mutant's files lie in a folder of
# their own that the compiler searches first, so mutants are built side by side. Only what a fault
# touches is compiled again: the library's source it is in, or, for a header, the test file and the
# sources that the patch names (`Also: lib/weir/...cpp`).
#
# Every test must pass without a fault first. With one it may take five times as long, and 30 s more,
# before that is a hang.
#
#   JOBS=n       how many at a time (default: one a processor)
#   SCRATCH=dir  keep what was built there for the next run (default: a temporary directory)
#   CXX=compiler (default: g++)
#   LIMIT=n      seconds for a test without a fault, and for one compilation (default: 300)
#   BUDGET=n     seconds for all; what was not begun then counts as not killed (default: 3600)
# Exit: 0 all killed; 1 a mutant survived, or its patch does not apply or build, or there was no time
# for it; 2 something fails without any mutant.
set -u
tree=$(cd "$(dirname "$0")/.." && pwd)
pattern=${1:-}
jobs=${JOBS:-$(nproc)}
limit=${LIMIT:-300}
budget=${BUDGET:-3600}
scratch=${SCRATCH:-}
if [ -z "$scratch" ]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
fi
flags=(-std=c++20 -O0 -w -pthread -DBOOST_ASIO_NO_DEPRECATED -DBOOST_TEST_DYN_LINK -DBOOST_TEST_NO_MAIN)
read -ra cxx <<<"${CXX:-g++}"

fatal() {
    echo "mutate.sh: $*" >&2
    exit 2
}
source "$tree/scripts/packages.sh"
for tool in patch timeout ar tar; do need_tool "$tool"; done
command -v "${cxx[0]}" >/dev/null || fatal "${cxx[0]} is not there"

# ---- a copy of the tree

base=$scratch/base results=$scratch/results
rm -rf "$base" "$results" "$scratch/mutants"
mkdir -p "$base" "$results" || fatal "cannot write to $scratch"
files_of_tree() { # without what a build or an editor left there, where git can tell
    git ls-files -z --cached --others --exclude-standard -- lib test 2>/dev/null || printf 'lib\0test\0'
}
(cd "$tree" && files_of_tree | tar --null --ignore-failed-read -T - -cf - 2>/dev/null) | tar -xf - -C "$base"
[ -e "$base/test/main.cpp" ] || fatal "no sources in $tree"

# What was built belongs to these sources, this compiler and these flags; after any change it is built anew.
key=$({ "${cxx[@]}" --version && echo "${flags[@]}" &&
    (cd "$base" && find lib test/pch.hpp test/main.cpp -type f | sort | xargs cat); } | sha256sum | cut -c1-16)
built=$scratch/built-$key
[ -d "$built" ] || rm -rf "$scratch"/built-*
mkdir -p "$built"

# ---- building

# compile OUT SOURCE FOLDER...: the folders are searched first to last
compile() {
    local out=$1 source=$2 level=(-include "$built/pch.hpp") includes=()
    shift 2
    for folder; do includes+=("-I$folder"); done
    # What tries every order under the memory accesses is slow to run; the others are slow to build.
    case $source in */test/atomic/*) level=(-O1) ;; esac
    timeout -k 5 "$limit" "${cxx[@]}" "${flags[@]}" "${level[@]}" "${includes[@]}" -c "$source" -o "$out.part" &&
        mv "$out.part" "$out"
}
link() {
    local out=$1
    shift
    timeout -k 5 "$limit" "${cxx[@]}" -pthread -o "$out" "$@" "$built/main.o" "${http[@]}" "$built/libweir.a" -lboost_unit_test_framework
}
# run SECONDS PROGRAM CASE
run() { timeout -k 5 "$1" "$2" --run_test="$3" --color_output=no --log_level=error --report_level=no; }

in_parallel() { # COMMAND ARGUMENT...: the command with each argument
    local command=$1
    shift
    for argument; do
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
        "$command" "$argument" &
    done
    wait
}

library_object() {
    local object
    object=$built/weir-$(echo "${1#"$base"/lib/}" | tr / -).o
    [ -e "$object" ] || compile "$object" "$1" "$base/lib"
}

archive() { # FILE SOURCE...
    local file=$1
    shift
    in_parallel library_object "$@"
    for source; do
        library_object "$source" || fatal "$source does not compile"
    done
    for source; do echo "$built/weir-$(echo "${source#"$base"/lib/}" | tr / -).o"; done | xargs ar rcs "$file" ||
        fatal "no library"
}

# ---- patches

header() { sed -n "s/^$2: *//p;/^--- /q" "$1" | head -n 1; }
program() { header "$1" Test | cut -d' ' -f1; }
case_of() { header "$1" Test | cut -d' ' -f2; }
# PROGRAM CASE: the file it stands in. A suite may be spread over several.
file_of() {
    grep -l "^BOOST_AUTO_TEST_SUITE(${2%%/*})" "$base/test/${1#test_}"/*.cpp |
        xargs -r -d '\n' grep -l "^BOOST_AUTO_TEST_CASE(${2#*/})" | head -n 1
}
# PROGRAM CASE: its file, and what that needs beside it.
sources() {
    local folder=$base/test/${1#test_}
    file_of "$1" "$2"
    case $1 in
    test_atomic | test_run) grep -L '^BOOST_AUTO_TEST_SUITE(' "$folder"/*.cpp ;;
    test_proof) echo "$folder/prove.cpp" ;;
    esac
    return 0
}
place_of() { echo "$scratch/tests/$1-$(basename "$(file_of "$1" "$2")" .cpp)"; } # where it is built without a mutant

# PROGRAM and cases that stand in one file, in one line
unmutated() {
    local program=${1%% *} cases=${1#* } place name source object began
    place=$(place_of "$program" "${cases%% *}")
    name=$(basename "$place")
    mkdir -p "$place"
    while read -r source; do
        object=$place/$(basename "$source").o
        if ! compile "$object" "$source" "$base/lib" "$base/test" 2>"$place/log"; then
            echo "without a mutant, $name does not build" | tee -a "$results/bad"
            return
        fi
    done < <(sources "$program" "${cases%% *}")
    if ! link "$place/test" "$place"/*.o 2>"$place/log"; then
        echo "without a mutant, $name does not link" | tee -a "$results/bad"
        return
    fi
    for c in $cases; do
        began=$SECONDS
        run "$limit" "$place/test" "$c" >"$place/log" 2>&1 ||
            echo "without a mutant, $name fails: $c" | tee -a "$results/bad"
        echo $((SECONDS - began)) >"$place/${c//\//-}.seconds"
    done
}

# mutated_test PATCH PLACE OVERLAY: builds the test in the overlay
mutated_test() {
    local patch=$1 place=$2 overlay=$3 own=() reused=() source n=0
    mapfile -t own < <(
        cd "$overlay" && find lib -name '*.cpp'
        header "$patch" Also | tr ' ' '\n' | sed '/^$/d'
    )
    if [[ -n $(find "$overlay/lib" -name '*.hpp' -print -quit) ]]; then
        mapfile -t -O ${#own[@]} own < <(sources "$(program "$patch")" "$(case_of "$patch")" | sed "s,^$base/,,")
    else
        reused=("$place"/*.o)
    fi
    for source in $(printf '%s\n' "${own[@]}" | sort -u); do
        n=$((n + 1))
        [ -e "$overlay/$source" ] && source=$overlay/$source || source=$base/$source
        compile "$overlay/$n.o" "$source" "$overlay/lib" "$base/lib" "$base/test" || return 1
    done
    link "$overlay/test" "$overlay"/*.o "${reused[@]}"
}

verdict_of() { # PATCH NAME
    local patch=$1 overlay=$scratch/mutants/$2 place case seconds file
    case=$(case_of "$patch")
    place=$(place_of "$(program "$patch")" "$case")
    if [ "$SECONDS" -ge "$budget" ]; then
        echo "no time left"
        return
    fi
    while read -r file; do
        mkdir -p "$overlay/$(dirname "$file")"
        cp "$base/$file" "$overlay/$file"
    done < <(sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' "$patch")
    if ! patch -d "$overlay" -p1 -s --fuzz=0 --no-backup-if-mismatch <"$patch" >"$results/$2.log" 2>&1; then
        echo "does not apply"
        return
    fi
    if ! mutated_test "$patch" "$place" "$overlay" >"$results/$2.log" 2>&1; then
        echo "does not build"
        return
    fi
    seconds=$((5 * $(cat "$place/${case//\//-}.seconds") + 30))
    run "$seconds" "$overlay/test" "$case" >"$results/$2.log" 2>&1
    case $? in
    0) echo SURVIVED ;;
    124 | 137) echo "killed (hang)" ;;
    126 | 127 | 200) echo "does not run" ;; # 200: no such test, says Boost
    *) echo killed ;;
    esac
}

mutant() {
    local name verdict
    name=$(basename "$1" .patch)
    verdict=$(verdict_of "$1" "$name")
    rm -rf "$scratch/mutants/$name"
    echo "$verdict" >"$results/$name"
    printf '%5d s  %-16s %s\n' "$SECONDS" "$verdict" "$name"
}

mapfile -t patches < <(for patch in "$base"/test/mutants/*.patch; do
    [[ $(basename "$patch" .patch) =~ $pattern ]] && echo "$patch"
done)
[ ${#patches[@]} -gt 0 ] || fatal "no patch is called $pattern"
http=() # what is linked beside the core
for p in "${patches[@]}"; do
    [ "$(program "$p")" = test_http ] && http=("$built/libweir_http.a" -lssl -lcrypto -lidn2 -lcares -lz -lbrotlidec -lbrotlienc -lzstd)
done
for p in "${patches[@]}"; do
    [ -n "$(file_of "$(program "$p")" "$(case_of "$p")" 2>/dev/null)" ] ||
        fatal "$(basename "$p") names a test that is not there"
done

# ---- without a mutant

if [ ! -e "$built/libweir.a" ]; then
    cp "$base/test/pch.hpp" "$built/pch.hpp"
    timeout -k 5 "$limit" "${cxx[@]}" "${flags[@]}" -x c++-header "$built/pch.hpp" -o "$built/pch.hpp.gch" ||
        fatal "the headers of Boost do not compile"
    compile "$built/main.o" "$base/test/main.cpp" "$base/lib" || fatal "test/main.cpp does not compile"
    mapfile -t library < <(find "$base/lib/weir" -name '*.cpp' -not -path '*/http/*')
    archive "$built/libweir.a" "${library[@]}"
fi
if [ ${#http[@]} -gt 0 ] && [ ! -e "${http[0]}" ]; then
    mapfile -t library < <(find "$base/lib/weir/http" -name '*.cpp')
    archive "${http[0]}" "${library[@]}"
fi

rm -rf "$scratch/tests"
# One line a test file: PROGRAM, and the cases.
mapfile -t named < <(for p in "${patches[@]}"; do echo "$(program "$p") $(case_of "$p")"; done | sort -u |
    while read -r p c; do echo "$(basename "$(place_of "$p" "$c")") $p $c"; done |
    awk '{all[$1] = all[$1] " " $3; of[$1] = $2} END {for (file in all) print of[file] all[file]}' | sort)
in_parallel unmutated "${named[@]}"
[ -e "$results/bad" ] && exit 2
echo "without a mutant, all ${#named[@]} test files pass: $SECONDS s"

# ---- with each

in_parallel mutant "${patches[@]}"

echo
bad=0
for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch)
    verdict=$(cat "$results/$name" 2>/dev/null || echo "no verdict")
    printf '%-46s %-16s %s\n' "$name" "$verdict" "$(header "$patch" Test)"
    [[ $verdict == killed* ]] || bad=$((bad + 1))
done
echo "${#patches[@]} mutants, $((${#patches[@]} - bad)) killed, $bad not: $SECONDS s"
[ "$bad" -eq 0 ]
