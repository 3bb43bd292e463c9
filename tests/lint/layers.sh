#!/bin/bash
# Includes point down only: jail -> netsetup, proxy -> policy -> policy/base.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# FOLDER: what its files may include of ours. The longest matching folder counts.
declare -A may_include=(
	[policy/base]='policy/base'
	[policy]='policy policy/base'
	[netsetup]='netsetup policy policy/base'
	[proxy]='proxy policy policy/base'
	[jail]='jail netsetup proxy policy policy/base'
)

layer_of() # PATH
{
	case $1 in
	policy/base/*) echo policy/base ;;
	policy/* | netsetup/* | proxy/* | jail/* | tests/*) echo "${1%%/*}" ;;
	esac
}

bad=0
while IFS= read -r -d '' file; do
	from=$(layer_of "$file")
	while IFS=: read -r line include; do
		[[ $include =~ ^[[:space:]]*#[[:space:]]*include[[:space:]]+\"([^\"]+)\" ]] || continue
		target=${BASH_REMATCH[1]}
		[[ -e $target ]] || target=$(realpath -m --relative-to=. "$(dirname "$file")/$target")
		to=$(layer_of "$target")
		if [[ ! $to || " ${may_include[$from]} " != *" $to "* ]]; then
			echo "$file:$line: $from includes $target"
			bad=1
		fi
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' "$file" || true)
done < <(tracked policy netsetup proxy jail ':(exclude)*.md' | grep -zE '[.][ch]$' || true)
exit "$bad"
