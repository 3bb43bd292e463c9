"""A terminal for the tests: terminal.py SCRIPT COMMAND... types what the script says, prints what it saw.

The script is a JSON list of steps:

  ["expect", REGEX]   wait until the output since the last expect matches; 10 s at most
  ["type", TEXT]      as a user would: \x03 is Ctrl-C, \x1a Ctrl-Z, \x04 Ctrl-D
  ["resize", ROWS, COLUMNS]
  ["hangup"]          the terminal goes away

After the last step the command must end within 10 s. Exit status: its own; 99 when a step failed.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


def give_up(message, seen):
    print(f"terminal: {message}\nsaw:\n{seen.decode(errors='replace')}", file=sys.stderr)
    sys.exit(99)


def read_some(fd, deadline):
    """What the command wrote, b"" when nothing came in time, None at the end."""
    ready, _, _ = select.select([fd], [], [], max(0, min(0.1, deadline - time.monotonic())))
    if not ready:
        return b""
    try:
        return os.read(fd, 65536) or None
    except OSError:
        return None


def main():
    steps, command = json.loads(sys.argv[1]), sys.argv[2:]
    pid, fd = pty.fork()
    if pid == 0:
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    seen, position = b"", 0
    for step in steps:
        if step[0] == "type":
            os.write(fd, step[1].encode())
        elif step[0] == "resize":
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", step[1], step[2], 0, 0))
        elif step[0] == "hangup":
            os.close(fd)
            fd = -1
        else:
            deadline = time.monotonic() + 10
            while not (match := re.search(step[1].encode(), seen[position:])):
                chunk = read_some(fd, deadline)
                if chunk is None or (not chunk and time.monotonic() >= deadline):
                    os.kill(pid, signal.SIGKILL)
                    give_up(f"never saw {step[1]}", seen)
                seen += chunk
            position += match.end()
    deadline = time.monotonic() + 10
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0:
        if time.monotonic() >= deadline:
            os.kill(pid, signal.SIGKILL)
            give_up("the command does not end", seen)
        chunk = read_some(fd, deadline) if fd >= 0 else None
        if chunk is None:
            time.sleep(0.01)
        seen += chunk or b""
    while fd >= 0 and (chunk := read_some(fd, time.monotonic() + 0.1)):
        seen += chunk
    sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    sys.exit(os.waitstatus_to_exitcode(ended[1]) % 256)


main()
