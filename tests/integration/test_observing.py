#!/usr/bin/python3
"""What operators see of the server: pages over HTTP, metrics, log lines; and that none of it can hold an answer up."""
import os
import re
import signal
import socket
import subprocess
import threading
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode

import harness
from harness import HOST, Server, eventually

ALL = """
.:@PORT@ {
    health 127.0.0.1:@HEALTH@
    ready 127.0.0.1:@READY@
    prometheus 127.0.0.1:@PROM@
    log
    errors
    whoami
}
"""


def test_pages_stay_through_reloads():
    """A health check that comes during a reload is answered, not refused."""
    with Server(ALL) as s:
        stop, bad = threading.Event(), []

        def check():
            while not stop.is_set():
                for word, path in (("HEALTH", "/health"), ("READY", "/ready"), ("PROM", "/metrics")):
                    try:
                        status, _ = s.http(path, word)
                        if status != 200:
                            bad.append(f"{path}: {status}")
                    except OSError as e:
                        bad.append(f"{path}: {e}")

        thread = threading.Thread(target=check)
        thread.start()
        for i in range(5):
            s.signal(signal.SIGUSR1)
            assert eventually(lambda: s.log().count("Reloading complete") == i + 1), s.log()
        stop.set()
        thread.join()
        assert not bad, bad


def test_pages_that_share_an_address():
    with Server(""".:@PORT@ {
        health 127.0.0.1:@ONE@
        ready localhost:@ONE@
        prometheus 127.0.0.1:@ONE@
        whoami
    }
    example.org:@PORT@ {
        prometheus 127.0.0.1:@ONE@
        ready 127.0.0.1:@ONE@
        whoami
    }
    """) as s:
        assert s.http("/health", "ONE") == (200, "OK")
        assert s.http("/ready", "ONE") == (200, "OK")
        s.ask("www.example.org")
        s.ask("www.example.com")
        page = s.http("/metrics", "ONE")[1]
        for zone in (".", "example.org."):
            assert f'coredns_plugin_enabled{{name="whoami",server="dns://:{s.port}",view="",zone="{zone}"}} 1\n' in page, page
            assert f'coredns_dns_responses_total{{plugin="whoami",rcode="NOERROR",server="dns://:{s.port}",view="",zone="{zone}"}} 1\n' in page, page


def test_address_in_use_fails_the_start():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        for plugin in ("health", "ready", "prometheus"):
            s = Server(f".:@PORT@ {{\n {plugin} 127.0.0.1:{port}\n whoami\n}}\n", start=False)
            s.start(wait=False)
            assert s.process.wait(10) == 1
            assert f"listen tcp 127.0.0.1:{port}: bind: address already in use" in s.log(), s.log()


def test_every_page_is_well_formed():
    """Each family is told once, before its series; nothing but known kinds and numbers."""
    with Server(ALL) as s:
        s.ask("www.example.org")
        page = s.http("/metrics", "PROM")[1]
        families, current = set(), None
        for line in page.splitlines():
            told = re.fullmatch(r"# (HELP|TYPE) (\w+) (.+)", line)
            if told:
                if told[1] == "HELP":
                    assert told[2] not in families, line
                    families.add(told[2])
                    current = told[2]
                else:
                    assert told[2] == current and told[3] in ("counter", "gauge", "histogram"), line
                continue
            series = re.fullmatch(r'(\w+?)(_bucket|_sum|_count)?(\{(\w+="(\\.|[^"\\])*",?)+\})? (\S+)', line)
            assert series and (series[1] == current or series[1] + (series[2] or "") == current), line
            float(series[6])
        for name in ("process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_resident_memory_bytes",
                     "process_virtual_memory_bytes", "process_start_time_seconds", "coredns_build_info", "coredns_panics_total"):
            assert name in families, name
        assert abs(s.metric("^process_start_time_seconds") - time.time()) < 120
        assert 1e6 < s.metric("^process_resident_memory_bytes") < 1e9
        assert 5 < s.metric("^process_open_fds") < 500


def test_own_replies_are_counted():
    with Server("example.org:@PORT@ {\n prometheus 127.0.0.1:@PROM@\n whoami\n}\n") as s:
        assert s.ask("www.example.com").rcode() == dns.rcode.REFUSED
        assert s.ask("www.example.com", rdclass="CH", rdtype="TXT").rcode() == dns.rcode.REFUSED
        assert s.metric('^coredns_dns_responses_total.*rcode="REFUSED".*zone="dropped"') == 2
        assert s.metric('^coredns_dns_requests_total.*type="TXT".*zone="dropped"') == 1


def test_slow_clients_of_the_pages():
    """A hundred connections that say nothing neither fill the server nor keep a health check waiting."""
    with Server(ALL) as s:
        idle = []
        for _ in range(100):
            c = socket.create_connection((HOST, s.ports["HEALTH"]), 5)
            c.send(b"GET /hea")
            idle.append(c)
        began = time.time()
        assert s.http("/health", "HEALTH") == (200, "OK")
        assert time.time() - began < 2
        for c in idle:
            c.settimeout(8)
            assert c.recv(1) == b""
            c.close()
        assert s.ask("x.example").rcode() == dns.rcode.NOERROR


def test_health_checks_itself():
    with Server(ALL) as s:
        assert eventually(lambda: s.metric("^coredns_health_request_duration_seconds_count") >= 1)
        assert s.metric("^coredns_health_request_failures_total") == 0


def test_lameduck_goes_on_answering():
    with Server(".:@PORT@ {\n health 127.0.0.1:@HEALTH@ {\n lameduck 1s\n }\n whoami\n}\n") as s:
        s.signal(signal.SIGTERM)
        assert s.logged(r"plugin/health: Going into lameduck mode for 1s")
        began = time.time()
        assert s.ask("x.example").rcode() == dns.rcode.NOERROR
        assert s.http("/health", "HEALTH") == (200, "OK")
        assert s.process.wait(10) == 0
        assert 0.5 < time.time() - began < 5


def test_errors_are_summed_up():
    with Server(r""".:@PORT@ {
        errors {
            consolidate 500ms ".* no next plugin found$"
            consolidate 500ms "^nothing like this$" warning show_first
        }
        acl {
            filter net 192.0.2.1
        }
    }
    other.example:@PORT@ {
        errors {
            consolidate 500ms "no next plugin" info show_first
        }
        acl {
            filter net 192.0.2.1
        }
    }
    plain.example:@PORT@ {
        errors
        acl {
            filter net 192.0.2.1
        }
    }
    """) as s:
        for _ in range(5):
            s.ask("x.example")
        for i in range(3):
            s.ask(f"x{i}.other.example")
        s.ask("X.Plain.Example", "TYPE65280")
        assert s.logged(r"^\[ERROR\] plugin/errors: 5 errors like '\.\* no next plugin found\$' occurred in last 500ms$")
        assert s.logged(r"^\[INFO\] plugin/errors: 2 x0\.other\.example\. A: plugin/acl: no next plugin found$")
        assert s.logged(r"^\[INFO\] plugin/errors: 3 errors like 'no next plugin' occurred in last 500ms$")
        assert s.logged(r"^\[ERROR\] plugin/errors: 2 x\.plain\.example\. TYPE65280: plugin/acl: no next plugin found$")
        assert s.log().count("[ERROR] plugin/errors: 2 x.example") == 0
        s.ask("x.example")
        s.stop()
        assert re.search(r"plugin/errors: 1 errors like '\.\* no next", s.log()), s.log()


def started_with_output(output):
    """A server of ALL whose standard output is this descriptor."""
    s = Server(ALL, start=False, args=["-quiet"])
    with open(s.dir / "output", "wb") as errors:
        s.process = subprocess.Popen([harness.BINARY, "-conf", "Corefile", *s.args], cwd=s.dir, stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=errors)
    assert eventually(s.answers, 20)
    assert eventually(lambda: answers_datagrams(s), 20)   # TCP sockets are there first
    return s


def answers_datagrams(s):
    try:
        return s.ask("x.example", timeout=1)
    except dns.exception.Timeout:
        return None


def check_answers(s, count):
    slowest = 0
    for _ in range(count):
        began = time.time()
        assert s.ask("x.example").rcode() == dns.rcode.NOERROR
        slowest = max(slowest, time.time() - began)
    assert slowest < 1, slowest


def test_log_that_nobody_reads():
    """A pipe that is full: lines are dropped and counted, queries answered."""
    read_end, write_end = os.pipe()
    with started_with_output(write_end) as s:
        os.close(write_end)
        message = dns.message.make_query("x." + "y" * 60 + ".example", "A").to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
            c.connect((HOST, s.port))
            c.settimeout(2)
            for _ in range(6000):
                c.send(message)
                c.recv(4096)
        assert s.metric("^isthmus_log_lines_dropped_total") > 0
        check_answers(s, 20)
        threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(read_end, 65536), b"")], daemon=True).start()


def test_log_to_a_full_disk_and_a_closed_pipe():
    full = os.open("/dev/full", os.O_WRONLY)
    with started_with_output(full) as s:
        os.close(full)
        check_answers(s, 50)
    read_end, write_end = os.pipe()
    with started_with_output(write_end) as s:
        os.close(write_end)
        os.close(read_end)
        check_answers(s, 50)


if __name__ == "__main__":
    harness.main(globals())
