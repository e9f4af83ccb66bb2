"""What the integration tests share: a server in a folder of its own, upstreams that can be told what to do, and counting.

A test file defines functions named test_*, and ends with `harness.main(globals())`; it is run as `FILE PATH-OF-THE-SERVER`.
"""
import contextlib
import inspect
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

HOST = "127.0.0.1"
BINARY = None
# A sanitizer keeps freed memory for a while, to see who uses it: how much there is says nothing then.
SANITIZED = bool(re.search("asan|tsan", " ".join(sys.argv)))


def free_port():
    """A port that is free for UDP and TCP now, and that no outgoing connection gets by chance: below the range of those."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as t, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as u:
            with contextlib.suppress(OSError):
                t.bind(("::", port))
                u.bind(("::", port))
                return port


def eventually(check, seconds=5.0, step=0.02):
    """What check() gives once it is true, or at the end whatever it gives then."""
    end = time.time() + seconds
    while True:
        try:
            got = check()
        except (OSError, dns.exception.DNSException):
            got = None
        if got or time.time() >= end:
            return got
        time.sleep(step)


class Server:
    """The server under test. In a Corefile @PORT@ is `self.port`, @DIR@ the folder, other @WORD@s free ports."""

    def __init__(self, corefile, files=None, args=(), start=True, env=None, preexec=None):
        self.dir = Path(tempfile.mkdtemp(prefix="isthmus-test-"))
        self.ports = {"PORT": free_port()}
        self.args, self.env, self.preexec = list(args), env or {}, preexec
        self.banners = None   # in the log before the start, when it is ours
        for name, text in (files or {}).items():
            self.write(name, text)
        self.write("Corefile", corefile)
        self.process = None
        if start:
            self.start()

    @property
    def port(self):
        return self.ports["PORT"]

    def expand(self, text):
        def value(found):
            word = found[1]
            if word == "DIR":
                return str(self.dir)
            if word not in self.ports:
                self.ports[word] = free_port()
            return str(self.ports[word])
        return re.sub(r"@([A-Z0-9]+)@", value, text)

    def write(self, name, text):
        """Writes a file at once (renamed into place), as a careful operator does."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(text if isinstance(text, bytes) else self.expand(text).encode())
        os.replace(fresh, path)

    def start(self, wait=True):
        self.banners = self.log().count("\nlinux/")
        with open(self.dir / "output", "ab") as output:
            self.process = subprocess.Popen([BINARY, "-conf", "Corefile", *self.args], cwd=self.dir, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=subprocess.STDOUT, env=dict(os.environ, **self.env), preexec_fn=self.preexec)
        if wait and not eventually(self.answers, 20):
            raise AssertionError("the server did not start:\n" + self.log())

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
        with socket.create_connection((HOST, self.port), 1):
            pass
        # TCP sockets are there before UDP ones: the banner comes when all of them are served.
        return "-quiet" in self.args or self.banners is None or self.log().count("\nlinux/") > self.banners

    def log(self):
        output = self.dir / "output"
        return output.read_text(errors="replace") if output.exists() else ""   # a test may have put it elsewhere

    def logged(self, pattern, seconds=5.0):
        """The match of a pattern in the log, waiting for it."""
        return eventually(lambda: re.search(pattern, self.log(), re.M), seconds)

    def ask(self, name, rdtype="A", tcp=False, timeout=3.0, port=None, message=None, **more):
        q = message or dns.message.make_query(name, rdtype, **more)
        ask = dns.query.tcp if tcp else dns.query.udp
        return ask(q, HOST, timeout=timeout, port=port or self.port)

    def http(self, path, word):
        """(status, text) of a page on the port of this word."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.ports[word]}{path}", timeout=5) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def metric(self, pattern, word="PROM"):
        """The sum of the values of the series whose line matches."""
        _, page = self.http("/metrics", word)
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if re.search(pattern, line) and not line.startswith("#"))

    def pids(self):
        """The process that was started, and its descendants."""
        out, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            out.append(pid)
            with contextlib.suppress(OSError):
                for task in os.listdir(f"/proc/{pid}/task"):
                    todo += [int(c) for c in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
        return out

    def serving_pid(self):
        """The process that answers: the supervisor's child, or the only one."""
        return self.pids()[-1]

    def rss(self):
        """Resident memory of all its processes in KiB."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError, TypeError):
                total += int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])
        return total

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=15):
        """Ends it; gives the exit code."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the server did not end on SIGTERM:\n" + self.log()) from None
        return self.process.returncode if self.process else None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            code = self.stop()
            text = self.log()
            if kind is None and re.search(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer", text):
                raise AssertionError("a sanitizer spoke:\n" + text)
            if kind is None and code not in (0, None, -signal.SIGKILL):
                raise AssertionError(f"the server ended with {code}:\n{text}")
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


class Upstream:
    """A scripted upstream on UDP and TCP: `answer(query, transport)` gives a message, bytes, a list of them, or None."""

    def __init__(self, answer, port=None):
        self.answer, self.port = answer, port or free_port()
        self.seen = []
        self.sockets, self.running = [], False
        self.up()

    def up(self):
        self.running = True
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for s in (udp, tcp):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((HOST, self.port))
        tcp.listen(64)
        self.sockets = [udp, tcp]
        for target, s in ((self._udp, udp), (self._tcp, tcp)):
            threading.Thread(target=target, args=(s,), daemon=True).start()

    def down(self):
        self.running = False
        for s in self.sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def _replies(self, wire, transport):
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return []
        self.seen.append(query)
        got = self.answer(query, transport)
        got = got if isinstance(got, list) else [] if got is None else [got]
        return [m if isinstance(m, bytes) else m.to_wire(max_size=65535) for m in got]

    def _udp(self, s):
        def handle(wire, peer):
            for reply in self._replies(wire, "udp"):
                with contextlib.suppress(OSError):
                    s.sendto(reply, peer)
        while self.running:
            try:
                wire, peer = s.recvfrom(65535)
            except OSError:
                return
            threading.Thread(target=handle, args=(wire, peer), daemon=True).start()

    def _tcp(self, s):
        def serve(c):
            with c, contextlib.suppress(OSError):
                f = c.makefile("rb")
                while self.running:
                    head = f.read(2)
                    if len(head) < 2:
                        return
                    wire = f.read(int.from_bytes(head, "big"))
                    for reply in self._replies(wire, "tcp"):
                        c.sendall(len(reply).to_bytes(2, "big") + reply)
        while self.running:
            try:
                c, _ = s.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(c,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()


def reply_to(query, *records, rcode="NOERROR", flags=dns.flags.AA | dns.flags.RA):
    """A reply with these records ("OWNER TTL TYPE DATA") in its answer section."""
    r = dns.message.make_response(query)
    r.flags |= flags
    r.set_rcode(dns.rcode.from_text(rcode))
    for record in records:
        owner, ttl, rdtype, data = record.split(None, 3)
        r.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", rdtype, data))
    return r


def addresses(reply):
    """The texts of all records of the answer section, sorted."""
    return sorted(rdata.to_text() for rrset in reply.answer for rdata in rrset)


def main(names):
    """Runs the test_* functions of a file, those named on the command line or all of them."""
    global BINARY
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} SERVER [TEST...]")
    BINARY = os.path.abspath(sys.argv[1])
    tests = {n: f for n, f in names.items() if n.startswith("test_") and inspect.isfunction(f)}
    passed = failed = 0
    for name, test in tests.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        try:
            test()
            passed += 1
        except Exception:  # a test that fails must not hide the others
            failed += 1
            print(f"FAILED {name}")
            traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
