#!/usr/bin/env bash
# Real neighbours beside us, by scripts/neighbours: all of them on both backends; in the short form some, on nft. With
# TRUST_DOCS the tables of docs/coexistence.md are written anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet --all-features
program=${CARGO_TARGET_DIR:-target}/debug/chainkeeper
SEED=${TRUST_SEED:-$(date +%s)}
export SEED
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
on() { BACKEND=$1 scripts/neighbours "$program" "${@:2}" >"$out/$1"; }

if [ -n "${TRUST_SHORT:-}" ]; then
    on nft ufw_builtins cni k3s & first=$!
    BACKEND=nft ROUNDS=1 scripts/neighbours "$program" together >"$out/together" & second=$!
    on nft firewalld nftables & third=$!
    code=0
    for one in $first $second $third; do wait "$one" || code=1; done
    exit "$code"
fi
on nft & first=$!
on legacy & second=$!
code=0
for one in $first $second; do wait "$one" || code=1; done
# Of the second table, what is otherwise than in the first.
awk -F '|' 'NR == FNR { first[FNR] = $4 $5 $8; next } FNR <= 2 || $4 $5 $8 != first[FNR]' \
    "$out/nft" "$out/legacy" >"$out/otherwise"
write() { # file $2 between the marks of $1
    TABLE=$(cat "$2") awk -v mark="<!-- neighbours: $1 -->" '
        $0 == "<!-- end -->" && inside { inside = 0 }
        !inside { print }
        $0 == mark { inside = 1; print ""; print ENVIRON["TABLE"]; print "" }' docs/coexistence.md >"$out/page"
    cp "$out/page" docs/coexistence.md
}
[ -z "${TRUST_DOCS:-}" ] || { write nft "$out/nft"; write legacy "$out/otherwise"; }
exit "$code"
