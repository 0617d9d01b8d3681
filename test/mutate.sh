#!/bin/bash
# mutate.sh [PATTERN]: does a test fail for each fault in test/mutants whose name matches the expression? A hang
# counts as killed.
#
# Works on a copy in a scratch directory; this tree is only read. A mutant's files lie in a folder of
# their own that the compiler searches first, so mutants are built side by side. Only the named test file
# and the changed sources of the library are compiled again; the rest of the library is built once.
#
#   JOBS=n       how many at a time (default: one a processor)
#   SCRATCH=dir  keep what was built there for the next run (default: a temporary directory)
#   LIBRARY=file a libweir.a of this tree, instead of building it
#   CXX=compiler (default: g++)
#   LIMIT=n      seconds for a test (default: 60)
# Exit: 0 all killed; 1 a mutant survived, or its patch does not apply or build; 2 a test fails without any.
set -u
tree=$(cd "$(dirname "$0")/.." && pwd)
pattern=${1:-}
jobs=${JOBS:-$(nproc)}
limit=${LIMIT:-60}
scratch=${SCRATCH:-}
if [ -z "$scratch" ]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
fi
base=$scratch/base built=$scratch/built results=$scratch/results
flags=(-std=c++20 -O0 -w -pthread -DBOOST_ASIO_NO_DEPRECATED -DBOOST_TEST_DYN_LINK -DBOOST_TEST_NO_MAIN)
read -ra cxx <<<"${CXX:-g++}"
rm -rf "$base" "$results"
mkdir -p "$base" "$built" "$results"
(cd "$tree" && git ls-files -z --cached --others --exclude-standard -- lib test |
    tar --null --ignore-failed-read -T - -cf - 2>/dev/null) | tar -xf - -C "$base"

# compile OUT SOURCE FOLDER...: the folders are searched first to last
compile() {
    local out=$1 source=$2 includes=()
    shift 2
    for folder; do includes+=("-I$folder"); done
    # What tries every order under the memory accesses is slow to run; the others are slow to build.
    case $source in
    */test/atomic/*) "${cxx[@]}" "${flags[@]}" -O1 "${includes[@]}" -c "$source" -o "$out" ;;
    *) "${cxx[@]}" "${flags[@]}" -include "$built/pch.hpp" "${includes[@]}" -c "$source" -o "$out" ;;
    esac
}
link() {
    local out=$1
    shift
    "${cxx[@]}" -pthread -o "$out" "$@" "$built/main.o" "$built/libweir.a" -lboost_unit_test_framework
}
run() { timeout -k 5 "$limit" "$1" --run_test="$2" --color_output=no --log_level=nothing --report_level=no; }

header() { sed -n "s/^$2: *//p;/^--- /q" "$1" | head -n 1; }
program() { header "$1" Test | cut -d' ' -f1; }
case_of() { header "$1" Test | cut -d' ' -f2; }
# The file of the suite, and those beside it that hold no tests but what the tests need.
sources() {
    local folder=$base/test/${1#test_}
    grep -l "^BOOST_AUTO_TEST_SUITE(${2%%/*})" "$folder"/*.cpp | head -n 1
    [ "$1" = test_atomic ] && grep -L '^BOOST_AUTO_TEST_SUITE(' "$folder"/*.cpp
    return 0
}

# built_test NAME PROGRAM SUITE/CASE [OVERLAY]: prints the program
built_test() {
    local out=$built/$1 objects=() source object
    mkdir -p "$out"
    for source in $(sources "$2" "$3") ${4:+$(find "$4" -name '*.cpp')}; do
        object=$out/${#objects[@]}.o # their names may be alike
        compile "$object" "$source" ${4:+"$4/lib"} "$base/lib" "$base/test" || return 1
        objects+=("$object")
    done
    link "$out/test" "${objects[@]}" || return 1
    rm -f "${objects[@]}"
    echo "$out/test"
}

mutant() {
    local patch=$1 name overlay file test verdict
    name=$(basename "$patch" .patch)
    overlay=$scratch/mutants/$name
    rm -rf "$overlay"
    for file in $(sed -n 's,^+++ b/\([^[:space:]]*\).*,\1,p' "$patch"); do
        mkdir -p "$overlay/$(dirname "$file")"
        cp "$base/$file" "$overlay/$file"
    done
    if ! patch -d "$overlay" -p1 -s --fuzz=0 --no-backup-if-mismatch <"$patch" >/dev/null 2>&1; then
        verdict="does not apply"
    elif ! test=$(built_test "$name" "$(program "$patch")" "$(case_of "$patch")" "$overlay" 2>"$results/$name.log"); then
        verdict="does not build"
    else
        run "$test" "$(case_of "$patch")" >/dev/null 2>&1
        case $? in
        0) verdict=SURVIVED ;;
        124 | 137) verdict="killed (hang)" ;;
        *) verdict=killed ;;
        esac
        rm -f "$test"
    fi
    echo "$verdict" >"$results/$name"
    printf '%-16s %s\n' "$verdict" "$name"
}

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
    [ "$object" -nt "$1" ] || compile "$object" "$1" "$base/lib"
}

unmutated() {
    local first=${1%% *} cases=${1#* } test
    if ! test=$(built_test "unmutated-${first//\//-}" ${first/\// } 2>"$results/unmutated-${first//\//-}.log"); then
        echo "without a mutant, $first does not build"
        touch "$results/bad"
    fi
    for c in $cases; do
        if [ -n "$test" ] && ! run "$test" "$c" >/dev/null 2>&1; then
            echo "without a mutant, $first fails: $c"
            touch "$results/bad"
        fi
    done
}

mapfile -t patches < <(for patch in "$base"/test/mutants/*.patch; do
    [[ $(basename "$patch" .patch) =~ $pattern ]] && echo "$patch"
done)
if [ ${#patches[@]} -eq 0 ]; then
    echo "no patch is called $pattern"
    exit 1
fi

if [ ! -e "$built/pch.hpp.gch" ]; then
    cp "$base/test/pch.hpp" "$built/pch.hpp"
    "${cxx[@]}" "${flags[@]}" -x c++-header "$built/pch.hpp" -o "$built/pch.hpp.gch" || exit 2
    compile "$built/main.o" "$base/test/main.cpp" "$base/lib" || exit 2
fi
if [ -n "${LIBRARY:-}" ]; then
    cp "$LIBRARY" "$built/libweir.a"
else
    mapfile -t library < <(find "$base/lib/weir" -name '*.cpp' -not -path '*/http/*')
    in_parallel library_object "${library[@]}"
    rm -f "$built/libweir.a"
    ar rcs "$built/libweir.a" "$built"/weir-*.o || exit 2
fi

# One line a test file: PROGRAM/SUITE, and its cases.
mapfile -t named < <(for p in "${patches[@]}"; do echo "$(program "$p") $(case_of "$p")"; done | sort -u |
    awk '{split($2, at, "/"); key = $1 "/" at[1]; all[key] = all[key] " " $2} END {for (k in all) print k all[k]}')
in_parallel unmutated "${named[@]}"
[ -e "$results/bad" ] && exit 2

in_parallel mutant "${patches[@]}"

echo
bad=0
for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch)
    verdict=$(cat "$results/$name")
    printf '%-46s %-16s %s\n' "$name" "$verdict" "$(header "$patch" Test)"
    [[ $verdict == killed* ]] || bad=$((bad + 1))
done
echo "${#patches[@]} mutants, $bad not killed"
[ "$bad" -eq 0 ]
