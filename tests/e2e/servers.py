"""Small servers for the tests: servers.py KIND PORT --log FILE [...]

Listens on every address, IPv4 and IPv6, and writes a line to descriptor 3 once it does. Every
connection, request or datagram becomes one JSON line in the log, so that a test can say what
arrived and, more often, that nothing did.

http, https  GET /hello        "hello from HOST"
             GET /bytes/N      N bytes of a known pattern
             GET /headers      the request's headers as JSON
             PUT, POST         "BYTES SHA256" of the body
banner       speaks first, as SSH, SMTP and MySQL servers do: a line, then echoes
echo         sends back what it gets, until end of stream
sink         reads to the end of stream, then answers "BYTES SHA256"
source       sends --bytes N of the pattern, then closes
udp          keeps datagrams
"""

import argparse
import hashlib
import http.server
import json
import os
import re
import socket
import socketserver
import ssl
import sys
import threading

PATTERN = bytes(range(251)) * 261  # prime period: a shifted or repeated block is a different sum
log_lock = threading.Lock()


def record(args, **fields):
    with log_lock:
        args.log.write(json.dumps(fields) + "\n")
        args.log.flush()


def pattern(count):
    while count > 0:
        chunk = PATTERN[:count]
        yield chunk
        count -= len(chunk)


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, kind="text/plain"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def note(self):
        record(self.server.args, peer=self.client_address[0], method=self.command,
               path=self.path, host=self.headers.get("Host"))

    def do_GET(self):
        self.note()
        if self.path.startswith("/bytes/"):
            count = int(self.path.split("/")[2])
            self.send_response(200)
            self.send_header("Content-Length", str(count))
            self.end_headers()
            for chunk in pattern(count):
                self.wfile.write(chunk)
        elif self.path == "/headers":
            self.answer(json.dumps(dict(self.headers)).encode(), "application/json")
        else:
            name = re.sub(r":\d+$", "", self.headers.get("Host") or "")
            self.answer(f"hello from {name}\n".encode())

    do_HEAD = do_GET

    def do_POST(self):
        self.note()
        left, count, digest = int(self.headers.get("Content-Length", 0)), 0, hashlib.sha256()
        while left > count:
            chunk = self.rfile.read(min(65536, left - count))
            if not chunk:
                break
            digest.update(chunk)
            count += len(chunk)
        self.answer(f"{count} {digest.hexdigest()}\n".encode())

    do_PUT = do_POST

    def log_message(self, *_args):
        pass


class Stream(socketserver.BaseRequestHandler):
    def handle(self):
        args, sock = self.server.args, self.request
        record(args, peer=self.client_address[0])
        if args.kind == "source":
            for chunk in pattern(args.bytes):
                sock.sendall(chunk)
            return
        if args.kind == "banner":
            sock.sendall(args.banner.encode() + b"\r\n")
        count, digest = 0, hashlib.sha256()
        while chunk := sock.recv(65536):
            count += len(chunk)
            if args.kind == "sink":
                digest.update(chunk)
            else:
                sock.sendall(chunk)
        if args.kind == "sink":
            sock.sendall(f"{count} {digest.hexdigest()}\n".encode())


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6 if socket.has_ipv6 else socket.AF_INET
    request_queue_size = 1024
    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)  # HTTPServer's would ask DNS for our name

    def finish_request(self, request, client_address):
        if self.args.kind == "https":
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        record(self.args, peer=client_address[0], error=repr(sys.exc_info()[1]))


def serve_udp(args, ready):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", args.port))
    ready()
    while True:
        data, peer = sock.recvfrom(65536)
        record(args, peer=peer[0], data=data.hex())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["http", "https", "banner", "echo", "sink", "source", "udp"])
    parser.add_argument("port", type=int)
    parser.add_argument("--log", type=argparse.FileType("a"), required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--bytes", type=int, default=1 << 20)
    parser.add_argument("--banner", default="SSH-2.0-nsgate_test")
    args = parser.parse_args()

    def ready():
        os.write(3, b"ready\n")
        os.close(3)

    if args.kind == "udp":
        serve_udp(args, ready)
    server = Server(("::" if socket.has_ipv6 else "0.0.0.0", args.port),
                    Web if args.kind in ("http", "https") else Stream)
    server.args = args
    if args.kind == "https":
        server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.tls.load_cert_chain(args.cert, args.key)
    ready()
    server.serve_forever()


main()
