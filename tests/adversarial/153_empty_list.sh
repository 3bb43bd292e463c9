#!/bin/bash
# Row 153: an empty allow list allows nothing, however it is empty: no name, no address, no packet.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command curl jq

server http 80
cat >dial.py <<END
import socket
for family, address in ((socket.AF_INET, "$PUB4"), (socket.AF_INET6, "$PUB6"), (socket.AF_INET, "127.0.0.1")):
    try:
        stream = socket.socket(family)
        stream.connect((address, 80)) # the gate takes it, and resets it
        stream.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        if stream.recv(1):
            print("reached", address)
    except OSError:
        pass
try:
    print("found", socket.getaddrinfo("ok.test", 80))
except OSError:
    pass
END

# Nothing can be reached under these options.
reaches_nothing() # OPTION...
{
	watch_packets
	jailed "$@" -- sh -c "curl -s http://ok.test/; curl -s http://$PUB4/; curl -s --resolve ok.test:80:$PUB4 http://ok.test/
		$PYTHON dial.py"
	expect_eq "$OUT" '' "$*"
	expect_no_match "$(records; queries)" 'allow' "$*"
	expect_match "$(records)" "deny [a-z-]+ $PUB4 80" "$*"
	expect_match "$(queries)" 'deny [a-z-]+ ok.test A' "$*"
	expect_silence
}

reaches_nothing
reaches_nothing --net gate
reaches_nothing --deny domain=other.test
reaches_nothing --allow domain=other.test --deny 'domain=*' --deny cidr=0.0.0.0/0 # all that is allowed is denied
policies=('' 'network: {}' 'network: { allow: [] }' 'network: { allow: [], deny: [] }' 'network: { deny: [domain=other.test] }'
	'profiles: []' 'filesystem: { write: [.] }')
for policy in "${policies[@]}"; do
	printf 'version: 1\n%s\n' "$policy" >../p.yaml
	run "$NSGATE" policy check ../p.yaml
	expect_match "$STATUS/$OUT" '^0/../p.yaml: ok: 0 allow, ' "$policy"
	reaches_nothing --policy ../p.yaml
	run "$NSGATE" policy test ../p.yaml 'GET http://ok.test/'
	expect_match "$STATUS/$OUT" '^1/deny no-rule$' "$policy"
done

# ---- what is neither a list nor empty on purpose is a mistake
for policy in 'network: { allow: }' 'network: { allow: ~ }' 'network: { allow: [""] }' 'network: { allow: [~] }' 'network:'; do
	printf 'version: 1\n%s\n' "$policy" >../p.yaml
	rm -f ran
	run nsgate --policy ../p.yaml -- touch ran
	expect_match "$STATUS/$ERR" '^125/nsgate: ../p.yaml:2: column [0-9]+: ' "$policy"
	[[ ! -e ran ]] || fail "ran despite $policy"
done

# ---- with one rule it is there
watch_packets
jailed --allow domain=ok.test -- curl -s http://ok.test/
expect_eq "$STATUS/$OUT" '0/hello from ok.test' 'allowed'
expect_packets
