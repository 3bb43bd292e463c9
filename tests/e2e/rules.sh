#!/bin/bash
# What --allow and --deny say is what can be reached: names, ports, addresses; deny wins; nothing said is nothing.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

for port in 80 81 443 8000; do
	server echo "$port"
done
host sub.ok.test "$PUB4"
host a.b.ok.test "$PUB4"
host notok.test "$PUB4"
host ok.test.other "$PUB4_B"

cat >dial.py <<'END'
import socket, sys
for target in sys.argv[1:]:
    name, port = target.rsplit(":", 1)
    try:
        stream = socket.create_connection((name, int(port)), timeout=5)
        stream.sendall(b"x")
        stream.shutdown(socket.SHUT_WR)
        print("+" if stream.recv(1) == b"x" else "-", end="")
    except OSError:
        print("-", end="")
END
targets=(ok.test:80 ok.test:81 ok.test:8000 sub.ok.test:80 a.b.ok.test:80 notok.test:80 other.test:80 ok.test.other:80
	"$PUB4:80" "$PUB6:80" "$PUB4_B:80" private.test:80)

# Which of the targets, in their order, can be reached.
reaches() # PATTERN OPTION...
{
	local pattern=${1// /}
	shift

	run nsgate --log-level error "$@" -- "$PYTHON" dial.py "${targets[@]}"
	expect_eq "$OUT" "$pattern" "${targets[*]} with $*"
}
#        ok.test     sub a.b not other   addresses  private
reaches '- - -       -   -   -   - -     - - -      -'
reaches '+ + +       -   -   -   - -     - - -      -' --allow domain=ok.test
reaches '+ + +       -   -   -   - -     - - -      -' --allow domain=OK.Test.
reaches '+ - -       -   -   -   - -     - - -      -' --allow 'domain=ok.test port=80'
reaches '+ - +       -   -   -   - -     - - -      -' --allow 'domain=ok.test port=80,8000'
reaches '+ + -       -   -   -   - -     - - -      -' --allow 'domain=ok.test port=1-443'
reaches '+ - +       -   -   -   - -     - - -      -' --allow 'domain=ok.test port=80,7999-8001'
reaches '- - -       +   +   -   - -     - - -      -' --allow 'domain=*.ok.test'
reaches '+ + +       +   +   -   - -     - - -      -' --allow 'domain=*.ok.test' --allow domain=ok.test
reaches '+ + +       +   +   +   + +     - - -      -' --allow 'domain=*'
reaches '+ - -       +   +   +   + +     - - -      -' --allow port=80
reaches '- - -       -   -   -   - -     + - -      -' --allow "cidr=$PUB4"
reaches '- - -       -   -   -   - -     + - +      -' --allow cidr=11.77.0.0/16
reaches '- - -       -   -   -   - -     + + -      -' --allow "cidr=$PUB4,$PUB6"
reaches '- - -       -   -   -   - -     - + -      -' --allow "domain=$PUB6"
reaches '- - -       -   -   -   - -     - - -      +' --allow 'domain=private.test cidr=10.0.0.0/8,fd00::/8'
reaches '- - -       -   -   -   - -     - - -      -' --allow 'domain=private.test cidr=10.78.0.0/16'
# deny wins, wherever it stands
reaches '- + +       -   -   -   - -     - - -      -' --allow domain=ok.test --deny 'domain=ok.test port=80'
reaches '- + +       -   -   -   - -     - - -      -' --deny 'domain=ok.test port=80' --allow domain=ok.test
reaches '- - -       +   -   +   + +     - - -      -' --allow 'domain=*' --deny domain=ok.test --deny 'domain=*.b.ok.test'
reaches '- - -       -   -   -   - -     - - -      -' --allow 'domain=*' --deny 'domain=*'
reaches '- - -       -   -   -   - -     - - -      -' --deny domain=other.test
reaches '- - -       -   -   -   - -     - - +      -' --allow cidr=11.77.0.0/16 --deny "cidr=$PUB4"
# a deny of addresses also holds for names that lead there
reaches '- - -       -   -   -   + +     - - -      -' --allow 'domain=*' --deny "cidr=$PUB4,$PUB6"

# ---- mistakes: where, what was expected; the run does not begin
refused() # MESSAGE RULE
{
	local option

	for option in --allow --deny; do
		run nsgate "$option" "$2" -- touch ran
		expect_eq "$STATUS/$OUT" 125/ "$option '$2'"
		expect_match "$ERR" "^nsgate: $option: $1" "$option '$2'"
	done
	[[ ! -e ran ]] || fail "ran despite $2"
}
refused '.*method= needs scheme=http' 'domain=ok.test method=GET'
refused '.*path= needs scheme=http' 'domain=ok.test path=/x'
refused '.*scheme=https.*use scheme=tls' 'scheme=https domain=ok.test'
refused 'column 16: expected no port= beside host-port=' 'host-port=8080 port=80'
refused 'column 16: expected a key.*prot.*did you mean port' 'domain=ok.test prot=80'
refused 'column 1: expected a key.*DOMAIN' 'DOMAIN=ok.test'
refused 'column 21: .*0' 'domain=ok.test port=0'
refused 'column [0-9]+: .*' 'domain=ok.test port=80,'
refused 'column [0-9]+: .*' 'domain=ok.test port=443-80'
refused 'column [0-9]+: .*' 'domain='
refused 'column [0-9]+: .*' ''
refused 'column [0-9]+: .*' ' domain=ok.test'
refused 'column [0-9]+: .*' 'domain=*ok.test'
refused 'column [0-9]+: .*' 'domain=ok.*'
refused 'column [0-9]+: .*' 'domain=https://ok.test/'
refused 'column [0-9]+: .*' 'domain=ok.test:80'
refused 'column [0-9]+: .*' 'domain=0x7f000001'
refused 'column [0-9]+: .*' 'cidr=10.0.0.1/8'
refused 'column [0-9]+: .*' 'cidr=10.0.0.0/33'
refused 'column [0-9]+: .*' 'domain=ok.test domain=other.test'
refused 'column [0-9]+: .*' $'domain=ok.test\nport=80'
refused 'column [0-9]+: .*' 'ok.test'
