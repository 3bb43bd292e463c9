#!/bin/bash
# Rows 50, 51: loaders, start-up files, session sockets and credentials stay outside; the rest passes.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
need_confined

loaders=(LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT GCONV_PATH BASH_ENV ENV PROMPT_COMMAND ZDOTDIR
	NODE_OPTIONS PYTHONSTARTUP PYTHONPATH PYTHONHOME PERL5OPT PERL5LIB RUBYOPT RUBYLIB
	JAVA_TOOL_OPTIONS _JAVA_OPTIONS 'BASH_FUNC_ls%%')
session=(SSH_AUTH_SOCK SSH_AGENT_PID DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS XDG_RUNTIME_DIR
	DOCKER_HOST DISPLAY WAYLAND_DISPLAY XAUTHORITY TMUX STY GPG_AGENT_INFO VSCODE_IPC_HOOK_CLI
	WSL_INTEROP NOTIFY_SOCKET LISTEN_FDS)
secrets=(AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN GITHUB_TOKEN GH_TOKEN NPM_TOKEN
	npm_config__auth_token OPENAI_API_KEY ANTHROPIC_API_KEY PGPASSWORD DB_PASSWD SSH_PASSPHRASE
	GOOGLE_APPLICATION_CREDENTIALS GITLAB_PAT my_secret DATABASE_URL KUBECONFIG NETRC)
harmless=(EDITOR LC_TIME CARGO_HOME MAKEFLAGS)

settings=()
for name in "${loaders[@]}" "${session[@]}" "${secrets[@]}"; do
	settings+=("$name=/canary/$name")
done
for name in "${harmless[@]}"; do
	settings+=("$name=harmless")
done

# run, with all these variables
with_all() # COMMAND...
{
	# LD_AUDIT and LD_PRELOAD only make the loader complain: there is nothing at /canary
	env -i PATH="$PATH" HOME="$HOME" TERM=dumb LANG=C "${settings[@]}" "$@"
}

names()
{
	sed -n 's/=.*//p' <<<"$OUT" | sort | tr '\n' ' '
}

# The lines of env, without those that the shell in between adds.
run with_all "${NSGATE_RUN[@]}" --keep-env -- /usr/bin/env
expect_eq "$(grep -c /canary/ <<<"$OUT")" $((${#loaders[@]} + ${#session[@]} + ${#secrets[@]})) '--keep-env'

run with_all "${NSGATE_RUN[@]}" -- /usr/bin/env
expect_eq "$STATUS" 0
expect_no_match "$OUT" canary
expect_eq "$(names)" 'CARGO_HOME EDITOR HOME LANG LC_TIME MAKEFLAGS PATH TERM '
run with_all "${NSGATE_RUN[@]}" -- sh -c 'cat /proc/[0-9]*/environ'
expect_match "$OUT" harmless
expect_no_match "$OUT" canary

run with_all "${NSGATE_RUN[@]}" --clear-env -- /usr/bin/env
expect_eq "$(names)" 'HOME LANG LC_TIME PATH TERM '

# Asked for by name, one comes along; the rest stays.
run with_all "${NSGATE_RUN[@]}" --env GITHUB_TOKEN -- /usr/bin/env
expect_eq "$(grep canary <<<"$OUT")" 'GITHUB_TOKEN=/canary/GITHUB_TOKEN'

# ---- 51: nor are the sockets there that these variables name
mount -t tmpfs tmpfs /run
mkdir -p /run/user/1000
: >/run/user/1000/bus
: >/run/docker.sock
run nsgate -- find /run /var/run/ -mindepth 1
expect_eq "$OUT" ''
