#!/bin/bash
# Each profile lets through what its tools need, and nothing that only looks like it: another host, another port, plain HTTP.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
real_network # nothing is connected to
need_nsgate

ROWS=$TEST_ROOT/tests/e2e/profiles

# Asks the profile each row of the file, and compares what it says.
check_rows() # NAME FILE
{
	local name=$1 file=$2 number=0 answer expected

	grep -v '^#' "$file" >"$T/rows"
	run bash -c 'cut -d" " -f2- "$1" | "$2" policy test --profile "$3" --batch' - "$T/rows" "$NSGATE" "$name"
	expect_eq "$STATUS/$ERR" 0/ "$name"
	expect_eq "$(wc -l <<<"$OUT")" "$(wc -l <"$T/rows")" "answers of $name"
	while IFS= read -r answer <&3 && IFS= read -r expected <&4; do
		number=$((number + 1))
		[[ ${answer%% *} == "${expected%% *}" ]] || fail "$name, row $number: expected '$expected', got '$answer'"
	done 3<<<"$OUT" 4<"$T/rows"
}

# A profile without such rows has not been tried.
check_near_misses() # NAME FILE
{
	local name=$1 file=$2 near="" row target

	grep -q '^allow ' "$file" || fail "$name: no row is allowed"
	grep -qE '^deny .*[.]evil[.]example' "$file" || fail "$name: no denied row for a name behind the allowed one"
	grep -qE '^deny [a-zA-Z]+ (https?://)?evil[a-z]' "$file" || fail "$name: no denied row for a name that ends like it"
	while read -r _ _ target _; do
		row=${target%:*}
		if [[ $target != *://* ]] && grep -qE "^allow (tls|tcp) ${row//./[.]}:" "$file"; then
			near=yes
		fi
	done < <(grep '^deny ' "$file")
	[[ $near ]] || fail "$name: no denied row for another port of an allowed name"
	grep -q 'port=80' "$TEST_ROOT/policy/profiles/$name.yaml" || grep -qE '^deny [A-Z]+ http://' "$file" ||
		fail "$name: no denied row for plain HTTP"
}

count=0
for profile in "$TEST_ROOT"/policy/profiles/*.yaml; do
	name=$(basename "$profile" .yaml)
	[[ -e $ROWS/$name.rows ]] || fail "no rows for the profile $name"
	check_rows "$name" "$ROWS/$name.rows"
	check_near_misses "$name" "$ROWS/$name.rows"
	# every rule has a port, and no rule is for every name
	[[ $(grep -c '^    - ' "$profile") -eq $(grep -cE '^    - domain=[^ *]*[^ ]*[.][^ ]+ port=[0-9,]+$' "$profile") ]] ||
		fail "$name: a rule that is not domain=NAME port=PORTS"
	run "$NSGATE" policy check "$profile"
	expect_match "$STATUS/$OUT/$ERR" "^0/.*: ok: [1-9][0-9]* allow, 0 deny rules/$" "policy check $name"
	count=$((count + 1))
done
for rows in "$ROWS"/*.rows; do
	[[ -e $TEST_ROOT/policy/profiles/$(basename "$rows" .rows).yaml ]] || fail "$rows: there is no such profile"
done
[[ $count -ge 10 ]] || fail "only $count profiles"

# together they still allow no more
run bash -c 'echo "tls a.npmjs.org:22" | "$0" policy test --profile npm --profile git --profile pip --batch' "$NSGATE"
expect_eq "$STATUS/$OUT" '0/deny no-rule' 'three profiles'
