#!/bin/bash
# Row 152: a policy with a key that nobody knows is refused, with line and column; nothing runs under half of it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
server http 80

# What follows the place in the message; the policy is on standard input.
refused() # LINE COLUMN MESSAGE
{
	local message="^nsgate: ../p.yaml:$1: column $2: $3"

	cat >../p.yaml
	run "$NSGATE" policy check ../p.yaml
	expect_eq "$STATUS/$OUT" 2/ "policy check: $(<../p.yaml)"
	expect_match "$ERR" "$message" "policy check: $(<../p.yaml)"
	rm -f ran
	# the mistake is not made up for by a rule of the command line
	run nsgate --policy ../p.yaml --allow domain=ok.test -- sh -c 'touch ran; curl -s http://ok.test/'
	expect_eq "$STATUS/$OUT" 125/ "a run: $(<../p.yaml)"
	expect_match "$ERR" "$message" "a run: $(<../p.yaml)"
	[[ ! -e ran ]] || fail "ran despite $(<../p.yaml)"
}

# ---- keys
refused 3 3 'expected a key of network .*got "alow".*did you mean allow\?' <<'END'
version: 1
network:
  alow: ["domain=*"]
END
refused 5 3 'expected a key of network .*got "denny".*did you mean deny\?' <<'END'
version: 1
network:
  allow:
    - domain=ok.test
  denny: [domain=ok.test]
END
refused 2 1 'expected a key .*got "netwrok".*did you mean network\?' <<'END'
version: 1
netwrok: { deny: [domain=ok.test] }
END
refused 2 1 'expected a key .*got "Network"' <<'END'
version: 1
Network: { deny: [domain=ok.test] }
END
refused 2 1 'expected a key .*got "deny".*belongs below network' <<'END'
version: 1
deny: [domain=ok.test]
END
refused 3 3 'expected a key of filesystem .*got "hid".*did you mean hide\?' <<'END'
version: 1
filesystem:
  hid: [secret]
END
refused 4 3 'expected each key once' <<'END'
version: 1
network:
  deny: [domain=ok.test]
  deny: []
END
refused 2 18 'expected (the name of )?a profile.*' <<'END'
version: 1
profiles: [apt,  nmp]
END
# ---- rules in it
refused 4 23 'expected a key .*got "prot".*did you mean port=\?' <<'END'
version: 1
network:
  allow:
    - domain=ok.test  prot=443
END
refused 4 8 'expected a key .*got "doman".*did you mean domain=\?' <<'END'
version: 1
network:
  deny:
    -  doman=ok.test
END
# ---- values
refused 3 8 'expected synthetic, dummy or real, got "syntetic"' <<'END'
version: 1
network:
  dns: syntetic
END
refused 2 17 'expected a number above 0 with a unit' <<'END'
version: 1
limits: { time: 30 }
END
# ---- shapes: a list that is none must not be an empty one
refused 3 9 'expected a list' <<'END'
version: 1
network:
  deny: domain=ok.test
END
refused 1 1 'expected version: 1' </dev/null
refused 1 10 'expected 1, got "2"' <<'END'
version: 2
END

# ---- the same words on the command line
for option in --alow --denny --polcy; do
	rm -f ran
	run nsgate "$option" domain=ok.test -- touch ran
	expect_match "$STATUS/$ERR" '^125/nsgate: unknown option .*did you mean' "$option"
	[[ ! -e ran ]] || fail "ran despite $option"
done

# ---- the right words do what they say
cat >../p.yaml <<'END'
version: 1
network:
  allow: [domain=ok.test]
END
run "$NSGATE" policy check ../p.yaml
expect_eq "$STATUS/$OUT" '0/../p.yaml: ok: 1 allow, 0 deny rules' 'policy check'
run nsgate --policy ../p.yaml -- curl -s http://ok.test/
expect_eq "$STATUS/$OUT" '0/hello from ok.test' 'a run'
