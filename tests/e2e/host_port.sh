#!/bin/bash
# host-port= opens that port of the caller's loopback as host.nsgate, in both families, and nothing else does.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_ipv6

# A server on one loopback address alone: the caller's 127.0.0.1, or ::1.
cat >"$T/local.py" <<'END'
import os, socket, sys
address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
listener = socket.create_server((address, port), family=family)
os.write(3, b"ready\n")
os.close(3)
while True:
    stream, _ = listener.accept()
    with stream:
        stream.recv(1000)
        body = f"local {address}\n"
        stream.sendall(f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    print(port, "served", flush=True)
END
for where in '127.0.0.1 8004' '::1 8006' '127.0.0.1 8007' '::1 8007' '127.0.0.1 9999'; do
	# shellcheck disable=SC2086  # two words
	start_ready "$PYTHON" "$T/local.py" $where
done

# what the caller's name service says does not count
host host.nsgate "$PUB4" "$PUB6"
server http 8080
start_dns --address=/host.nsgate/"$PUB4_B"

# OPTION... -- PORT: the last line of curl's answer, or its failure.
get()
{
	local options=()

	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	rm -f "$T/audit"
	run nsgate --audit "$T/audit" "${options[@]}" -- curl -sS --max-time 5 "http://host.nsgate:$2/"
}
record()
{
	jq -c 'select(.protocol != "dns") | [.verdict, .reason, .name, .port, .dialed // .refused, .rule]' "$T/audit" |
		sort -u # curl tries both families
}
# The last get came to nothing (7: the reset came before curl looked), with one kind of record.
closed_like() # REGEX [WHAT]
{
	expect_match "$STATUS" '^(7|55|56)$' "${2-}"
	expect_match "$(record)" "$1" "${2-}"
}
closed() # RECORD [WHAT]
{
	expect_match "$STATUS" '^(7|55|56)$' "${2-}"
	expect_eq "$(record)" "$1" "${2-}"
}

get --allow host-port=8004 -- 8004
expect_eq "$STATUS/$OUT" '0/local 127.0.0.1' 'a server on 127.0.0.1'
expect_eq "$(record)" '["allow","allow-rule","host.nsgate",8004,"127.0.0.1","host-port=8004"]'
get --allow host-port=8006 -- 8006
expect_eq "$STATUS/$OUT" '0/local ::1' 'a server on ::1'
expect_eq "$(record)" '["allow","allow-rule","host.nsgate",8006,"::1","host-port=8006"]'
get --allow host-port=80,8000-8010 -- 8007
expect_match "$STATUS/$OUT" '^0/local (127.0.0.1|::1)$' 'both'
get --allow host-port=8005 -- 8005
closed '["allow","upstream-failed","host.nsgate",8005,null,"host-port=8005"]' 'nobody there'

# however names are answered: never with a loopback address, which would be the jail's own
for mode in synthetic real dummy; do
	get --dns "$mode" --allow host-port=8004 -- 8004
	expect_eq "$STATUS/$OUT" '0/local 127.0.0.1' "--dns $mode"
	run nsgate --dns "$mode" --allow host-port=8004 -- getent ahosts host.nsgate
	expect_no_match "$OUT" '127[.]0|^::1' "--dns $mode"
done

# what is not said is not open
get --allow host-port=8004 -- 9999
closed '["deny","no-rule","host.nsgate",9999,null,null]' 'another port'
expect_match "$ERR" "to allow: --allow 'host-port=9999'"
get --allow domain=ok.test -- 9999
expect_eq "$STATUS" 6 'without a rule there is no such name'
expect_match "$ERR" "denied: dns host.nsgate .*to allow: --allow 'host-port=PORT'"
for rule in 'domain=*' 'domain=host.nsgate' 'domain=*.nsgate port=9999'; do
	get --allow "$rule" -- 9999
	closed_like \
		'^\["deny","private-address","host.nsgate",9999,"(127.0.0.1|::1)",null\]$' "$rule"
	expect_match "$ERR" "to allow: --allow 'host-port=9999'"
done
get --allow 'cidr=127.0.0.1,::1' --allow 'domain=ok.test' -- 9999
expect_eq "$STATUS" 6 'addresses alone'

# deny beats allow
get --allow host-port=8000-9999 --deny host-port=9999 -- 9999
closed_like '^\["deny","deny-rule","host.nsgate",9999,"(127.0.0.1|::1)","host-port=9999"\]$'
get --allow host-port=8000-9999 --deny host-port=9999 -- 8004
expect_eq "$STATUS/$OUT" '0/local 127.0.0.1'

expect_eq "$(grep -c '9999 served' "$T/servers.log")/$(arrivals http 8080)" 0/0 'what reached others'
expect_no_match "$(<"$T/dns.log")" 'query.*host.nsgate' 'what DNS was asked'
