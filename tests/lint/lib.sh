# shellcheck shell=bash
# What the lints share. A lint prints one line a finding, "FILE:LINE: what is wrong", and fails.
set -euo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# Tracked files that are there, NUL-terminated; arguments are git pathspecs.
tracked()
{
	local file

	# Command line safe.directory: the clone may belong to another user than the one who checks.
	git -c safe.directory='*' ls-files -z -- "$@" | while IFS= read -r -d '' file; do
		[[ ! -f $file ]] || printf '%s\0' "$file"
	done
}

# Skips, or fails where skipping is forbidden, when $1 is not installed.
need_tool()
{
	type -P "$1" >/dev/null && return
	echo "$1 is not installed: scripts/install-packages lint"
	[[ ${JAIL_TESTS_MUST_RUN-} == 1 ]] && exit 1
	exit 77
}
