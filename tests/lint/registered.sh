#!/bin/bash
# Every test script, unit suite and fuzz target is registered with ctest. registered.sh BUILD-DIRECTORY
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_tool jq

build=${1:?usage: registered.sh BUILD-DIRECTORY}
commands=$(ctest --test-dir "$build" --show-only=json-v1 | jq -r '.tests[] | .name, .command[]?')
bad=0
missing() # FILE NAME
{
	grep -qxF -- "$2" <<<"$commands" && return
	echo "$1:1: not registered with ctest as $2"
	bad=1
}

while IFS= read -r -d '' file; do
	case $file in
	tests/*/lib.sh) ;; # sourced
	tests/unit/check_*.c)
		name=${file##*/check_}
		missing "$file" "unit/${name%.c}"
		;;
	tests/fuzz/fuzz_*.c)
		name=${file##*/fuzz_}
		missing "$file" "fuzz/${name%.c}"
		;;
	*.sh) missing "$file" "$PWD/$file" ;;
	esac
done < <(tracked 'tests/*.sh' 'tests/unit/check_*.c' 'tests/fuzz/fuzz_*.c')
exit "$bad"
