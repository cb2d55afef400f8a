#!/bin/bash
# Rows of the section fuzz: what libFuzzer tried on each reader, and valgrind on what is unsafe.
set -euo pipefail
cd "$(dirname "$0")/../.."
seed=${TRUST_SEED:-$(date +%N | sed 's/^0*//')}
lost=()

# A row: what, tried, unit, lost, notes, name.
row() {
    printf 'fuzz\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" fuzz >>"${TRUST_ROWS:?}/fuzz.$6"
    [ "$4" = 0 ] || lost+=("$1: $5")
}

# What one target reads.
what() {
    case $1 in
        read) echo "any bytes as messages of nf_tables: values or errors" ;;
        save) echo "any text as an iptables-save: what is said of a rule agrees with itself" ;;
        raise) echo "any expressions: what is read as a rule is that rule again in each dialect" ;;
        conntrack) echo "any bytes as messages of conntrack: no order without a connection" ;;
        proc) echo "any text as files of /proc: nothing printed moves a cursor" ;;
        config) echo "any text as settings, in a file and in variables: errors name the place" ;;
        kubelet) echo "any text as a kubelet's configuration: errors name the file" ;;
        state) echo "any bytes as the state file: written and read as the same" ;;
        http) echo "any bytes to the metrics' door: one whole answer, or none" ;;
        socket) echo "any bytes at both ends of the local socket: answers are whole lines" ;;
        *) return 1 ;;
    esac
}

# The whole form: of so many seconds, each target has a tenth on each of the processors.
if [ -n "${TRUST_SHORT:-}" ]; then
    said=$(scripts/fuzz --runs 20000 --seed "$seed" || true)
    figures=", seed $seed"
else
    # What is found then begins the next run, so a loss is had again by the file that it names.
    figures=""
    said=$(scripts/fuzz "$(awk "BEGIN { print int(60 * ${TRUST_MINUTES:-4} * $(nproc)) }")" || true)
fi
while read -r _ target fate rest; do
    case $fate in
        survived) row "$(what "$target")" "${rest%% *}" inputs 0 "${rest#* inputs, }$figures" "$target" ;;
        *) row "$(what "$target")" 1 inputs 1 "$rest" "$target" ;;
    esac
done < <(echo "$said" | grep '^fuzz: ')
[ "$(echo "$said" | grep -c '^fuzz: ')" -eq "$(find fuzz/src/bin -name '*.rs' | wc -l)" ] ||
    { echo "fuzz: a target said nothing" >&2; exit 1; }

# Each encoder, both kinds of socket and the refusals, each use of each byte watched. What is large there by design, or
# tries thousands of chances, is too slow there.
filter='binary(/^(refusals|unwritable|watch|encoders)$/) - test(/random|thousand|send_buffer/)'
[ -n "${TRUST_SHORT:-}" ] || filter="$filter + binary(conformance) & test(/conforms/)"
host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
watched=$(env "CARGO_TARGET_${host}_RUNNER=valgrind --quiet --error-exitcode=99" scripts/in-namespace \
    cargo nextest run -p chainkeeper-nft --all-features \
    --color never --no-fail-fast --profile guest -E "$filter" 2>&1 || true)
tests=$(echo "$watched" | sed -n 's/^ *Summary .* \([0-9]*\) tests run: .*/\1/p')
passed=$(echo "$watched" | sed -n 's/^ *Summary .* tests run: \([0-9]*\) passed.*/\1/p')
[ -n "$tests" ] && [ "$tests" = "$passed" ] || echo "$watched" >&2
row "valgrind on the sockets and both encoders: no byte is used that is not there or not set" "${tests:-1}" tests \
    "$((${tests:-1} - ${passed:-0}))" "$(valgrind --version)" valgrind
[ ${#lost[@]} -eq 0 ] || { printf 'fuzz: lost: %s\n' "${lost[@]}" >&2; exit 1; }
