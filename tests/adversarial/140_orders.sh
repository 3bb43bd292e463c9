#!/bin/bash
# Row 140: the socket that takes orders for a run is not reachable from inside, neither by its name nor through the network.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate

cat >order.py <<'END'
import socket, sys
for name in sys.argv[1:]:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stream.settimeout(5)
    try:
        stream.connect("\0" + name)
        stream.sendall(b"reload")
        print(stream.recv(1).decode())
    except OSError as error:
        print(type(error).__name__)
END
mkfifo "$T/orders"
exec 4<>"$T/orders"
# shellcheck disable=SC2016  # the inner shell's
start_nsgate "${ANYTHING[@]}" -- sh -c 'read -r name && "$0" order.py "$name"; grep -c @nsgate/ /proc/net/unix; exit 0' \
	"$PYTHON" <&4 >"$T/inside"
wait_until 10 grep -q @nsgate/ /proc/net/unix || fail 'no socket for orders'
name=$(sed -nE 's|.*@(nsgate/[0-9a-f]{16}/[0-9]+)$|\1|p' /proc/net/unix)

# it is there, and works for somebody who may
is_served()
{
	[[ $(as_caller "$PYTHON" order.py "$name") == + ]]
}
as_caller()
{
	if [[ $TEST_UID -eq 0 ]]; then "$@"; else as_user "$@"; fi
}
wait_until 10 is_served || fail 'nobody is served'
# whoever asks for something else is not answered
expect_eq "$("$PYTHON" - "$name" <<'END'
import socket, sys
for order in (b"", b"reloa", b"reload\0", b"reload now", b"x" * 4096):
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    stream.settimeout(5)
    stream.connect("\0" + sys.argv[1])
    stream.send(order)
    print(len(stream.recv(1)), end=" ")
END
)" '0 0 0 0 0 '

echo "$name" >&4
finish_nsgate 10
expect_eq "$(<"$T/inside")" $'ConnectionRefusedError\n0'
