# bash completion for weir-fetch. Made by scripts/flags.py from `weir-fetch --help`.
_weir_fetch()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $before in
    --input-file | --host-limits | -o | --output | -D | --dump-header | --results | --remaining | --cacert)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --spill-dir | --output-dir)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    -X | --request)
        mapfile -t COMPREPLY < <(compgen -W 'GET HEAD POST PUT PATCH DELETE OPTIONS' -- "$word")
        return
        ;;
    --tls-min)
        mapfile -t COMPREPLY < <(compgen -W '1.2 1.3' -- "$word")
        return
        ;;
    --url | -j | --jobs | --parallel-max | --per-host | --parallel-max-host | --rate | --host-rate | --limit-rate | --limit-rate-total | --give-up-after | --max-errors | -m | --max-time | --connect-timeout | --first-byte-timeout | -Y | --speed-limit | -y | --speed-time | --retry | --retry-max-time | --deadline | -C | --continue-at | -w | --write-out | --drain-timeout | -H | --header | -A | --user-agent | -e | --referer | -b | --cookie | -u | --user | --oauth2-bearer | -r | --range | -z | --time-cond | --max-redirs | --max-filesize | --max-decoded | --proto-default | -d | --data | --data-ascii | --data-binary | --data-raw | --data-urlencode | -x | --proxy | --noproxy | --resolve | --connect-to | --dns-servers | --proto | --proto-redir)
        :   # nobody can guess it
        return
        ;;
    esac
    [[ $word == -* ]] || return 0
    mapfile -t COMPREPLY < <(compgen -W '--url
        --input-file
        --dedupe
        --spill-dir
        -j --jobs --parallel-max
        --per-host --parallel-max-host
        --rate
        --host-rate
        --host-limits
        --limit-rate
        --limit-rate-total
        --no-adapt-rate
        --give-up-after
        --fail-early
        --max-errors
        -m --max-time
        --connect-timeout
        --first-byte-timeout
        -Y --speed-limit
        -y --speed-time
        --retry
        --retry-max-time
        --retry-all-errors
        --deadline
        -C --continue-at
        --output-dir
        --host-folders
        -o --output
        --create-dirs
        --no-clobber
        --jsonl
        -J --remote-header-name
        -R --remote-time
        --skip-existing
        --fail-with-body
        --ordered
        -w --write-out
        --no-hash
        -s --silent
        -O --remote-name --remote-name-all
        -v --verbose
        -D --dump-header
        --results
        --resume
        --sync
        --remaining
        --drain-timeout
        -H --header
        -A --user-agent
        -e --referer
        -b --cookie
        -u --user
        --oauth2-bearer
        -r --range
        -z --time-cond
        --compressed
        -L --location
        --no-location
        --max-redirs
        --max-filesize
        --max-decoded
        --proto-default
        --path-as-is
        -X --request
        -I --head
        -G --get
        -d --data --data-ascii
        --data-binary
        --data-raw
        --data-urlencode
        -x --proxy
        --noproxy
        --resolve
        --connect-to
        -4 --ipv4
        -6 --ipv6
        --dns-servers
        --block-private
        --cacert
        -k --insecure
        --tls-min
        --tlsv1.2
        --tlsv1.3
        --proto
        --proto-redir
        -f --fail
        -S --show-error
        -Z --parallel
        -# --progress-bar
        -N --no-buffer
        -g --globoff
        --basic
        --http1.1
        --remove-on-error
        -h --help
        -V --version' -- "$word")
}
complete -F _weir_fetch weir-fetch
