#!/bin/bash
# cppcheck over the code that ships. Each suppression says why.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_tool cppcheck

cache=${1:-build/dev}/cppcheck
mkdir -p "$cache"

options=(
	--std=c17 --language=c --platform=unix64 --enable=warning --enable=performance --enable=portability
	--inline-suppr --error-exitcode=1 --quiet -j2
	--template='{file}:{line}: {severity}: {message} [{id}]'
	--cppcheck-build-dir="$cache" -I . -D_GNU_SOURCE -D__linux__ -DNSGATE_VERSION=\"0\"
	# libraries' and libc headers are not read: it knows libc and POSIX, and guesses about the rest
	--suppress=missingIncludeSystem --library=posix --library=gnu
	# it does not know __attribute__((cleanup)), which is how AUTO() releases
	--suppress=resourceLeak --suppress=memleak
	# its gnu library says that accept4's address may not be NULL, which it may
	--suppress=nullPointer:proxy/listen.c --suppress=nullPointer:jail/control.c
	# readdir on a stream of our own is safe; readdir_r is deprecated
	--suppress=readdirCalled
	# "too many #ifdef configurations": the checked ones are ours
	--suppress=toomanyconfigs --suppress=normalCheckLevelMaxBranches
)
tracked 'policy/*.c' 'netsetup/*.c' 'proxy/*.c' 'jail/*.c' |
	xargs -0 -r cppcheck "${options[@]}"
