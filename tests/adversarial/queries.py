"""DNS messages made by hand, for what no resolver sends. Imported by the tests' own lines of Python."""
import socket
import struct

SERVER = ("9.9.9.9", 53)  # whoever: the gate answers


def labels(*parts):
    """A name on the wire, each part a label of any bytes."""
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def name(text):
    return labels(*(part.encode("latin-1") for part in text.rstrip(".").split(".")))


def query(wire, qtype=1, number=0x1234, counts=(1, 0, 0, 0), tail=b"", flags=0x100):
    return struct.pack("!6H", number, flags, *counts) + wire + struct.pack("!2H", qtype, 1) + tail


def ask(message, seconds=2):
    """The answer to a datagram, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        sock.connect(SERVER)
        sock.send(message)
        try:
            return sock.recv(65535)
        except OSError:
            return None


def ask_stream(data, seconds=2):
    """What comes back on a connection until its end, or None when it is reset or silent."""
    with socket.create_connection(SERVER, timeout=seconds) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := sock.recv(65536):
                answer += chunk
            return answer
        except OSError:
            return None


def rcode(answer):
    names = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
    return "none" if answer is None else names.get(answer[3] & 15, str(answer[3] & 15))


def count(answer):
    return 0 if answer is None else struct.unpack("!H", answer[6:8])[0]


def address(answer):
    """The address at the end of an answer with one A record and nothing behind it."""
    return socket.inet_ntoa(answer[-4:])
