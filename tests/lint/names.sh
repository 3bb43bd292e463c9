#!/bin/bash
# No tracked file names one package registry's host (wildcards like *.DOMAIN are fine) or a path of a
# developer's machine: examples and tests must work for everybody's registry and in every clone.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Written with [.] so that this file does not match itself.
label='(^|[^A-Za-z0-9_.*-])' # what precedes a whole host name
hosts=(
	"${label}[A-Za-z0-9-]*registry[A-Za-z0-9-]*[.]npmjs[.](org|com)"
	"${label}(registry|npm)[.]yarnpkg[.]com"
	"${label}(test[.])?pypi[.]org"
	"${label}files[.]pythonhosted[.]org"
	"${label}((index|static)[.])?crates[.]io"
	"${label}(proxy|sum)[.]golang[.]org"
	"${label}(deb|security|ftp[a-z.]*|httpredir|cdn-fastly|snapshot|archive)[.]debian[.]org"
	"${label}([a-z]+[.])?(archive|security|ports)[.]ubuntu[.]com"
	"${label}((index|api)[.])?rubygems[.]org"
	"${label}repo1?[.]maven[.](apache[.])?org"
	"${label}((registry-1|auth|index)[.])?docker[.]io"
	"${label}(ghcr|quay)[.]io"
	"${label}dl-cdn[.]alpinelinux[.]org"
	"${label}(api|www)[.]nuget[.]org"
)
paths=(
	'(^|[^A-Za-z0-9_.~}/-])/wor[k]/[A-Za-z]'
	'/tmp/bash_job[s]'
	'(^|[^A-Za-z0-9_.~}/-])/(home|Users)/[a-z0-9]+/[A-Za-z0-9]'
)

bad=0
check() # MESSAGE PATTERN...
{
	local message=$1 found
	shift
	found=$(tracked . | xargs -0 -r grep -HnIE "$(IFS='|'; echo "$*")" || true)
	[[ $found ]] || return 0
	while IFS= read -r line; do
		printf '%s: %s: %s\n' "$(cut -d: -f1,2 <<<"$line")" "$message" "$(cut -d: -f3- <<<"$line")"
	done <<<"$found"
	bad=1
}

check 'a registry host by its full name' "${hosts[@]}"
check "a path of somebody's machine" "${paths[@]}"
exit "$bad"
