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
running=() code=0
ended() { # whoever still runs, and has cleaned up
    [ ${#running[@]} -eq 0 ] || kill "${running[@]}" 2>/dev/null || true
    wait
    rm -rf "$out"
}
trap ended EXIT
trap 'exit 1' INT TERM HUP
on() { BACKEND=$1 scripts/neighbours "$program" "${@:3}" >"$out/$1.$2" & running+=($!); }

# Most of it is waiting.
if [ -n "${TRUST_SHORT:-}" ]; then
    export ROUNDS=1
    on nft 1 ufw_builtins cni k3s
    on nft 2 firewalld nftables
    on nft 3 together
else
    for backend in nft legacy; do
        on $backend 1 ufw ufw_reject ufw_builtins fail2ban docker nftables persistent host netavark podman \
            podman_cni cni cni_firewall k3s
        on $backend 2 firewalld firewalld_iptables firewalld2 together together_ufw
    done
fi
for one in "${running[@]}"; do wait "$one" || code=1; done
running=()
[ -n "${TRUST_DOCS:-}" ] && [ -z "${TRUST_SHORT:-}" ] || exit "$code"
for backend in nft legacy; do awk 'NR <= 2 || FNR > 2' "$out/$backend".* >"$out/$backend"; done
# Of the second table, what is otherwise than in the first.
awk -F '|' 'NR == FNR { first[FNR] = $4 $5 $8; next } FNR <= 2 || $4 $5 $8 != first[FNR]' \
    "$out/nft" "$out/legacy" >"$out/otherwise"
scripts/between docs/coexistence.md "neighbours: nft" <"$out/nft"
scripts/between docs/coexistence.md "neighbours: legacy" <"$out/otherwise"
exit "$code"
