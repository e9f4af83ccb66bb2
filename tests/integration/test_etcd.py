#!/usr/bin/python3
"""The plugin `etcd` with a real etcd, and what befalls that."""
import time

import certificates
import harness
from etcd import Etcd, installed
from harness import Server, addresses, eventually

COREFILE = """skydns.test:@PORT@ {
    errors
    reload 2s
    etcd {
        endpoint %s
        %s
    }
}
"""


def served(etcd, options="", endpoints=None, **more):
    return Server(COREFILE % (endpoints or etcd.url, options), **more)


def has(server, name, *expected, rdtype="A"):
    return eventually(lambda: addresses(server.ask(name + ".skydns.test", rdtype)) == sorted(expected), 20)


def lacks(server, name):
    return eventually(lambda: server.ask(name + ".skydns.test").rcode() == 3, 20)


def host(address, **more):
    return {"host": address, **more}


def test_changes_are_followed_at_once():
    with Etcd() as etcd, served(etcd) as server:
        etcd.put("/skydns/test/skydns/x", host("192.0.2.1"))
        assert has(server, "x", "192.0.2.1")
        times = []
        for i in range(2, 22):
            began = time.time()
            etcd.put("/skydns/test/skydns/x", host(f"192.0.2.{i}"))
            assert eventually(lambda: addresses(server.ask("x.skydns.test")) == [f"192.0.2.{i}"], 5, 0.001)
            times.append(time.time() - began)
        assert sorted(times)[len(times) // 2] < 0.1, times
        etcd.delete("/skydns/test/skydns/x")
        assert lacks(server, "x")


def test_an_etcd_that_is_killed_changes_no_answer():
    with Etcd() as etcd, served(etcd) as server:
        etcd.put("/skydns/test/skydns/x", host("192.0.2.1"))
        assert has(server, "x", "192.0.2.1")
        etcd.kill()
        for _ in range(100):
            assert addresses(server.ask("x.skydns.test")) == ["192.0.2.1"]
            assert server.ask("none.skydns.test").rcode() == 3
        assert server.logged(r"cannot follow the keys of /skydns/")
        etcd.up()
        etcd.put("/skydns/test/skydns/y", host("192.0.2.2"))
        assert has(server, "y", "192.0.2.2")
        assert has(server, "x", "192.0.2.1")
        assert server.logged(r"follows the keys of /skydns/ again")


def test_a_reload_while_etcd_is_away_keeps_what_is_known():
    with Etcd() as etcd, served(etcd) as server:
        etcd.put("/skydns/test/skydns/x", host("192.0.2.1"))
        assert has(server, "x", "192.0.2.1")
        etcd.kill()
        server.write("Corefile", COREFILE % (etcd.url, "fallthrough nowhere.test"))
        assert server.logged(r"Reloading complete", 15)
        assert addresses(server.ask("x.skydns.test")) == ["192.0.2.1"]
        etcd.up()
        etcd.put("/skydns/test/skydns/x", host("192.0.2.2"))
        assert has(server, "x", "192.0.2.2")


def test_a_start_without_etcd_begins_with_what_the_disk_has():
    with Etcd() as etcd:
        etcd.put("/skydns/test/skydns/x", host("192.0.2.1", port=80, ttl=60, group="g", priority=3), etcd.grant(1000))
        etcd.put("/skydns/test/skydns/t", {"text": "some text", "ttl": 60})
        with served(etcd, "persist @DIR@/state") as server:
            assert has(server, "x", "192.0.2.1")
            assert eventually(lambda: (server.dir / "state").exists(), 10)
            srv = server.ask("x.skydns.test", "SRV").answer[0].to_text()
            server.stop()
            etcd.kill()
            server.start()
            assert addresses(server.ask("x.skydns.test")) == ["192.0.2.1"] and server.ask("none.skydns.test").rcode() == 3
            assert addresses(server.ask("t.skydns.test", "TXT")) == ['"some text"']
            assert server.ask("x.skydns.test", "SRV").answer[0].to_text().split()[2:] == srv.split()[2:]
            assert server.logged("serving the keys of /skydns/ from")
            etcd.up()
            etcd.put("/skydns/test/skydns/x", host("192.0.2.2"))
            etcd.delete("/skydns/test/skydns/t")
            assert has(server, "x", "192.0.2.2") and lacks(server, "t")
            server.stop()
            etcd.kill()
            data = bytearray((server.dir / "state").read_bytes())
            data[len(data) // 2] ^= 4
            (server.dir / "state").write_bytes(data)
            server.start()
            assert server.logged("the state on disk is not used") and server.ask("x.skydns.test").rcode() == 2


def test_it_starts_without_etcd():
    with Etcd() as etcd:
        etcd.kill()
        with served(etcd) as server:
            reply = server.ask("x.skydns.test")
            assert reply.rcode() == 2 and reply.authority, reply
            etcd.up()
            etcd.put("/skydns/test/skydns/x", host("192.0.2.1"))
            assert has(server, "x", "192.0.2.1")


def test_history_that_is_compacted_is_listed_anew():
    with Etcd() as etcd, served(etcd) as server:
        etcd.put_all((f"/skydns/test/skydns/x{i}", '{"host":"192.0.2.1"}') for i in range(50))
        assert has(server, "x49", "192.0.2.1")
        etcd.kill()
        etcd.up()
        # While the server waits to come back: changes, and the history of them forgotten.
        etcd.delete("/skydns/test/skydns/x7")
        etcd.put("/skydns/test/skydns/x8", host("192.0.2.8"))
        etcd.compact()
        assert lacks(server, "x7")
        assert has(server, "x8", "192.0.2.8") and has(server, "x49", "192.0.2.1")


def test_a_store_that_was_emptied_is_seen_to_be_another():
    with Etcd() as etcd, served(etcd) as server:
        for i in range(20):
            etcd.put("/skydns/test/skydns/x", host(f"192.0.2.{i}"))
        assert has(server, "x", "192.0.2.19")
        etcd.kill()
        etcd.wipe()
        etcd.up()
        assert lacks(server, "x")
        etcd.put("/skydns/test/skydns/y", host("192.0.2.1"))
        assert has(server, "y", "192.0.2.1")


def test_broken_records_harm_no_others():
    with Etcd() as etcd, served(etcd) as server:
        etcd.put("/skydns/test/skydns/x/good", host("192.0.2.1"))
        for i, text in enumerate(['{"host":', "[]", '{"host":"a","port":"80"}', '{"ttl":-1}', '{"ttl":4294967296}', "", '{"port":80.5}', '{} {}', "nil"]):
            etcd.put(f"/skydns/test/skydns/x/bad{i}", text)
            assert server.logged(rf"the record of the key /skydns/test/skydns/x/bad{i} is left out")
            assert eventually(lambda: server.ask(f"bad{i}.x.skydns.test").rcode() == 2)
        etcd.put("/skydns/test/skydns/x/null", "null")
        etcd.put("/skydns/" + "k" * 5000, host("192.0.2.9"))
        assert has(server, "x", "192.0.2.1")


def test_leases_that_are_renewed_keep_their_ttl():
    with Etcd() as etcd, served(etcd, "min-lease-ttl 1s") as server:
        lease = etcd.grant(15)
        etcd.put("/skydns/test/skydns/x", host("192.0.2.1"), lease)
        assert has(server, "x", "192.0.2.1")
        ttl = lambda: server.ask("x.skydns.test").answer[0].ttl
        assert eventually(lambda: 12 <= ttl() <= 15), ttl()
        for _ in range(20):
            time.sleep(1)
            etcd.keep(lease)
            assert 8 <= ttl() <= 15, ttl()
        assert eventually(lambda: server.ask("x.skydns.test").rcode() == 3, 25, 0.2)


def test_tls_with_a_client_certificate():
    ca = certificates.Authority()
    server_pair, client = ca.issue("127.0.0.1", "localhost"), ca.issue("client", client=True)
    with Etcd() as plain:
        folder = plain.dir / "pki"
        folder.mkdir()
        files = {"ca.pem": ca.alone, "server.pem": server_pair.pem, "server.key": server_pair.key, "client.pem": client.pem, "client.key": client.key}
        for name, text in files.items():
            (folder / name).write_text(text)
        plain.put("/skydns/test/skydns/x", host("192.0.2.1"))
        plain.kill()
        plain.scheme = "https"
        plain.args = ["--cert-file", str(folder / "server.pem"), "--key-file", str(folder / "server.key"), "--client-cert-auth",
                      "--trusted-ca-file", str(folder / "ca.pem")]
        plain.up(wait=False)
        with served(plain, f"tls {folder}/client.pem {folder}/client.key {folder}/ca.pem") as server:
            assert has(server, "x", "192.0.2.1")
            # without a scheme: https, since there is `tls`
            with served(plain, f"tls {folder}/client.pem {folder}/client.key {folder}/ca.pem",
                        endpoints=f"127.0.0.1:{plain.port}") as other:
                assert has(other, "x", "192.0.2.1")
            with served(plain, f"tls {folder}/ca.pem") as without:
                assert without.ask("x.skydns.test").rcode() == 2
            with served(plain, f"tls {folder}/client.pem {folder}/client.key") as untrusting:
                assert untrusting.ask("x.skydns.test").rcode() == 2
                assert untrusting.logged("cannot follow the keys")


def test_users_and_tokens():
    with Etcd() as etcd:
        etcd.put("/skydns/test/skydns/x", host("192.0.2.1"))
        with served(etcd, "credentials dns sesame-4711") as server:   # before there is any authentication
            assert has(server, "x", "192.0.2.1")
            etcd.enable_auth("dns", "sesame-4711")
            etcd.put("/skydns/test/skydns/y", host("192.0.2.2"))
            assert has(server, "y", "192.0.2.2")
            etcd.kill()   # it forgets its tokens
            etcd.up(wait=False)
            assert eventually(lambda: etcd.login("sesame-4711") or True, 20, 0.2)
            etcd.put("/skydns/test/skydns/z", host("192.0.2.3"))
            assert has(server, "z", "192.0.2.3")
            assert "sesame" not in server.log()
        with served(etcd, "credentials dns wrong-0815") as server:
            assert server.ask("x.skydns.test").rcode() == 2
            assert server.logged("authentication failed") and "wrong-0815" not in server.log()


def test_another_member_is_asked_when_one_is_gone():
    """Two etcds with the same keys stand in for members of a cluster: what counts is who is asked."""
    with Etcd() as one, Etcd() as two:
        for e in (one, two):
            e.put("/skydns/test/skydns/x", host("192.0.2.1"))
        with served(one, endpoints=f"{one.url} {two.url}") as server:
            assert has(server, "x", "192.0.2.1")
            one.kill()
            two.put("/skydns/test/skydns/y", host("192.0.2.2"))
            assert has(server, "y", "192.0.2.2")
            assert has(server, "x", "192.0.2.1")


def test_live_asks_etcd_with_each_query():
    with Etcd() as etcd, served(etcd, "live") as server:
        etcd.put("/skydns/test/skydns/x/a", host("192.0.2.1", ttl=60))
        etcd.put("/skydns/test/skydns/x/b", host("192.0.2.2"), etcd.grant(100))
        assert addresses(server.ask("x.skydns.test")) == ["192.0.2.1", "192.0.2.2"]
        ttls = sorted(r.ttl for r in server.ask("x.skydns.test").answer)
        etcd.delete("/skydns/test/skydns/x/a")
        reply = server.ask("x.skydns.test")
        assert addresses(reply) == ["192.0.2.2"] and 90 <= reply.answer[0].ttl <= 100, (reply, ttls)
        assert server.ask("none.skydns.test").rcode() == 3
        etcd.kill()
        assert server.ask("x.skydns.test", timeout=8).rcode() == 2
        assert server.logged(r"plugin/errors: \d x\.skydns\.test\. A: ")
        etcd.up()
        assert has(server, "x", "192.0.2.2")


def test_a_hundred_thousand_keys():
    with Etcd() as etcd:
        etcd.put_all((f"/skydns/test/skydns/n{i % 100}/x{i}", '{"host":"10.%d.%d.%d"}' % (i >> 16, i >> 8 & 255, i & 255)) for i in range(100000))
        with served(etcd) as server:
            assert has(server, "x99999.n99", "10.1.134.159")
            reply = server.ask("n5.skydns.test", tcp=True)
            assert sum(len(r) for r in reply.answer) == 1000
            assert server.ask("skydns.test", tcp=True, timeout=5).rcode() == 0
            before = server.rss()
            for i in range(500):
                etcd.put("/skydns/test/skydns/n1/x1", host(f"192.0.2.{i % 256}"))
            assert has(server, "x1.n1", "192.0.2.243")
            if not harness.SANITIZED:
                assert before < 90 << 10, before
                assert server.rss() < before + (16 << 10), (before, server.rss())


if __name__ == "__main__":
    if not installed():
        print("etcd is not installed: nothing was tested\n0 passed, 0 failed")
    else:
        harness.main(globals())
