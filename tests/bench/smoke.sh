#!/bin/bash
# The benchmark runs each of its cases and prints lines that a program can read. No number is judged.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
out=$(BENCH_QUICK=1 "$root/scripts/bench") || exit $?
printf '%s\n' "$out"
number='-?[0-9]+([.][0-9]+)?'
line="^case=[a-z0-9_]+ ours=$number peer=$number peer_name=[a-z0-9_]+ ratio=($number|inf) unit=[A-Za-z/]+\$"
if grep -Ev "$line" <<<"$out"; then
	echo 'lines in another form'
	exit 1
fi
for name in startup throughput_up_64k throughput_down_1024k connect_rate_32 connect_latency rss_idle rss_per_connection \
	verdict_10 verdict_100000 verdict_compile verdict_memory; do
	grep -q "^case=$name " <<<"$out" || { echo "no line for $name"; exit 1; }
done
