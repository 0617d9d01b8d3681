# shellcheck shell=bash disable=SC2034
# Sourced by those who need the demo origin for as long as they run.

origin_folder="" origin_process=""

stop_origin() {
    if [[ -n $origin_process ]]; then
        kill "$origin_process" 2>/dev/null || true
        wait "$origin_process" 2>/dev/null || true
        origin_process=""
    fi
    [[ -z $origin_folder ]] || rm -rf "$origin_folder"
}

# start_origin PROGRAM OPTION...: sets origin_url, and origin_folder, a scratch folder. Both end with the script.
start_origin() {
    origin_folder=$(mktemp -d)
    trap stop_origin EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    "$@" --port 0 --port-file "$origin_folder/port" </dev/null >"$origin_folder/log" 2>&1 &
    origin_process=$!
    local _
    for _ in {1..100}; do
        [[ -s $origin_folder/port ]] && break
        kill -0 "$origin_process" 2>/dev/null || break
        sleep 0.1
    done
    [[ -s $origin_folder/port ]] || {
        cat "$origin_folder/log" >&2
        echo "the origin did not start" >&2
        exit 1
    }
    origin_url=http://127.0.0.1:$(<"$origin_folder/port")
}
