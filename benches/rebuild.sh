#!/usr/bin/env bash
# What a change rebuilds, and how long that takes: touches one file of the screen and one of the network, and counts crates and
# seconds of `cargo check`, `cargo build` and `cargo test --no-run`. Run it on an idle machine, after `cargo test --no-run`.
set -euo pipefail
cd "$(dirname "$0")/.."

measure() {
    local file=$1
    shift
    touch "$file"
    local start=$EPOCHREALTIME log
    log="$(CARGO_TERM_COLOR=never "$@" 2>&1)"
    local crates
    crates="$(grep -oE '(Checking|Compiling) p2p-[a-z]+' <<<"$log" | awk '{print $2}' | sort -u | tr '\n' ' ')"
    awk -v s="$start" -v e="$EPOCHREALTIME" -v c="$*" -v f="$file" -v n="$crates" \
        'BEGIN { printf "%-28s %-28s %6.1f s  %s\n", f, c, e - s, n }'
}

cargo check -q && cargo build -q && cargo test -q --no-run
for file in src/tui/wrap.rs crates/net/src/link.rs; do
    measure "$file" cargo check
    measure "$file" cargo build
    measure "$file" cargo test --no-run
done
