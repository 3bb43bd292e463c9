# shellcheck shell=bash
# What end-to-end and adversarial tests share. A test looks like this:
#
#   #!/bin/bash
#   # An allowed name is reached over plain HTTP, and nothing else is.
#   # shellcheck source-path=SCRIPTDIR
#   . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#   netns_run "$@"
#   need_nsgate
#   server http 80
#   run nsgate --allow domain=ok.test -- curl -sS http://ok.test/hello
#   expect_eq "$STATUS" 0
#   expect_eq "$OUT" 'hello from ok.test'
#
# netns_run starts the script again inside namespaces of its own (network, mount, pid; user, unless
# root may do without): a lone lo with the addresses below, a private /etc/hosts and resolv.conf, an empty
# process list. Nothing a test does leaves the machine, and when it ends, all that it started ends.
#
# The network of a test, all of it on lo:
#
#   ok.test      $PUB4 $PUB6      looks public; `domain=` alone allows it
#   v4.test      $PUB4            v6.test  $PUB6
#   other.test   $PUB4_B $PUB6_B  another public one
#   private.test $PRIV4 $PRIV6    needs a `cidr=` rule
#   loop.test    127.0.0.1        meta.test 169.254.169.254
#
# Skip (77) only for what the kernel or the machine lacks, never because nsgate failed.
set -euo pipefail

PUB4=11.77.0.1 PUB6=2a11:77::1 PUB4_B=11.77.0.2 PUB6_B=2a11:77::2
PRIV4=10.77.0.1 PRIV6=fd77::1 DNS4=10.77.0.53 META4=169.254.169.254

TEST_LIB=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
TEST_ROOT=$(cd -- "$TEST_LIB/../.." && pwd)
TEST_NAME=$(basename -- "$0" .sh)
PYTHON=/usr/bin/python3 # Debian's, which has Debian's modules
NSGATE=${NSGATE_UNDER_TEST:-${NSGATE:-$TEST_ROOT/build/dev/nsgate}}
export NSGATE
# How a test's nsgate is started: netns_run puts what makes it unprivileged in front.
NSGATE_RUN=("$NSGATE")
# Nothing of the developer's shell may change a test's programs.
unset NODE_OPTIONS HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy NO_PROXY no_proxy

# ---- verdicts -------------------------------------------------------------------------------

fail() # MESSAGE...
{
	local level line file

	printf '%s: FAIL: %s\n' "$TEST_NAME" "$*" >&2
	for ((level = 0; level < ${#BASH_LINENO[@]} - 1; level++)); do
		line=${BASH_LINENO[level]} file=${BASH_SOURCE[level + 1]}
		[[ $file == */lib.sh ]] || printf '  at %s:%s\n' "${file##*/}" "$line" >&2
	done
	exit 1
}

# Something is missing here that CI must have.
skip() # REASON...
{
	[[ ${JAIL_TESTS_MUST_RUN-} != 1 ]] || fail "must run here, but: $*"
	printf '%s: SKIP: %s\n' "$TEST_NAME" "$*" >&2
	exit 77
}

# A kernel may lack this for good (SCTP, a 32-bit ABI), or another run of the suite covers it.
skip_absent() # REASON...
{
	printf '%s: SKIP: %s\n' "$TEST_NAME" "$*" >&2
	exit 77
}

expect_eq() # ACTUAL EXPECTED [WHAT]
{
	[[ $1 == "$2" ]] || fail "${3:-value}: got '$1', expected '$2'$(last_run)"
}

expect_match() # TEXT EXTENDED-REGEX [WHAT]
{
	[[ $1 =~ $2 ]] || fail "${3:-text}: '$1' does not match '$2'$(last_run)"
}

expect_no_match() # TEXT EXTENDED-REGEX [WHAT]
{
	[[ ! $1 =~ $2 ]] || fail "${3:-text}: '$1' matches '$2'$(last_run)"
}

# Runs a command to its end: STATUS, OUT, ERR (trailing newlines gone) and MS, how long it took.
run() # COMMAND...
{
	local start=${EPOCHREALTIME/./}

	LAST_RUN=$* STATUS=0
	"$@" >"$T/.out" 2>"$T/.err" || STATUS=$?
	# shellcheck disable=SC2034  # for the tests
	MS=$(((${EPOCHREALTIME/./} - start) / 1000))
	OUT=$(<"$T/.out") ERR=$(<"$T/.err")
}

last_run()
{
	[[ ${LAST_RUN-} ]] || return 0
	printf '\n  last: %s\n  status %s\n  stdout: %s\n  stderr: %s' \
		"$LAST_RUN" "$STATUS" "${OUT:0:2000}" "${ERR:0:2000}"
}

# ---- needs ----------------------------------------------------------------------------------

need_userns()
{
	unshare -Urn true 2>/dev/null || skip 'this kernel gives us no user namespaces (unshare -Urn true)'
}

need_nsgate()
{
	[[ -x $NSGATE ]] || fail "$NSGATE is not built"
}

need_command() # COMMAND...
{
	local command

	for command; do
		type -P "$command" >/dev/null || skip "no $command: scripts/install-packages test"
	done
}

need_root()
{
	[[ $TEST_UID -eq 0 ]] || skip_absent 'only as root, and CI also runs as root'
}

need_ipv6()
{
	[[ -e /proc/net/if_inet6 ]] || skip_absent 'no IPv6 in this kernel'
}

# ---- waiting --------------------------------------------------------------------------------

# Tries a command every 10 ms until it succeeds; fails the test when it has not in time.
wait_until() # SECONDS COMMAND...
{
	local seconds=$1 deadline
	shift

	deadline=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until "$@"; do
		[[ ${EPOCHREALTIME/./} -lt $deadline ]] || return 1
		read -r -t 0.01 <>"$T/.never" || true # a pause that forks nothing
	done
}

is_listening() # PORT [tcp|udp]
{
	[[ $(ss -Hln "--${2:-tcp}" "sport = :$1") ]]
}

wait_listening() # PORT [tcp|udp]
{
	wait_until 10 is_listening "$@" || fail "nobody listens on port $1"
}

is_gone() # PID: also when it is a zombie
{
	local state

	state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || true
	[[ ! $state || $state == Z* ]]
}

# ---- the test's own world -------------------------------------------------------------------

STARTED=() # pids

test_tmpdir()
{
	T=$(mktemp -d "${NSGATE_TEST_TMPDIR:-/var/tmp}/nsgate-test.XXXXXX")
	mkdir "$T/work" "$T/home" "$T/tmp"
	mkfifo "$T/.never"
	export HOME=$T/home TMPDIR=$T/tmp
	unset XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME
	cd "$T/work"
	trap test_end EXIT
	trap 'exit 143' TERM
	trap 'exit 130' INT
}

test_end()
{
	local pid

	trap - EXIT
	for pid in "${STARTED[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
	done
	cd /
	rm -rf -- "$T" || true # a file of the jail may be out of reach; the folder is ours alone
}

netns_run() # [--userns] "$@": --userns takes a user namespace also as root
{
	local flags=(--net --mount --pid --fork --mount-proc --kill-child --propagation private)
	local want_userns=

	if [[ ${NSGATE_TEST_INSIDE-} ]]; then
		TEST_UID=$NSGATE_TEST_UID TEST_GID=$NSGATE_TEST_GID
		unset NSGATE_TEST_INSIDE NSGATE_TEST_UID NSGATE_TEST_GID
		test_tmpdir
		test_network
		[[ $TEST_UID -eq 0 ]] || NSGATE_RUN=("${AS_USER[@]}" "$NSGATE")
		return
	fi
	if [[ ${1-} == --userns ]]; then
		want_userns=yes
		shift
	fi
	need_userns
	export NSGATE_TEST_UID=$EUID NSGATE_TEST_GID
	NSGATE_TEST_GID=$(id -g)
	if [[ $EUID -ne 0 || $want_userns ]] || ! unshare "${flags[@]}" true 2>/dev/null; then
		flags=(--user --map-root-user "${flags[@]}")
	fi
	export NSGATE_TEST_INSIDE=1
	exec unshare "${flags[@]}" -- "$BASH" "$0" "$@"
}

# Instead of netns_run, for the few tests that need the machine's own network.
real_network()
{
	# shellcheck disable=SC2034  # for the tests
	TEST_UID=$EUID TEST_GID=$(id -g)
	test_tmpdir
	chmod 711 "$T" # for as_other
}

# Another user of the machine, without any right: only where root started the test. Fails elsewhere.
OTHER_UID=1000
as_other() # COMMAND...
{
	setpriv --reuid="$OTHER_UID" --regid="$OTHER_UID" --clear-groups --bounding-set=-all \
		--inh-caps=-all -- "$@"
}

# The same program without any capability, under the uid that started the test (1000 for root).
as_user() # COMMAND...
{
	"${AS_USER[@]}" "$@"
}

# nsgate, with the rights of whoever started the suite.
nsgate() # OPTION... -- COMMAND...
{
	"${NSGATE_RUN[@]}" "$@"
}

# The same in the background, its pid in NSGATE_PID, with the terminal's signals as a shell's user has
# them: bash starts what is in the background with SIGINT and SIGQUIT ignored.
start_nsgate() # OPTION... -- COMMAND...
{
	env --default-signal "${NSGATE_RUN[@]}" "$@" <&0 &
	NSGATE_PID=$!
	STARTED+=("$NSGATE_PID")
	wait_until 10 has_become_nsgate || fail 'nsgate was not started'
}

# A signal that comes sooner would end a copy of this shell.
has_become_nsgate()
{
	local name=

	read -r name 2>/dev/null <"/proc/$NSGATE_PID/comm" || true
	[[ $name == "${NSGATE##*/}" ]] || is_gone "$NSGATE_PID"
}

# Waits for it: STATUS. Fails when it does not end by itself.
finish_nsgate() # SECONDS
{
	wait_until "$1" is_gone "$NSGATE_PID" || fail "nsgate does not end within $1 s"
	STATUS=0
	wait "$NSGATE_PID" || STATUS=$?
}

test_network()
{
	local uid=$TEST_UID gid=$TEST_GID file

	[[ $uid -ne 0 ]] || uid=1000 gid=1000
	AS_USER=(unshare --user "--map-user=$uid" "--map-group=$gid" --)

	ip link set lo up
	for file in "$PUB4" "$PUB4_B" "$PRIV4" "$DNS4" "$META4"; do
		ip address add "$file/32" dev lo
	done
	if [[ -e /proc/net/if_inet6 ]]; then
		for file in "$PUB6" "$PUB6_B" "$PRIV6"; do
			ip -6 address add "$file/128" dev lo nodad
		done
	fi
	printf 'nameserver %s\noptions timeout:1 attempts:1\n' "$DNS4" >"$T/resolv.conf"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$T/hosts"
	for file in hosts resolv.conf; do
		mount --bind "$T/$file" "$(readlink -f "/etc/$file")" ||
			fail "cannot put our own /etc/$file in place"
	done
	host ok.test "$PUB4" "$PUB6"
	host v4.test "$PUB4"
	host v6.test "$PUB6"
	host other.test "$PUB4_B" "$PUB6_B"
	host private.test "$PRIV4" "$PRIV6"
	host loop.test 127.0.0.1
	host meta.test "$META4"
}

# One more line, or more, in the caller's /etc/hosts.
host() # NAME ADDRESS...
{
	local name=$1 address
	shift

	for address; do
		printf '%s %s\n' "$address" "$name" >>"$T/hosts"
	done
}

# Bounds how many namespaces of each kind may live at once: a leak in a loop then shows as a failure.
# Only in a user namespace of the test's own (netns_run --userns), or the whole machine would feel it.
limit_namespaces() # COUNT
{
	local kind

	[[ $(</proc/self/uid_map) != *4294967295* ]] || fail 'limit_namespaces wants netns_run --userns'
	for kind in user pid net mnt ipc uts cgroup; do
		echo "$1" >"/proc/sys/user/max_${kind}_namespaces"
	done
}

# The program's path after copying it to where the jail sees it: the clone may be in /tmp, which is
# private there. For $NSGATE_PROBES/NAME and the like.
into_jail() # PROGRAM
{
	cp -- "$1" "$T/work/"
	printf '%s/work/%s\n' "$T" "${1##*/}"
}

# ---- servers --------------------------------------------------------------------------------

# Starts a command that writes something to descriptor 3 when it is ready. Its pid: SERVER_PID.
start_ready() # COMMAND...
{
	local ready=$T/.ready.$((++READY_COUNT)) line

	mkfifo "$ready"
	"$@" 3>"$ready" </dev/null >>"$T/servers.log" 2>&1 &
	SERVER_PID=$!
	STARTED+=("$SERVER_PID")
	disown # its end is not worth a line of bash's
	read -r -t 10 line <"$ready" || [[ $line ]] || fail "$1 did not get ready: $(tail -n 5 "$T/servers.log")"
	rm -- "$ready"
}
READY_COUNT=0

# One of the small servers in servers.py, on every address of the test's network. What arrives is
# written to $T/KIND-PORT.log, one JSON object a line.
server() # http|https|banner|echo|sink|source|udp PORT [OPTION...]
{
	local kind=$1 port=$2
	shift 2

	if [[ $kind == https && ! -e $T/server.pem ]]; then
		make_certificate server ok.test v4.test v6.test other.test private.test
	fi
	: >>"$T/$kind-$port.log"
	start_ready "$PYTHON" "$TEST_LIB/servers.py" "$kind" "$port" --log "$T/$kind-$port.log" \
		--cert "$T/server.pem" --key "$T/server.key" "$@"
}

# A DNS server for the caller's side. Options are dnsmasq's: --address=/x.test/11.77.0.9 ...
start_dns() # OPTION...
{
	need_command dnsmasq
	# --no-daemon also keeps it from changing its user, which a user namespace does not let it do.
	dnsmasq --no-daemon --conf-file=/dev/null --no-hosts --no-resolv --bind-interfaces \
		--listen-address="$DNS4" --log-queries "$@" >>"$T/dns.log" 2>&1 </dev/null &
	SERVER_PID=$!
	STARTED+=("$SERVER_PID")
	disown
	wait_listening 53
}

# Makes $T/NAME.pem and $T/NAME.key for the host names, signed by $T/ca.pem.
make_certificate() # NAME HOST...
{
	local name=$1 alternatives
	shift

	if [[ ! -e $T/ca.pem ]]; then
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -batch \
			-subj '/CN=nsgate tests' -keyout "$T/ca.key" -out "$T/ca.pem" 2>>"$T/servers.log"
	fi
	alternatives=$(printf 'DNS:%s,' "$@")
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj "/CN=$1" \
		-keyout "$T/$name.key" 2>>"$T/servers.log" |
		openssl x509 -req -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 2 \
			-extfile <(echo "subjectAltName=${alternatives%,}") -out "$T/$name.pem" 2>>"$T/servers.log"
}

# How many connections or datagrams a server has seen so far.
arrivals() # KIND PORT
{
	grep -c . "$T/$1-$2.log" || true
}

# ---- audit ----------------------------------------------------------------------------------

need_jsonschema()
{
	"$PYTHON" -c 'import jsonschema' 2>/dev/null || skip 'no python3-jsonschema: scripts/install-packages test'
}

# Every line is a record as docs/audit.schema.json says, and none is missing unsaid. OUT: "JAILS RECORDS".
expect_audit() # FILE [HALF-LINES]
{
	run "$PYTHON" "$TEST_LIB/audit_lines.py" "$1" "$TEST_ROOT/docs/audit.schema.json" "${@:2}"
	expect_eq "$STATUS" 0 "the audit file $1"
}

# ---- leftovers ------------------------------------------------------------------------------

# Writes to FILE what a run of nsgate could leave behind: processes and their namespaces, interfaces,
# addresses, rules, mounts, temporary files, cgroups. Of processes all those of the test's pid namespace.
leftovers_snapshot() # FILE
{
	local pid name

	{
		for pid in /proc/[0-9]*; do
			[[ ${pid#/proc/} != "$BASHPID" ]] || continue
			read -r name 2>/dev/null <"$pid/comm" || continue # gone meanwhile
			printf 'process %s %s\n' "${pid#/proc/}" "$name"
		done
		lsns -nro NS,TYPE | sort | sed 's/^/namespace /'
		ip -o link | sed 's/^/link /'
		ip -o address | sed 's/^/address /; s/valid_lft.*//'
		ip rule | sed 's/^/ip-rule /'
		nft list ruleset | sed 's/^/nft /'
		sed 's/^/mount /' /proc/self/mountinfo
		find "$TMPDIR" -mindepth 1 | sed 's/^/file /'
		# find fails on folders that we may not read
		{ find /tmp /var/tmp /run /dev/shm -maxdepth 2 -name '*nsgate*' ! -name 'nsgate-test.*' \
			2>/dev/null || true; } | sort | sed 's/^/file /'
		{ find /sys/fs/cgroup -type d -name '*nsgate*' 2>/dev/null || true; } | sort | sed 's/^/cgroup /'
	} >"$1"
}

# Nothing more than in the snapshot, within two seconds: the kernel frees namespaces at its leisure.
expect_no_leftovers() # FILE
{
	wait_until 2 leftovers_gone "$1" || fail "left behind (>):"$'\n'"$(diff "$1" "$1.now")"
}

leftovers_gone()
{
	leftovers_snapshot "$1.now"
	cmp -s "$1" "$1.now"
}

# Processes of the binary under test, one pid a line.
nsgate_pids()
{
	local pid

	for pid in /proc/[0-9]*; do
		[[ $(readlink "$pid/exe" 2>/dev/null) != "$(readlink -f "$NSGATE")" ]] || echo "${pid#/proc/}"
	done
}
