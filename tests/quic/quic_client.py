"""The QUIC client (main.c here) as the tests use it: Client is the program, Connection one connection of it."""
import os
import select
import subprocess
import time
from pathlib import Path


def program(server):
    """The client that was built with this server; the environment variable QUIC_CLIENT names another."""
    return os.environ.get("QUIC_CLIENT") or str(Path(server).resolve().parent / "../../tests/quic_client")


class Connection:
    def __init__(self, client, number):
        self.client, self.number = client, number
        self.state = "connecting"          # open, closed, failed
        self.closed = None                 # the code that the server closed it with
        self.by = self.why = None          # "application" or "transport"; what failed
        self.resumed = self.retried = False
        self.stream = None                 # the one that was opened last
        self.data, self.ended, self.fields = {}, {}, {}
        self.rekeyed = self.loaded = None
        self.goaway = None                 # requests from this stream on are not answered

    def send(self, octets, fin=True):
        """Opens a stream and sends octets on it; its id, -1 if the server allows no more."""
        self.stream = None
        self.client.tell("send", self.number, octets.hex(), "fin" if fin else "nofin")
        self.client.until(lambda: self.stream is not None or self.state != "open", 5)
        return self.stream

    def more(self, stream, octets, fin=True):
        self.client.tell("more", self.number, stream, octets.hex(), "fin" if fin else "nofin")

    def request(self, fields, body=b""):
        self.stream = None
        self.client.tell("request", self.number, body.hex(), *(f"{k}={v}" for k, v in fields))
        self.client.until(lambda: self.stream is not None or self.state != "open", 5)
        return self.stream

    def load(self, octets, count, window):
        """Asks so often, a window of queries at once: the answers are not looked at. `loaded` is (count, seconds) at the end."""
        self.loaded = None
        self.client.tell("load", self.number, octets.hex(), count, window)

    def reset(self, stream, code):
        self.client.tell("reset", self.number, stream, code)

    def stop(self, stream, code):
        self.client.tell("stop", self.number, stream, code)

    def rekey(self):
        self.client.tell("rekey", self.number)

    def rebind(self):
        self.client.tell("rebind", self.number)

    def mute(self):
        self.client.tell("mute", self.number)

    def close(self):
        self.client.tell("close", self.number)

    def wait(self, done, timeout):
        return self.client.until(lambda: done(self), timeout)

    def event(self, what, rest):
        words = rest.split("\t" if what == "field" else " ")
        if what == "open":
            self.state, self.resumed = "open", words[0] == "resumed"
        elif what == "closed":
            self.state, self.closed, self.by = "closed", int(words[0], 16), words[1]
        elif what == "failed":
            self.state, self.why = "failed", rest
        elif what == "retry":
            self.retried = True
        elif what == "rekey":
            self.rekeyed = rest
        elif what == "goaway":
            self.goaway = int(words[0])
        elif what == "loaded":
            self.loaded = int(words[0]), float(words[1])
        elif what == "stream":
            self.stream = int(words[0])
        elif what == "data":
            self.data[int(words[0])] = self.data.get(int(words[0]), b"") + bytes.fromhex(words[1])
        elif what == "end":
            self.ended[int(words[0])] = "stream ended"
        elif what == "reset":
            self.ended[int(words[0])] = f"stream reset {int(words[1], 16):#x}"
        elif what == "stopped":
            self.ended.setdefault(int(words[0]), f"stream stopped {int(words[1], 16):#x}")
        elif what == "field":
            self.fields.setdefault(int(words[0]), {})[words[1]] = words[2]


class Client:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.connections, self.rest, self.counts = [], b"", None

    def tell(self, *words):
        while self.take(0):                # neither side may wait for the other to read
            pass
        self.process.stdin.write(("\t".join(map(str, words)) + "\n").encode())

    def take(self, timeout):
        """Takes what the program says next; False if it says nothing in time."""
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            return False
        got = os.read(self.process.stdout.fileno(), 1 << 16)
        *lines, self.rest = (self.rest + got).split(b"\n")
        for line in lines:
            number, _, event = line.decode().partition(" ")
            if number == "count":
                self.counts = tuple(map(int, event.split()))
            else:
                self.connections[int(number)].event(*(event.split(" ", 1) + [""])[:2])
        return bool(got)

    def begin(self, port, **options):
        """A connection, not waited for: alpn, name, verify, cert, key, prefix, resume (a Connection); mute=True."""
        if "resume" in options:
            options["resume"] = str(options["resume"].number)
        mute = options.pop("mute", False)
        self.connections.append(Connection(self, len(self.connections)))
        self.tell("connect", port, *(f"{k}={v}" for k, v in options.items() if v is not None), *(["mute"] if mute else []))
        return self.connections[-1]

    def connect(self, port, timeout=5, **options):
        c = self.begin(port, **options)
        self.until(lambda: c.state != "connecting", timeout)
        return c

    def count(self):
        """(octets sent, octets received, Retry packets) of all connections."""
        self.counts = None
        self.tell("count")
        self.until(lambda: self.counts, 5)
        return self.counts

    def until(self, done, timeout):
        """Takes what the program says until done() or the time is over; whether done()."""
        deadline = time.monotonic() + timeout
        while not done():
            if not self.take(max(0, deadline - time.monotonic())):
                return bool(done())
        return True

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
