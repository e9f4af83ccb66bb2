"""Zones from files: loading, following changes, and what must never replace a good zone."""
import os
import threading
import time

import dns.exception
import dns.flags
import dns.rcode

import differential
import harness
from harness import Server, addresses, eventually

FILE = """
example.org:@PORT@ {
    bind 127.0.0.1
    errors
    file db.example.org {
        reload 200ms
    }
}
"""
AUTO = """
.:@PORT@ {
    bind 127.0.0.1
    errors
    auto {
        directory zones
        reload 200ms
    }
}
"""


def zone(serial, address, *more):
    return "\n".join((f"@ 60 IN SOA ns1 h {serial} 7200 3600 1209600 300", "@ 60 IN NS ns1", f"www 60 IN A {address}", *more)) + "\n"


def answer(server, name="www.example.org"):
    return addresses(server.ask(name))


def test_a_new_serial_is_taken():
    with Server(FILE, {"db.example.org": zone(1, "192.0.2.1")}) as s:
        assert answer(s) == ["192.0.2.1"]
        s.write("db.example.org", zone(2, "192.0.2.2"))
        assert eventually(lambda: answer(s) == ["192.0.2.2"]), s.log()
        s.write("db.example.org", zone(1, "192.0.2.3"))
        assert eventually(lambda: answer(s) == ["192.0.2.3"]), "equality decides, not order: " + s.log()
        assert s.logged(r'^\[INFO\] plugin/file: Successfully reloaded zone "example.org." in "db.example.org" with 1 SOA serial$'), s.log()


def test_the_same_serial_is_not():
    with Server(FILE, {"db.example.org": zone(1, "192.0.2.1")}) as s:
        time.sleep(0.5)
        s.write("db.example.org", zone(1, "192.0.2.2"))
        time.sleep(1)
        assert answer(s) == ["192.0.2.1"], s.log()


def test_by_mtime_the_serial_does_not_matter():
    with Server(FILE.replace("reload 200ms", "reload 200ms\n        reload_by_mtime"), {"db.example.org": zone(0, "192.0.2.1")}) as s:
        assert answer(s) == ["192.0.2.1"]
        time.sleep(0.5)
        s.write("db.example.org", zone(0, "192.0.2.2"))
        assert eventually(lambda: answer(s) == ["192.0.2.2"]), s.log()
        time.sleep(0.5)
        assert s.log().count("Successfully reloaded") == 1, s.log()


def test_a_broken_file_never_replaces_a_good_zone():
    broken = [zone(2, "999.0.2.1"), "", "www 60 IN A 192.0.2.1\n", zone(2, "192.0.2.1", '"'), zone(2, "192.0.2.1", "a CNAME"), "\0" * 1000,
              zone(2, "192.0.2.1", "$INCLUDE nowhere")]
    with Server(FILE, {"db.example.org": zone(1, "192.0.2.1")}) as s:
        for number, text in enumerate(broken):
            s.write("db.example.org", text)
            assert eventually(lambda n=number: s.log().count("[ERROR] plugin/file: ") == n + 1), (text, s.log())
            assert answer(s) == ["192.0.2.1"]
        (s.dir / "db.example.org").unlink()
        assert s.logged(r'Failed to open zone "example.org." in "db.example.org": open db.example.org: no such file or directory'), s.log()
        assert answer(s) == ["192.0.2.1"]
        s.write("db.example.org", zone(2, "192.0.2.2"))
        assert eventually(lambda: answer(s) == ["192.0.2.2"]), s.log()


def test_a_half_written_file_is_not_the_zone():
    """An editor that writes in place, slowly: the new serial is there long before the last record."""
    with Server(FILE, {"db.example.org": zone(1, "192.0.2.1", "last A 192.0.2.1")}) as s:
        assert answer(s, "last.example.org") == ["192.0.2.1"]
        done = threading.Event()
        missing = []

        def watch():
            while not done.is_set():
                if answer(s, "last.example.org") == []:
                    missing.append(time.time())
        watcher = threading.Thread(target=watch)
        watcher.start()
        lines = zone(2, "192.0.2.2", *(f"h{i} A 192.0.2.9" for i in range(20)), "last A 192.0.2.2").splitlines(keepends=True)
        with open(s.dir / "db.example.org", "w", encoding="ascii") as f:
            for line in lines:
                f.write(line)
                f.flush()
                time.sleep(0.05)
        took = eventually(lambda: answer(s, "last.example.org") == ["192.0.2.2"])
        done.set()
        watcher.join()
        assert took, s.log()
        assert not missing, "half of the file was served:\n" + s.log()


def test_a_change_in_two_steps_is_one_change():
    """The second half of a file may come when the first has been taken: its serial has not changed since."""
    with Server(FILE, {"db.example.org": zone(1, "192.0.2.1")}) as s:
        s.write("db.example.org", zone(2, "192.0.2.2"))
        assert eventually(lambda: answer(s) == ["192.0.2.2"]), s.log()
        s.write("db.example.org", zone(2, "192.0.2.3"))
        assert eventually(lambda: answer(s) == ["192.0.2.3"]), s.log()


def test_a_missing_file_is_waited_for():
    with Server(FILE) as s:
        assert s.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        assert s.logged(r'Failed to open "open db.example.org: no such file or directory": trying again in 200ms'), s.log()
        s.write("db.example.org", zone(1, "192.0.2.1"))
        assert eventually(lambda: answer(s) == ["192.0.2.1"]), s.log()


def test_queries_go_on_while_zones_change():
    with Server(FILE, {"db.example.org": zone(1, "192.0.2.1")}) as s:
        done = threading.Event()
        seen, wrong = set(), []

        def ask():
            while not done.is_set():
                try:
                    got = answer(s)
                except dns.exception.DNSException as e:
                    got = [repr(e), s.log()]
                seen.update(got)
                if len(got) != 1:
                    wrong.append(got)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for serial in range(2, 12):
            s.write("db.example.org", zone(serial, f"192.0.2.{serial}", *(f"h{i} A 192.0.2.9" for i in range(2000))))
            assert eventually(lambda n=serial: f"192.0.2.{n}" in seen), s.log()
        done.set()
        for t in threads:
            t.join()
        assert not wrong, wrong[0]


def test_auto_finds_files_and_loses_them():
    with Server(AUTO, {"zones/db.example.org": zone(1, "192.0.2.1"), "zones/readme": "nothing\n"}) as s:
        assert answer(s) == ["192.0.2.1"]
        s.write("zones/sub/db.Example.NET", zone(1, "192.0.2.2"))
        assert eventually(lambda: answer(s, "www.example.net") == ["192.0.2.2"]), s.log()
        assert s.ask("www.example.net").flags & dns.flags.AA
        s.write("zones/db.example.org", zone(2, "192.0.2.3"))
        assert eventually(lambda: answer(s) == ["192.0.2.3"]), s.log()
        (s.dir / "zones/db.example.org").unlink()
        assert eventually(lambda: s.ask("www.example.org").rcode() == dns.rcode.REFUSED), s.log()
        assert s.logged(r"plugin/auto: Deleting zone `example.org.'"), s.log()
        assert answer(s, "www.example.net") == ["192.0.2.2"]


def test_metrics_know_the_zones_that_auto_found():
    with Server(AUTO.replace("errors", "errors\n    prometheus 127.0.0.1:@PROM@"), {"zones/db.example.org": zone(1, "192.0.2.1")}) as s:
        assert answer(s) == ["192.0.2.1"]
        s.ask("www.example.net")
        assert eventually(lambda: s.metric(r'coredns_dns_requests_total\{.*zone="example.org."') == 1), s.http("/metrics", "PROM")
        assert s.metric(r'coredns_dns_requests_total\{.*zone="\."') == 1, s.http("/metrics", "PROM")


def test_auto_keeps_zones_of_a_directory_that_cannot_be_read():
    with Server(AUTO, {"zones/db.example.org": zone(1, "192.0.2.1")}) as s:
        assert answer(s) == ["192.0.2.1"]
        os.rename(s.dir / "zones", s.dir / "elsewhere")
        assert s.logged(r"error reading zones"), s.log()
        time.sleep(0.5)
        assert answer(s) == ["192.0.2.1"], s.log()


def test_lookups_are_those_of_nsd_and_knot():
    passed, failed = differential.run("test", 16, 100)
    assert failed == 0 and passed == 1600


if __name__ == "__main__":
    harness.main(globals())
