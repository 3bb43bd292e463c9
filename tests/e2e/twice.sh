#!/bin/bash
# Two jails at once, of the same folder, do not see each other.
# shellcheck source-path=SCRIPTDIR disable=SC2016  # what a jailed shell expands
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

server http 80
leftovers_snapshot "$T/before"

# The first one has a server on every address of its own, an abstract and a named socket, files in all private
# places, a queue and a process with a telling name.
cat >first.py <<'END'
import os, socket, sys, time
for path in "/tmp/mine", "/var/tmp/mine", "/run/mine", "/dev/shm/mine", os.path.expanduser("~/mine"):
    open(path, "w").close()
sockets = []
for family, address in (socket.AF_INET, ("0.0.0.0", 5000)), (socket.AF_INET6, ("::", 5001)), \
        (socket.AF_UNIX, "\0abstract"), (socket.AF_UNIX, "/tmp/socket"):
    sockets.append(socket.socket(family))
    sockets[-1].bind(address)
    sockets[-1].listen()
os.system("ipcmk --queue >/dev/null")
print(socket.gethostbyname(socket.gethostname()), flush=True)
sys.stdin.readline()
END
cat >second.py <<'END'
import os, socket, sys
def seen(what):
    print("sees", repr(what))
for path in "/tmp/mine", "/var/tmp/mine", "/run/mine", "/dev/shm/mine", os.path.expanduser("~/mine"), "/tmp/socket":
    if os.path.exists(path):
        seen(path)
for family, address in (socket.AF_INET, (sys.argv[1], 5000)), (socket.AF_INET, ("127.0.0.1", 5000)), \
        (socket.AF_INET6, ("::1", 5001)), (socket.AF_UNIX, "\0abstract"):
    try:
        socket.socket(family).connect(address)
        seen(address)
    except OSError:
        pass
for pid in filter(str.isdigit, os.listdir("/proc")):
    if b"first" in open(f"/proc/{pid}/cmdline", "rb").read():
        seen("the other's process")
if len(os.popen("ipcs --queues").read().split()) > 10:  # the headings
    seen("the other's queue")
print("done")
END
mkfifo end
exec 9<>end
start_nsgate --allow domain=ok.test --hostname one --audit "$T/audit.1" -- "$PYTHON" first.py <end >out 2>err 9>&-
wait_until 10 test -s out || fail "the first one does not get ready: $(<err)"
run nsgate --allow domain=ok.test --hostname two --audit "$T/audit.2" -- "$PYTHON" second.py "$(<out)"
expect_eq "$STATUS/$OUT/$ERR" 0/done/ 'the second one'
# the same places do answer the first one itself
run nsgate -- sh -c '
	python=$1; mkfifo /tmp/end; exec 9<>/tmp/end
	"$python" first.py </tmp/end >/tmp/out 9>&- & while ! test -s /tmp/out; do :; done
	"$python" second.py "$(cat /tmp/out)"; echo >&9; wait' sh "$PYTHON"
expect_eq "$(grep ^sees <<<"$OUT" | sort -u | wc -l)" 12 'what one jail sees of itself'
echo >&9
finish_nsgate 2
expect_eq "$STATUS" 0 'the first one'

# both in the same folder, both through their own gate, at the same time
for ((number = 1; number <= 8; number++)); do
	start_nsgate --allow domain=ok.test --audit "$T/audit.$number" -- sh -c \
		'for i in 1 2 3 4 5; do curl -sS http://ok.test/hello || exit; done' >"out.$number" 2>&1
	jails[number]=$NSGATE_PID
done
for ((number = 1; number <= 8; number++)); do
	NSGATE_PID=${jails[number]}
	finish_nsgate 20
	expect_eq "$STATUS/$(sort -u "out.$number")" '0/hello from ok.test' "jail $number of 8"
done
expect_eq "$(cat "$T"/audit.* | jq -r .jail | sort -u | wc -l)" 8 'jail ids in the audit files'
rm -r "$T"/audit.* "$T/work" && mkdir "$T/work"
expect_no_leftovers "$T/before"
