#!/bin/bash
# Every shell script, with or without a suffix, is clean for shellcheck.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_tool shellcheck

scripts=()
while IFS= read -r -d '' file; do
	if [[ $file == *.sh ]] || { LC_ALL=C read -r -n 64 first <"$file" 2>/dev/null &&
		[[ $first =~ ^'#!'.*[/\ ](ba|da)?sh($|\ ) ]]; }; then
		scripts+=("$file")
	fi
done < <(tracked ':(exclude)tests/fuzz/corpus')
shellcheck -x "${scripts[@]}"
