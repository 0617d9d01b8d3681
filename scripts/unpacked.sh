# shellcheck shell=bash
# Sourced by the scripts that unpack a server for the tests.

# unpacked NAME FOLDER PACKAGE FLAG LIBRARY...: prints the path of the program NAME to run. The first time it downloads
# PACKAGE, and the packages with its libraries where this machine does not have them, and unpacks all below FOLDER (by
# default build/servers). Nothing is installed, no service is started, and no special rights are needed: apt keeps its
# lists and files in FOLDER too. FLAG makes the program print its version.
unpacked() {
    local package=$3 flag=$4
    unpacked_by unpack_program "$1" "$2" "${@:5}"
}

# unpacked_module NAME FOLDER MODULE PACKAGE...: prints the path of a program that runs the Python module MODULE with
# Debian's python3. PACKAGE... are its package and all that it depends on; the rest is as above.
unpacked_module() {
    local module=$3 flag=--help
    unpacked_by unpack_module "$1" "$2" "${@:4}"
}

# unpacked_by UNPACK NAME FOLDER PACKAGE...: what both have in common. `UNPACK PACKAGE...` downloads and unpacks, in the
# folder of NAME, and writes the program there, as `run.part`, which `flag` makes say something.
unpacked_by() {
    local unpack=$1 name=$2 folder program apt options
    folder=$(realpath -m "${3:-$(dirname "$0")/../build/servers}")
    shift 3
    program=$folder/$name/run
    mkdir -p "$folder"
    exec 9>"$folder/.lock"
    flock 9

    if [[ ! -x $program ]]; then
        begin_unpacking
        apt-get "${options[@]}" update </dev/null >&2 ||
            echo "$name.sh: apt-get update failed; trying what it left" >&2
        "$unpack" "$@"
        chmod +x run.part
        ./run.part "$flag" >/dev/null 2>&1 || { echo "$name.sh: the unpacked $name does not run" >&2; exit 1; }
        mv run.part run
        rm -rf "$apt" ./*.deb
    fi
    echo "$program"
}

# begin_unpacking: makes an empty folder $name in $folder, enters it, and sets `apt` and `options` to where apt-get keeps
# its files, and how it is told.
begin_unpacking() {
    command -v apt-get >/dev/null || {
        echo "$name.sh: no apt-get here; install $name and set WEIR_${name^^} to its path" >&2
        exit 2
    }
    apt=$folder/apt
    rm -rf "${folder:?}/$name"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$folder/$name/root"
    cd "$folder/$name"
    options=(-qq -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache"
        -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User= -o Acquire::Retries=3)
}

# unpack_debs PACKAGE...: what is downloaded is unpacked below `root`. A mirror that fails is asked three times.
unpack_debs() {
    local deb attempt
    echo "$name.sh: downloading $*, to be unpacked below $folder" >&2
    for attempt in 1 2 3; do
        if apt-get "${options[@]}" download "$@" </dev/null >&2; then break; fi
        ((attempt < 3)) || { echo "$name.sh: apt-get download failed three times" >&2; exit 1; }
        sleep 5
    done
    for deb in *.deb; do dpkg -x "$deb" root; done >&2
}

unpack_program() {
    local binary libraries
    unpack_debs "$package"
    binary=$(find root/usr/*bin -type f -name "$name")
    if [[ $(ldd "$binary") == *"not found"* ]]; then
        unpack_debs "$@"
    fi
    libraries=$(find "$PWD/root" -name 'lib*.so.*' -printf '%h\n' | sort -u | paste -sd:)
    printf '#!/bin/sh\nexport LD_LIBRARY_PATH="%s"\nexec "%s" "$@"\n' \
        "$libraries" "$PWD/$binary" >run.part
}

unpack_module() {
    unpack_debs "$@"
    printf '#!/bin/sh\nexport PYTHONPATH="%s" PYTHONDONTWRITEBYTECODE=1\nexec /usr/bin/python3 -m %s "$@"\n' \
        "$PWD/root/usr/lib/python3/dist-packages" "$module" >run.part
}
