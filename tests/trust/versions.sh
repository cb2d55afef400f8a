#!/bin/bash
# Rows of the section versions: what a kernel of another age says to the tests that ask it most.
# Emulated, a boot alone takes longer than the short form may: CI's leaves it out and says so.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -n "${TRUST_SHORT:-}" ]; then
    echo "versions: the short form boots no other kernel; \`make trust TRUST=versions\` does" >&2
    exit 0
fi
# Those that need no more than seconds there. Tests with deadlines of seconds fail where all is emulated: links come
# up too late for them, services start too late. They are about the program, which is the same everywhere.
filter='package(chainkeeper-nft) & binary(/^(conformance|refusals|watch)$/) - test(/fifty_thousand|thousand|random|alike/)'
scripts/older-kernel bookworm "$filter" >&2 || true
log=${CARGO_TARGET_DIR:-target}/older-kernel/bookworm.log
kernel=$(head -n 1 "$log")
tests=$(sed -n 's/.* \([0-9]*\) tests run: .*/\1/p' "$log")
passed=$(sed -n 's/.* tests run: \([0-9]*\) passed.*/\1/p' "$log")
lost=$((${tests:-1} - ${passed:-0}))
printf 'versions\t%s\t%s\ttests\t%s\t%s\tversions\n' \
    "Linux 6.1 in an emulator: what we write is written, refused and told as on the kernel of today" \
    "${tests:-1}" "$lost" "Linux $kernel" >"${TRUST_ROWS:?}/versions.kernel"
[ "$lost" = 0 ] || { grep -E '^ *(FAIL|TIMEOUT)' "$log" >&2; exit 1; }
