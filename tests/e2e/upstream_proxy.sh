#!/bin/bash
# --upstream-proxy sends what is allowed through an HTTP or SOCKS5 proxy, by name, and nothing else reaches that proxy.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_command tinyproxy microsocks

server http 80
server https 443
server banner 22 --banner 'SSH-2.0-nsgate_test'
server http 8080
host proxy.corp "$PRIV4"
start_dns --address=/unused.test/192.0.2.1 # knows nothing else
cp -- "$T/ca.pem" ca.pem

# ---- the proxies: real ones, in whose view there is a name that nobody else knows
cp -- "$T/hosts" "$T/proxy-hosts"
echo "$PUB4_B corp.test" >>"$T/proxy-hosts"
start_proxy() # PORT COMMAND...
{
	local port=$1
	shift

	unshare --mount sh -c 'mount --bind "$0" "$(readlink -f /etc/hosts)" && exec "$@"' "$T/proxy-hosts" "$@" \
		>>"$T/proxy-$port.log" 2>&1 </dev/null &
	STARTED+=("$!")
	disown
	wait_listening "$port"
}
http_proxy() # PORT [LINE-OF-CONFIGURATION]
{
	printf 'Port %s\nListen %s\nTimeout 60\nMaxClients 50\nLogLevel Connect\n%s\n' "$1" "$PRIV4" "${2-}" \
		>"$T/tinyproxy-$1.conf"
	start_proxy "$1" tinyproxy -d -c "$T/tinyproxy-$1.conf"
}
http_proxy 3128
http_proxy 3129 'BasicAuth agent s3cr3t-word'
start_proxy 1080 microsocks -i "$PRIV4" -p 1080
start_proxy 1081 microsocks -i "$PRIV4" -p 1081 -u agent -P s3cr3t-word

log_of() # PORT
{
	cat "$T/proxy-$1.log"
}
forget() # PORT
{
	: >"$T/proxy-$1.log"
}
jail() # OPTION... -- COMMAND...
{
	rm -f "$T/audit"
	run nsgate --audit "$T/audit" "$@"
}
record()
{
	jq -c 'select(.protocol != "dns") | [.verdict, .reason, .name // .address, .port, .dialed, .error]' "$T/audit" | sort -u # curl tries both families
}

# ---- whatever its protocol, by a name that only the proxy knows
head -c 20000000 /dev/urandom >data
for way in 'http://proxy.corp:3128 3128' "http://$PRIV4:3128 3128" 'socks5://proxy.corp:1080 1080' "socks5://$PRIV4:1080 1080"; do
	read -r url port <<<"$way"
	forget "$port"
	jail --upstream-proxy "$url" --allow domain=corp.test -- curl -sS --max-time 5 http://corp.test/hello
	expect_eq "$STATUS/$OUT" '0/hello from corp.test' "$url"
	expect_eq "$(record)" '["allow","allow-rule","corp.test",80,"'"$PRIV4"'",null]' "$url"
	expect_match "$(log_of "$port")" 'corp.test' "what the proxy has seen"
	jail --upstream-proxy "$url" --allow domain=ok.test -- curl -sS --max-time 5 --cacert ca.pem https://ok.test/hello
	expect_eq "$STATUS/$OUT" '0/hello from ok.test' "TLS through $url"
	jail --upstream-proxy "$url" --allow domain=ok.test -- \
		bash -c 'exec 5<>/dev/tcp/ok.test/22; read -r -t 5 line <&5; echo "$line" | tr -d "\r"'
	expect_eq "$STATUS/$OUT" '0/SSH-2.0-nsgate_test' "the server speaks first through $url"
	[[ $MS -lt 1500 ]] || fail "the banner took $MS ms"
	# with its length in front: these proxies take an end of stream for the end of both
	jail --upstream-proxy "$url" --allow domain=ok.test -- curl -sS --max-time 20 -T data http://ok.test/
	expect_eq "$OUT" "20000000 $(sha256sum <data | cut -d' ' -f1)" "20 MB through $url"
	jail --upstream-proxy "$url" --allow domain=ok.test -- sh -c \
		'for i in $(seq 20); do curl -sS --max-time 10 http://ok.test/bytes/300000 | wc -c & done | sort | uniq -c | xargs'
	expect_eq "$OUT" '20 300000' "twenty at once through $url"

	# requests are judged on the way
	jail --upstream-proxy "$url" --allow 'domain=corp.test scheme=http method=GET path=/hello' -- \
		curl -sS --max-time 5 -o h1 -o h2 -o h3 -w '%{http_code} ' http://corp.test/hello http://corp.test/hello http://corp.test/headers
	expect_eq "$STATUS/$OUT" '0/200 200 403 ' "requests through $url"

	# an address is asked for as it is
	for address in "$PUB4_B" "[$PUB6_B]"; do
		forget "$port"
		jail --upstream-proxy "$url" --allow "cidr=$PUB4_B,$PUB6_B" -- curl -sS --max-time 5 "http://$address/hello"
		expect_match "$STATUS/$OUT" '^0/hello from ' "$address through $url"
		expect_match "$(log_of "$port")" "${address//[][]/}" 'what the proxy has seen'
	done

	# what is denied never reaches it
	forget "$port"
	for rules in '--allow domain=ok.test' '--allow domain=* --deny domain=other.test' "--allow domain=other.test=cidr=$PUB4_B" \
		'--allow domain=other.test --deny domain=other.test=cidr=192.0.2.0/24'; do
		options=()
		for word in $rules; do
			options+=("${word/.test=cidr/.test cidr}")
		done
		jail --upstream-proxy "$url" "${options[@]}" -- curl -sS --max-time 5 http://other.test/hello
		expect_match "$STATUS" '^(6|7|56)$' "denied by $rules"
		expect_match "$(jq -r .reason "$T/audit" | tail -n 1)" '^(no-rule|deny-rule)$' "$rules"
	done
	jail --upstream-proxy "$url" --allow domain=ok.test -- curl -sS --max-time 5 "http://$PUB4_B/"
	expect_match "$(record)" '"deny","raw-ip"'
	# the caller's own loopback is reached directly
	jail --upstream-proxy "$url" --allow host-port=8080 -- curl -sS --max-time 5 http://host.nsgate:8080/hello
	expect_eq "$STATUS/$OUT" '0/hello from host.nsgate'
	expect_match "$(record)" '"host.nsgate",8080,"(127.0.0.1|::1)"'
	expect_no_match "$(log_of "$port")" 'other.test|host.nsgate|127\.0\.0\.1|11\.77\.0\.2' 'what the proxy has seen'
done

# ---- user and password
umask 077
# out of the jail's reach: where the command could change it, it is refused
credentials=$HOME/credentials
echo 'agent:s3cr3t-word' >"$credentials"
echo 'agent:an0ther-word' >"$HOME/wrong"
umask 022
for way in 'http://proxy.corp:3129 40[17]' 'socks5://proxy.corp:1081 (wants a user|it wants|does not accept)'; do
	read -r url error <<<"$way"
	jail -vv --upstream-proxy "$url" --upstream-proxy-credentials "$credentials" --allow domain=corp.test -- \
		sh -c 'curl -sS --max-time 5 http://corp.test/hello; cat ~/credentials; cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr "\0" " "'
	expect_match "$STATUS/$OUT" '/hello from corp.test' "$url with a password"
	expect_no_match "$OUT$ERR$(<"$T/audit")" 's3cr3t' 'the password outside of its file'
	expect_match "$ERR" 'credentials: Permission denied' 'the file in the jail'
	jail --upstream-proxy "$url" --upstream-proxy-credentials "$HOME/wrong" --allow domain=corp.test -- \
		curl -sS --max-time 5 http://corp.test/hello
	expect_match "$STATUS" '^(7|52|55|56)$' 'the wrong password'
	expect_match "$(record)" "upstream-failed.*\"upstream proxy: .*$error" 'the wrong password'
	jail --upstream-proxy "$url" --allow domain=corp.test -- curl -sS --max-time 5 http://corp.test/hello
	expect_match "$(record)" "upstream-failed.*\"upstream proxy: .*$error" 'no password'
done
# a proxy that wants none is not told
# whatever other name the jail could have for the file
mkdir "$T/shown" "$T/home-again"
mount --bind "$HOME" "$T/home-again"
for option in "--ro-bind=$HOME:$T/shown" "--ro-bind=$credentials:$T/shown/credentials" \
	"--ro-bind=$T/home-again:$T/shown"; do
	: >"$T/shown/credentials"
	jail --upstream-proxy "http://proxy.corp:3129" --upstream-proxy-credentials "$credentials" "$option" -- \
		sh -c 'cat "$@"; ls -d "$2"' - "$credentials" "$T/shown/credentials" "$T/home-again/credentials"
	expect_no_match "$OUT" s3cr3t "$option"
	expect_match "$OUT" shown/credentials "$option"
done
umount "$T/home-again"
jail --upstream-proxy socks5://proxy.corp:1080 --upstream-proxy-credentials "$credentials" --allow domain=corp.test -- \
	curl -sS --max-time 5 http://corp.test/hello
expect_eq "$STATUS/$OUT" '0/hello from corp.test'

# ---- a slow proxy: until it answers not a byte of the client's is sent, and what follows its answer is the client's
cat >"$T/slow.py" <<'END'
import os, select, socket, sys
listener = socket.create_server((sys.argv[1], 3130))
os.write(3, b"ready\n")
os.close(3)
while True:
    stream, _ = listener.accept()
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += stream.recv(1)
    early = select.select([stream], [], [], 0.5)[0]
    print("early" if early else "silence", flush=True)
    stream.sendall(b"HTTP/1.1 200 Fine\r\nA: b\r\n\r\nfirst words\n")
    said = b""
    while got := stream.recv(1000):
        said += got
    print("said", said.decode().strip(), flush=True)
    stream.close()
END
start_ready sh -c 'exec "$0" "$1" "$2" >"$3"' "$PYTHON" "$T/slow.py" "$PRIV4" "$T/slow.log"
# "GE" could become a request: the proxy waits a moment for the rest of it
jail --upstream-proxy "http://$PRIV4:3130" --allow domain=ok.test -- bash -c \
	'exec 5<>/dev/tcp/ok.test/22; printf GE >&5; read -r -t 5 line <&5; echo "$line"; echo rest >&5'
expect_eq "$STATUS/$OUT" '0/first words'
wait_until 5 grep -q said "$T/slow.log" || fail 'nothing reached the slow proxy'
expect_eq "$(<"$T/slow.log")" $'silence\nsaid GErest'
# a program that is gone before the answer comes: what it said is delivered
jail --upstream-proxy "http://$PRIV4:3130" --allow domain=ok.test -- bash -c 'exec 5<>/dev/tcp/ok.test/22; echo "last words" >&5'
wait_until 5 grep -q 'said last' "$T/slow.log" || fail "the last words were lost: $(<"$T/slow.log")"
expect_eq "$(tail -n 2 "$T/slow.log")" $'silence\nsaid last words'

# ---- a way that leads nowhere
jail --upstream-proxy http://proxy.corp:3199 --allow domain=ok.test -- curl -sS --max-time 5 http://ok.test/hello
expect_match "$STATUS/$(record)" '^(7|55|56)/\["allow","upstream-failed","ok.test",80,null,"upstream proxy: Connection refused"\]$'
jail --upstream-proxy http://nowhere.corp:3199 --allow domain=ok.test -- curl -sS --max-time 20 http://ok.test/hello
expect_match "$(record)" '"upstream-failed","ok.test",80,null,"upstream proxy: '
jail --upstream-proxy "http://$PUB4:22" --allow domain=ok.test -- curl -sS --max-time 5 http://ok.test/hello
expect_match "$(record)" '"upstream proxy: its answer is not HTTP"'
jail --upstream-proxy "socks5://$PUB4:22" --allow domain=ok.test -- curl -sS --max-time 5 http://ok.test/hello
expect_match "$(record)" '"upstream proxy: its answer is not SOCKS5"'
# one that never answers; the program's patience ends first
jail --upstream-proxy "socks5://$PUB4:80" --allow domain=ok.test -- curl -sS --max-time 1 http://ok.test/hello
expect_match "$(record)" '"upstream-failed","ok.test",80,"'"$PUB4"'","upstream proxy: no answer in time"'
jail --upstream-proxy http://proxy.corp:3128 --allow domain=ok.test -- curl -sS --max-time 5 http://ok.test:99/
expect_match "$(record)" '"upstream-failed","ok.test",99,"'"$PRIV4"'","upstream proxy: 50'

# ---- mistakes stop the run before it begins
refused() # MESSAGE OPTION...
{
	local message=$1
	shift

	run nsgate "$@" -- touch ran
	expect_eq "$STATUS/$OUT" 125/ "$*"
	expect_match "$ERR" "$message" "$*"
	[[ ! -e ran ]] || fail "ran despite $*"
}
way=(--upstream-proxy http://proxy.corp:3128)
refused "--deny: 'cidr=10.0.0.0/8' cannot be kept behind an upstream proxy" "${way[@]}" --allow domain=ok.test --deny cidr=10.0.0.0/8
printf 'version: 1\nnetwork:\n  upstream-proxy: http://proxy.corp:3129\n  upstream-proxy-credentials: "%s"\n' "$credentials" >"$T/corp.yaml"
for order in "--policy=$T/corp.yaml --upstream-proxy=http://proxy.corp:3128" "--upstream-proxy=http://proxy.corp:3128 --policy=$T/corp.yaml"; do
	# shellcheck disable=SC2086  # two options
	refused 'corp.yaml:4: upstream-proxy-credentials .* are for http://proxy.corp:3129, not for' $order
	# shellcheck disable=SC2086
	run nsgate $order --upstream-proxy-credentials "$credentials" -- true
	expect_eq "$STATUS/$ERR" 0/ "$order with credentials"
done
refused 'there is no upstream-proxy' --upstream-proxy-credentials "$credentials"
chmod 644 "$credentials"
refused 'every user of this machine can read it.*chmod 600 .*credentials' "${way[@]}" --upstream-proxy-credentials "$credentials"
refused 'credentials: open nowhere: No such file' "${way[@]}" --upstream-proxy-credentials nowhere
refused 'expected http://HOST:PORT or socks5://HOST:PORT' --upstream-proxy https://proxy.corp:3128
refused 'credentials do not belong here' --upstream-proxy http://agent:s3cr3t@proxy.corp:3128
# where no name is allowed, denying addresses can be kept
jail "${way[@]}" --allow "cidr=$PUB4_B" --deny cidr=10.0.0.0/8 -- curl -sS --max-time 5 "http://$PUB4_B/hello"
expect_match "$STATUS/$OUT" '^0/hello'
