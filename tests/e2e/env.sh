#!/bin/bash
# The environment loses loaders, session sockets and credentials; options keep, clear or add.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

# Exactly these variables, and no other, come to nsgate.
names() # VARIABLE... -- OPTION...: the names that are left, sorted, in one line
{
	local variables=()

	while [[ $1 != -- ]]; do
		variables+=("$1")
		shift
	done
	shift
	env -i PATH="$PATH" HOME="$HOME" "${variables[@]}" "${NSGATE_RUN[@]}" --net none "$@" -- /usr/bin/env -0 >"$T/env" ||
		fail "nsgate $*"
	OUT=$(tr '\n\0' '?\n' <"$T/env" | grep -avE '^(PATH|HOME)=' | LC_ALL=C sort | xargs -d '\n')
}

# ---- every row of the table
mapfile -t patterns < <(sed -n '/^} dropped\[\]/,/^};/s/^\t{ "\([^"]*\)", ".*" },$/\1/p' "$TEST_ROOT/jail/env.c")
[[ ${#patterns[@]} -ge 60 ]] || fail "only ${#patterns[@]} rows found in jail/env.c"
variables=()
for pattern in "${patterns[@]}"; do
	name=${pattern//\*/X}
	# what bash would not hand over by itself env can
	variables+=("$name=1" "${name,,}=1")
done
names "${variables[@]}" KEPT=1 -- --hostname x
expect_eq "$OUT" KEPT=1 'what the table leaves'
for name in LD_AUDIT_X LD_LIBRARY_PATH BASH_ENV NODE_OPTIONS PYTHONPATH PERL5OPT JAVA_TOOL_OPTIONS SSH_AUTH_SOCK \
	DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR DISPLAY DOCKER_HOST GITHUB_TOKEN NPM_TOKEN AWS_SECRET_ACCESS_KEY \
	AWS_SESSION_TOKEN MY_PASSWORD db_password OPENAI_API_KEY SSH_KEY GH_PAT KUBECONFIG 'BASH_FUNC_x%%'; do
	names "$name=/none" KEPT=1 --
	expect_eq "$OUT" KEPT=1 "$name"
done
names EDITOR=vi LANG=C LC_ALL=C TERM=xterm CI=true HTTP_X=1 KEYBOARD=us MONKEY=1 TOKE=1 npm_config_registry=x --
expect_eq "$OUT" 'CI=true EDITOR=vi HTTP_X=1 KEYBOARD=us LANG=C LC_ALL=C MONKEY=1 TERM=xterm TOKE=1 npm_config_registry=x'
# nothing is added, values are kept to the byte
names 'EMPTY=' 'BLANKS= a  b ' $'LINES=a\nb' $'BYTES=\xff\xfe' 'EQUALS=a=b=c' --
expect_eq "$OUT" 'BLANKS= a  b  BYTES='$'\xff\xfe'' EMPTY= EQUALS=a=b=c LINES=a?b' 'values'

# ---- --clear-env, --keep-env
some=(EDITOR=vi LANG=C LC_TIME=C TERM=xterm USER=me MY_TOKEN=t NODE_OPTIONS=--no-warnings)
names "${some[@]}" -- --clear-env
expect_eq "$OUT" 'LANG=C LC_TIME=C TERM=xterm USER=me' --clear-env
names "${some[@]}" -- --keep-env
expect_eq "$OUT" 'EDITOR=vi LANG=C LC_TIME=C MY_TOKEN=t NODE_OPTIONS=--no-warnings TERM=xterm USER=me' --keep-env

# ---- --env
names "${some[@]}" -- --env MY_TOKEN
expect_eq "$OUT" 'EDITOR=vi LANG=C LC_TIME=C MY_TOKEN=t TERM=xterm USER=me' '--env NAME'
names "${some[@]}" -- --clear-env --env MY_TOKEN --env EDITOR=ed --env NEW= --env A=b=c
expect_eq "$OUT" 'A=b=c EDITOR=ed LANG=C LC_TIME=C MY_TOKEN=t NEW= TERM=xterm USER=me' '--clear-env --env'
names EDITOR=vi -- --env EDITOR=ed --env EDITOR=nano
expect_eq "$OUT" EDITOR=nano 'the last --env'
names EDITOR=vi -- --env NOT_SET
expect_eq "$OUT" EDITOR=vi '--env of a variable that is not set'
run nsgate --env =x -- true
expect_eq "$STATUS" 125 '--env =x'
run nsgate --env '' -- true
expect_eq "$STATUS" 125 "--env ''"
# PATH is the one that the command is looked for in
mkdir bin
printf '#!/bin/sh\necho found\n' >bin/telling-name
chmod +x bin/telling-name
run nsgate --net none --env PATH="$PWD/bin:$PATH" -- telling-name
expect_eq "$STATUS/$OUT" 0/found 'PATH from --env'
