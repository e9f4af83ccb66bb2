"""One server lists a cloud's zones for all that share an etcd (`lead`): counted at the cloud, while servers and etcd go."""
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))

import harness
from aws import SOA, Aws
from fakes import Etcd
from harness import HOST, Server, addresses, eventually

NS = ("@", "NS", 172800, ["ns-1.awsdns-1.org."])
MANY = [(f"h{n}", "A", 60, [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"]) for n in range(300)]


def zone(address):
    return [SOA, NS, ("www", "A", 60, [address]), *MANY]


@contextlib.contextmanager
def etcd():
    folder = Path(tempfile.mkdtemp(prefix="isthmus-etcd-"))
    server = Etcd("etcd", {}, folder)
    try:
        yield server
    finally:
        server.command(["down"], "")
        shutil.rmtree(folder)


def corefile(store, port_word="PORT", refresh="1s"):
    return (f"example.org:@{port_word}@ {{\n bind {HOST}\n errors\n prometheus {HOST}:@PROM@\n route53 example.org:Z1 {{\n refresh {refresh}\n"
            f" lead http://{store.address}\n }}\n}}\n")


def server(aws, store, **more):
    return Server(corefile(store), env=aws.env(), **more)


def answers(servers, address):
    return eventually(lambda: all(addresses(s.ask("www.example.org")) == [address] for s in servers), 30)


def leaders(servers):
    return [s for s in servers if (s.log().count("lists zones for all servers") > s.log().count("lists zones no longer"))]


def rate(aws, seconds=4.0):
    """Listings a second."""
    before = len(aws.listings())
    time.sleep(seconds)
    return (len(aws.listings()) - before) / seconds


def kill(s):
    """As a machine that loses its power: the supervisor and what it has started at once."""
    pids = s.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    s.process.wait()


def test_three_servers_cost_what_one_costs():
    with Aws({"Z1": zone("192.0.2.1")}) as aws, etcd() as store, contextlib.ExitStack() as stack:
        servers = [stack.enter_context(server(aws, store)) for _ in range(3)]
        assert answers(servers, "192.0.2.1")
        assert len(leaders(servers)) == 1 and 0.5 < rate(aws) < 1.5
        aws.zones["Z1"] = zone("192.0.2.2")
        assert answers(servers, "192.0.2.2"), [s.log() for s in servers]
        assert all(addresses(s.ask("h299.example.org")) == ["10.0.1.43"] for s in servers)

        # The one that leads is gone from one moment to the next.
        first = leaders(servers)[0]
        rest = [s for s in servers if s is not first]
        kill(first)
        aws.zones["Z1"] = zone("192.0.2.3")
        assert eventually(lambda: leaders(rest), 25), [s.log() for s in rest]
        assert answers(rest, "192.0.2.3") and len(leaders(rest)) == 1
        assert 0.5 < rate(aws) < 1.5

        # One that ends in order gives the lease back: another one leads at once.
        second = leaders(rest)[0]
        last = next(s for s in rest if s is not second)
        assert second.stop() == 0
        assert eventually(lambda: leaders([last]), 5), last.log()
        # One that comes back has the zone from etcd.
        first.start()
        assert addresses(first.ask("www.example.org")) == ["192.0.2.3"] and leaders([last])
        assert 0.5 < rate(aws) < 1.5


def test_without_etcd_what_is_there_is_served_and_a_server_without_anything_lists():
    with Aws({"Z1": zone("192.0.2.1")}) as aws, etcd() as store:
        with server(aws, store) as one, server(aws, store) as two:
            assert answers([one, two], "192.0.2.1")
            store.command(["down"], "")
            assert eventually(lambda: "lead: " in one.log() and "lead: " in two.log(), 20)
            assert answers([one, two], "192.0.2.1")
            with server(aws, store) as three:
                assert answers([three], "192.0.2.1")
            store.command(["up"], "")
            aws.zones["Z1"] = zone("192.0.2.5")
            assert answers([one, two], "192.0.2.5"), one.log() + two.log()
            assert eventually(lambda: len(leaders([one, two])) == 1, 20), one.log() + two.log()


def test_pieces_of_old_versions_are_deleted():
    with Aws({"Z1": zone("192.0.2.1")}) as aws, etcd() as store, server(aws, store) as s:
        for n in range(2, 6):
            aws.zones["Z1"] = zone(f"192.0.2.{n}")
            assert answers([s], f"192.0.2.{n}")
        keys = eventually(lambda: (lambda got: got if len(got) == 3 else None)(
            store.call("kv/range", key=Etcd.b64("/isthmus/"), range_end=Etcd.b64("/isthmus0"), keys_only=True)["kvs"]), 10)
        assert keys, "a leader, a head and one piece are what is left"


if __name__ == "__main__":
    harness.main(globals())
