"""An HTTP/2 client whose every frame a test has in hand, on top of the package h2, and frames as octets."""
import socket
import ssl
import struct
import time

import h2.config
import h2.connection
import h2.events

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def tls(host, port, ca, name, alpn="h2", timeout=5):
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols([alpn])
    return context.wrap_socket(socket.create_connection((host, port), timeout), server_hostname=name)


class Http2:
    def __init__(self, sock, window=None):
        self.sock, self.answers, self.done, self.reset, self.over = sock, {}, [], {}, None
        self.c = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        if window is not None:
            self.c.local_settings.initial_window_size = window
        self.c.initiate_connection()
        self.flush()

    def flush(self):
        self.sock.sendall(self.c.data_to_send())

    def get(self, path, method="GET"):
        """Begins a request; its stream."""
        stream = self.c.get_next_available_stream_id()
        self.c.send_headers(stream, [(":method", method), (":scheme", "https"), (":authority", "ns.test"), (":path", path)], end_stream=True)
        self.answers[stream] = [None, b""]
        self.flush()
        return stream

    def pump(self, until, seconds=5, takes=True):
        """Reads until until() or the time is over; whether until()."""
        end = time.time() + seconds
        while not until():
            left = end - time.time()
            if left <= 0 or self.over is not None:
                return False
            self.sock.settimeout(left)
            try:
                octets = self.sock.recv(65536)
            except TimeoutError:
                return False
            except OSError:
                octets = b""
            if not octets:
                self.over = "closed" if self.over is None else self.over
                return until()
            for e in self.c.receive_data(octets):
                self.event(e, takes)
            if takes:
                self.flush()
        return True

    def event(self, e, takes):
        if isinstance(e, h2.events.ResponseReceived):
            self.answers[e.stream_id][0] = int(dict(e.headers)[":status"])
        elif isinstance(e, h2.events.DataReceived):
            self.answers[e.stream_id][1] += e.data
            if takes:
                self.c.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
        elif isinstance(e, h2.events.StreamEnded):
            self.done.append(e.stream_id)
        elif isinstance(e, h2.events.StreamReset):
            self.reset[e.stream_id] = e.error_code
        elif isinstance(e, h2.events.ConnectionTerminated):
            self.over = e.error_code

    def fetch(self, path, **more):
        """(status, body) of one request; None when there is no answer."""
        stream = self.get(path, **more)
        return tuple(self.answers[stream]) if self.pump(lambda: stream in self.done) else None

    def close(self):
        self.sock.close()
