#!/bin/bash
# What a policy file says is what a run can reach: with includes and profiles, and with what the command line adds.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

server http 80
server http 81
POLICIES=$HOME/.config/nsgate
mkdir -p "$POLICIES/team" bin
p=$POLICIES/p.yaml

# Which of the targets, in their order, can be reached.
reaches() # PATTERN OPTION...
{
	local pattern=$1
	shift
	# shellcheck disable=SC2016  # the inner shell's
	run nsgate --log-level error "$@" -- sh -c \
		'for url; do curl -sf -o /dev/null "http://$url/" && printf + || printf -; done' \
		sh ok.test ok.test:81 other.test other.test:81 "$PUB4_B"
	expect_eq "$OUT" "$pattern" "$*: $ERR"
}
policy() # FILE, text on stdin
{
	cat >"$POLICIES/$1"
}

# ---- rules
policy p.yaml <<'END'
version: 1
network:
  allow:
    - domain=ok.test port=80    # a comment
    - "domain=other.test"
  deny: ['domain=other.test port=81']
END
reaches '+-+--' --policy "$p"
reaches '+++--' --policy "$p" --allow domain=ok.test
reaches '+-+-+' --allow "cidr=$PUB4_B" --policy "$p"
reaches '--+--' --policy "$p" --deny domain=ok.test
# a deny rule of the file beats what the command line allows, wherever it stands
reaches '+-+--' --policy "$p" --allow 'domain=other.test port=81'
reaches '+-+--' --allow 'domain=other.test port=81' --policy "$p"
# two files add up, in any order
policy more.yaml <<'END'
{"version": 1, "network": {"allow": ["domain=*.test port=81"], "deny": ["domain=ok.test port=80"]}}
END
reaches '-++--' --policy "$p" --policy "$POLICIES/more.yaml"
reaches '-++--' --policy "$POLICIES/more.yaml" --policy "$p"

# ---- includes, from the file's own directory
policy main.yaml <<'END'
version: 1
include: [team/base.yaml, p.yaml]
END
policy team/base.yaml <<'END'
version: 1
include: [../p.yaml]
network: {allow: ["domain=ok.test port=81"]}
END
reaches '+++--' --policy "$POLICIES/main.yaml"

# ---- the rule that decided is told with file and line
run nsgate --policy "$p" --audit "$T/audit" -- sh -c "curl -s http://ok.test/; curl -s http://other.test:81/"
expect_match "$ERR" "denied: .*other.test:81 \\(deny-rule: .*$p:6"
expect_eq "$(jq -c 'select(.protocol != "dns") | [.name, .verdict, .rule, .origin // .rule_origin]' "$T/audit" | head -1)" \
	"[\"ok.test\",\"allow\",\"domain=ok.test port=80\",\"$p:4\"]"
rm "$T/audit"

# ---- profiles
run nsgate --profile npm --log-level error -- sh -c 'true'
expect_eq "$STATUS" 0
policy npm.yaml <<'END'
version: 1
profiles: [npm]
END
run "$NSGATE" policy test --policy "$POLICIES/npm.yaml" 'tcp some.npmjs.org:443'
expect_match "$STATUS $OUT" '^0 allow.*profile npm:[0-9]+'
run nsgate --profile nmp -- touch ran
expect_eq "$STATUS" 125
expect_match "$ERR" $'expected the name of a profile \\(.*npm.*got "nmp"\ndid you mean npm\\?'

# ---- places, limits and audit
echo secret >"$HOME/secret"
policy all.yaml <<END
version: 1
filesystem:
  hide: ["~/secret"]
  write: [bin]
  overlay: [.]
limits: {time: 500ms, open-files: 64}
audit: {file: "$T/audit"}
END
run nsgate --policy "$POLICIES/all.yaml" -- sh -c 'cat ~/secret; ulimit -n; echo 1 >bin/kept; echo 1 >lost; curl -s ok.test'
expect_eq "$OUT" 64
[[ -e bin/kept && ! -e lost ]] || fail "not the places of the file: $(ls -R)"
[[ -s $T/audit ]] || fail 'no audit'
run nsgate --policy "$POLICIES/all.yaml" -- sleep 60
expect_eq "$STATUS" 124
# the command line has the last word about a single value, whichever comes first
run nsgate --policy "$POLICIES/all.yaml" --open-files 65 -- sh -c 'ulimit -n'
expect_eq "$OUT" 65
run nsgate --open-files 66 --policy "$POLICIES/all.yaml" -- sh -c 'ulimit -n'
expect_eq "$OUT" 66

# ---- mistakes: nothing runs, and the message says where
refused() # MESSAGE, text of a policy on stdin
{
	cat >"$POLICIES/bad.yaml"
	run nsgate --policy "$POLICIES/bad.yaml" --allow domain=ok.test -- touch ran
	expect_eq "$STATUS/$OUT" 125/ "$(<"$POLICIES/bad.yaml")"
	expect_match "$ERR" "^nsgate: $POLICIES/bad.yaml:$1" "$(<"$POLICIES/bad.yaml")"
	[[ ! -e ran ]] || fail "ran with $(<"$POLICIES/bad.yaml")"
}
refused $'1: column 1: expected version: 1, got nothing\na policy begins' </dev/null
refused '1: column 10: expected 1, got "2"' <<<'version: 2'
refused $'3: column 3: expected a key of network .*, got "alow"\ndid you mean allow\\?' <<'END'
version: 1
network:
  alow: [domain=ok.test]
END
refused $'2: column 1: expected a key .*, got "hide"\nhide belongs below filesystem:' <<'END'
version: 1
hide: [x]
END
refused $'4: column 23: expected a key .*, got "prt"\ndid you mean port=\\?' <<'END'
version: 1
network:
  allow:
    - "domain=ok.test prt=80"
END
refused $'4: column 3: expected each key once, got "dns"\ndns stands in line 3' <<'END'
version: 1
network:
  dns: synthetic
  dns: synthetic
END
refused $'3: column 10: expected a list, got "domain=ok.test"\nwrite allow: \\[RULE\\]' <<'END'
version: 1
network:
  allow: domain=ok.test
END
refused '2: column 11: read .*/none.yaml: No such file' <<'END'
version: 1
include: [none.yaml]
END
refused '2: column 11: .*/bad.yaml includes itself' <<'END'
version: 1
include: [bad.yaml]
END
refused '3: column 4: expected YAML' <<'END'
version: 1
network: {allow: [
  ]]}
END
run nsgate --policy "$POLICIES" -- touch ran
expect_eq "$STATUS" 125
expect_match "$ERR" 'expected a regular file'
run nsgate --policy= -- touch ran
expect_eq "$STATUS/$ERR" '125/nsgate: policy: expected a file, got an empty name'

# ---- the same place twice: what shows less holds, whatever the order; the command line has the last word
mkdir "$T/place"
echo secret >"$T/place/file"
printf 'version: 1\nfilesystem:\n  hide: ["%s"]\n' "$T/place" >"$POLICIES/hide.yaml"
printf 'version: 1\nfilesystem:\n  write: ["%s"]\n' "$T/place" >"$POLICIES/write.yaml"
for order in 'hide write' 'write hide'; do
	run nsgate --policy "$POLICIES/${order% *}.yaml" --policy "$POLICIES/${order#* }.yaml" -- ls -A "$T/place"
	expect_eq "$STATUS/$OUT" 0/ "$order"
done
run nsgate --hide "$T/place" --policy "$POLICIES/write.yaml" -- ls -A "$T/place"
expect_eq "$STATUS/$OUT" 0/ '--hide in front of a file'
run nsgate --write "$T/place" --policy "$POLICIES/hide.yaml" -- ls -A "$T/place"
expect_eq "$STATUS/$OUT" 0/file '--write in front of a file'

mkfifo "$POLICIES/fifo"
run timeout 5 "$NSGATE" --policy "$POLICIES/fifo" -- touch ran
expect_eq "$STATUS" 125 'a fifo'
[[ ! -e ran ]] || fail 'ran'
