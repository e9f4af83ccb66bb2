"""A real etcd for tests: Debian's etcd-server, over its JSON gateway."""
import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import harness


def installed():
    return shutil.which("etcd") is not None


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Etcd:
    """One member in a folder of its own; `up`, `kill` and `up` again keep what it has."""

    def __init__(self, args=(), scheme="http"):
        self.dir = Path(tempfile.mkdtemp(prefix="isthmus-test-etcd-"))
        self.port, self.peer = harness.free_port(), harness.free_port()
        self.args, self.scheme, self.process = list(args), scheme, None
        self.token = None
        self.up()

    @property
    def url(self):
        return f"{self.scheme}://{harness.HOST}:{self.port}"

    def up(self, wait=True):
        plain = f"http://{harness.HOST}:{self.port}" if self.scheme == "http" else self.url
        peer = f"http://{harness.HOST}:{self.peer}"
        with open(self.dir / "output", "ab") as output:
            self.process = subprocess.Popen(
                ["etcd", "--name", "one", "--data-dir", str(self.dir / "data"), "--listen-client-urls", plain, "--advertise-client-urls", plain,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"one={peer}", "--unsafe-no-fsync",
                 "--max-txn-ops", "5000", *self.args], stdout=output, stderr=output)
        if wait and self.scheme == "http" and not harness.eventually(lambda: self.call("maintenance/status"), 20, 0.1):
            raise AssertionError("etcd did not start:\n" + (self.dir / "output").read_text())

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wipe(self):
        shutil.rmtree(self.dir / "data")

    def call(self, what, **fields):
        headers = {"Authorization": self.token} if self.token else {}
        request = urllib.request.Request(f"{self.url}/v3/{what}", data=json.dumps(fields).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=5) as r:
            return json.load(r)

    def put(self, key, value, lease=None):
        value = value if isinstance(value, str) else json.dumps(value)
        self.call("kv/put", key=b64(key), value=b64(value), **({"lease": lease} if lease else {}))

    def put_all(self, pairs, at_once=5000):
        """Many keys, in transactions."""
        pairs = list(pairs)
        for i in range(0, len(pairs), at_once):
            self.call("kv/txn", success=[{"requestPut": {"key": b64(k), "value": b64(v)}} for k, v in pairs[i:i + at_once]])

    def delete(self, key):
        self.call("kv/deleterange", key=b64(key))

    def delete_all(self):
        self.call("kv/deleterange", key=b64("/"), range_end=b64("0"))

    def grant(self, seconds):
        return self.call("lease/grant", TTL=str(seconds))["ID"]

    def keep(self, lease):
        self.call("lease/keepalive", ID=lease)

    def revision(self):
        return int(self.call("kv/range", key=b64("/"))["header"]["revision"])

    def compact(self):
        self.call("kv/compaction", revision=str(self.revision()), physical=True)

    def enable_auth(self, user, password):
        """`user` may do all; calls from here on are made as that user."""
        self.call("auth/user/add", name="root", password=password)
        self.call("auth/user/grant", user="root", role="root")
        if user != "root":
            self.call("auth/user/add", name=user, password=password)
            self.call("auth/role/add", name="dns")
            self.call("auth/role/grant", name="dns", perm={"permType": "READ", "key": b64("/skydns/"), "range_end": b64("/skydns0")})
            self.call("auth/user/grant", user=user, role="dns")
        self.call("auth/enable")
        self.login(password)

    def login(self, password):
        self.token = None
        self.token = self.call("auth/authenticate", name="root", password=password)["token"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
