#!/bin/bash
# clang-tidy over every compiled file that is tracked. tidy.sh BUILD-DIRECTORY [FILE...]
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_tool clang-tidy
need_tool jq

build=${1:?usage: tidy.sh BUILD-DIRECTORY}
shift
[[ -e $build/compile_commands.json ]] || { echo "$build/compile_commands.json is missing"; exit 1; }

# gcc's own warning options mean nothing to clang.
tidy=(clang-tidy -p "$build" --quiet --warnings-as-errors='*'
	--extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-unused-command-line-argument)

files=("$@")
[[ $# -gt 0 ]] || mapfile -t files < <(comm -12 \
	<(jq -r '.[].file' "$build/compile_commands.json" | sort -u) \
	<(tracked '*.c' | tr '\0' '\n' | sed "s|^|$PWD/|" | sort -u))

# "N warnings generated." on stderr counts those of system headers, which are not shown.
printf '%s\0' "${files[@]}" | xargs -0 -r -n 2 -P 2 "${tidy[@]}" 2> >(grep -v 'warnings\{0,1\} .*generated' >&2)
