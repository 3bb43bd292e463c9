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
tidy=(clang-tidy -p "$build" --quiet
	--extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-unused-command-line-argument)

files=("$@")
[[ $# -gt 0 ]] || mapfile -t files < <(comm -12 \
	<(jq -r '.[].file' "$build/compile_commands.json" | sort -u) \
	<(tracked '*.c' | tr '\0' '\n' | sed "s|^|$PWD/|" | sort -u))

# One checker finds use after free, double free and leaks, but LLVM 14 does not know that a variable with
# __attribute__((cleanup)) - our AUTO() - is released: its leaks are dropped here. LeakSanitizer finds the
# real ones. A finding is a "warning:" or "error:" line and the notes below it.
errors=$(mktemp)
trap 'rm -f -- "$errors"' EXIT
status=0
all=$(printf '%s\0' "${files[@]}" | xargs -0 -r -n 2 -P 2 "${tidy[@]}" 2>"$errors") || status=$?
found=$(awk '/^[^ ].*: (warning|error): / { is_leak = /Potential (memory )?leak/ } !is_leak' <<<"$all")
[[ ! $found ]] || { printf '%s\n' "$found"; exit 1; }
[[ $status -eq 0 ]] || { cat "$errors"; exit 1; }
