#!/bin/bash
# What a packet costs the processor here and in ns-3.37, measured in one run, by turns, so that whatever else the machine does falls on both alike.
#
# Needs a release build of p2p and Debian's libns3-dev (apt-get install libns3-dev g++ pkg-config). Never part of the tests.
#
#     cargo build --release && benches/beside_ns3.sh [ROUNDS]
set -euo pipefail
rounds=${1:-5}
root=$(cd "$(dirname "$0")/.." && pwd)
p2p=${P2P:-$root/target/release/p2p}
peer=$root/target/ns3_peer
modules="ns3-applications ns3-internet ns3-point-to-point ns3-network ns3-core"

[ -x "$p2p" ] || { echo "there is no $p2p: cargo build --release makes it" >&2; exit 1; }
if [ ! -x "$peer" ] || [ "$root/benches/ns3_peer.cc" -nt "$peer" ]; then
    libraries=$(printf -- '-l%s ' $modules)
    # pkg-config's own list names libraries that Debian's package does not depend on.
    g++ -O2 -std=c++17 -o "$peer" "$root/benches/ns3_peer.cc" $(pkg-config --cflags $modules) $libraries
fi

# Nanoseconds of user processor time a packet: ours from the whole process, theirs from the simulation alone.
ours() {
    local report seconds
    TIMEFORMAT=%U
    report=$(mktemp)
    seconds=$( { time "$p2p" flow --bandwidth 1Gbit/s --delay 1ms --loss 0% --bytes 4GiB --runs 1 --json >"$report"; } 2>&1 )
    awk -v seconds="$seconds" -F'[:,]' '/"packets"/ { printf "%.1f\n", seconds * 1e9 / $2 }' "$report"
    rm "$report"
}
theirs() { "$peer" | awk '{ printf "%.1f\n", $2 * 1e9 / $1 }'; }
median() { sort -n | awk '{ all[NR] = $1 } END { print (NR % 2) ? all[(NR + 1) / 2] : (all[NR / 2] + all[NR / 2 + 1]) / 2 }'; }

here=() there=()
for ((round = 1; round <= rounds; round++)); do
    here+=("$(ours)") there+=("$(theirs)")
    echo "round $round: p2p ${here[-1]} ns a packet, ns-3 ${there[-1]} ns"
done
a=$(printf '%s\n' "${here[@]}" | median) b=$(printf '%s\n' "${there[@]}" | median)
awk -v a="$a" -v b="$b" 'BEGIN { printf "medians: p2p %.1f ns a packet (1 Gbit/s, 1 ms, 4 GiB), ns-3.37 %.0f ns (100 Mbit/s, 5 ms, 100 MB): %.0f times as much\n", a, b, b / a }'
