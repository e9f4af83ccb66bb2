"""Plugins that do more than answer: commands, weight files, shedding, delays."""
import os
import signal
import socket
import time
from pathlib import Path

import dns.edns
import dns.message
import dns.rcode

import harness
from harness import HOST, Server, addresses, eventually

# --- on ---

COMMANDS = """
.:@PORT@ {
    bind 127.0.0.1
    on startup sh -c 'echo started >> events'
    on startup false
    on startup no-such-command
    on startup sh -c 'sleep 0.5; echo slow >> events' &
    on shutdown sh -c 'echo ended >> events'
    whoami
}
"""


def events(server):
    path = server.dir / "events"
    return path.read_text().split() if path.exists() else []


def commands_run_at_start_reload_and_end(args):
    with Server(COMMANDS, args=args) as s:
        assert eventually(lambda: sorted(events(s)) == ["slow", "started"]), s.log()
        assert s.logged(r"^error on 'on-[0-9a-f-]{36}' hook: exit status 1$"), s.log()
        assert s.logged(r"^error on 'on-[0-9a-f-]{36}' hook: exec: \"no-such-command\": executable file not found in \$PATH$")
        assert s.logged(r"^\[INFO\] Blocking Command \"sh -c echo started >> events\" with ID [0-9a-f-]{36}$")
        assert s.logged(r"^\[INFO\] Nonblocking Command \"sh -c sleep 0\.5; echo slow >> events\" with ID ")
        s.write("Corefile", COMMANDS.replace("bind", "# again\n    bind"))
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: events(s).count("started") == 2), s.log()
        assert events(s).count("ended") == 0
        pids = s.pids()
        s.stop()
        assert events(s).count("ended") == 1, s.log()
        assert eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids)), "a process was left behind"


def test_commands_run_at_start_reload_and_end():
    commands_run_at_start_reload_and_end([])


def test_commands_run_without_a_supervisor():
    commands_run_at_start_reload_and_end(["-single"])


def test_a_reload_may_bring_in_the_first_command():
    with Server(".:@PORT@ {\n    bind 127.0.0.1\n    whoami\n}\n") as s:
        s.write("Corefile", COMMANDS)
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: "started" in events(s)), s.log()


def test_commands_at_the_end_come_before_lameduck():
    with Server("""
.:@PORT@ {
    bind 127.0.0.1
    health 127.0.0.1:@HEALTH@ {
        lameduck 2s
    }
    on shutdown sh -c 'echo ended >> events'
    whoami
}
""") as s:
        s.signal(signal.SIGTERM)
        assert eventually(lambda: events(s) == ["ended"], 1.5)
        s.ask("a.example")  # still answers


# --- loadbalance ---

WEIGHTED = """
.:@PORT@ {
    bind 127.0.0.1
    loadbalance weighted weights {
        reload 500ms
    }
    file zone example.org
}
"""
ZONE = """
@ 3600 IN SOA ns1 hostmaster 1 7200 3600 1209600 300
@ 3600 IN NS ns1
www 3600 IN A 192.0.2.1
www 3600 IN A 192.0.2.2
"""


def first_counts(server):
    """How often each of the two addresses came first."""
    got = []
    for _ in range(60):
        reply = server.ask("www.example.org")
        got.append(next(iter(reply.answer[0])).to_text())
    return got.count("192.0.2.1"), got.count("192.0.2.2")


def test_weights_follow_their_file():
    with Server(WEIGHTED, {"zone": ZONE, "weights": "www.example.org\n192.0.2.1 255\n192.0.2.2 1\n"}) as s:
        one, two = first_counts(s)
        assert one > 45, (one, two)
        s.write("weights", "WWW.example.org.\n192.0.2.1 1\n192.0.2.2 255\n")
        assert s.logged(r"Successfully reloaded weight file (.*/)?weights\n(.*\n)*.*Successfully reloaded"), s.log()
        one, two = first_counts(s)
        assert two > 45, (one, two)
        s.write("weights", "www.example.org\n192.0.2.1 0\n")
        assert s.logged(r'^\[ERROR\] plugin/loadbalance: wrong weight value:"0" in weight file'), s.log()
        (s.dir / "weights").unlink()
        assert s.logged(r"^\[ERROR\] plugin/loadbalance: weight file open error$"), s.log()
        one, two = first_counts(s)
        assert two > 45, (one, two)
        assert s.log().count("wrong weight value") == 1


def test_missing_weights_are_a_warning_or_an_error():
    with Server(WEIGHTED, {"zone": ZONE}) as s:
        assert s.logged(r"^\[WARNING\] plugin/loadbalance: Failed to open weight file:weight file open error. Will try again in 500ms$")
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1", "192.0.2.2"]
    s = Server(WEIGHTED.replace("500ms", "0s"), {"zone": ZONE}, start=False)
    s.start(wait=False)
    assert s.process.wait(10) == 1
    assert "plugin/loadbalance: weight file open error" in s.log()


# --- shed ---

def status(task):
    """How a thread is: T for stopped."""
    return (task / "stat").read_text().rsplit(")", 1)[1].split()[0]


def test_shedding_answers_the_newest_queries():
    """The server stands still while queries come in; then it has more than it takes."""
    with Server("""
.:@PORT@ {
    bind 127.0.0.1
    shed
    prometheus 127.0.0.1:@PROM@
    whoami
}
""", args=["-workers", "1"]) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        c.connect((HOST, s.port))
        pid = s.serving_pid()
        query = dns.message.make_query("a.example", "A").to_wire()
        sent = 3000
        os.kill(pid, signal.SIGSTOP)
        assert eventually(lambda: all(status(task) == "T" for task in Path(f"/proc/{pid}/task").iterdir()))
        for number in range(sent):
            c.send(number.to_bytes(2, "big") + query[2:])
        os.kill(pid, signal.SIGCONT)
        c.settimeout(1)
        got = []
        try:
            while True:
                got.append(int.from_bytes(c.recv(512)[:2], "big"))
        except TimeoutError:
            pass
        dropped = s.metric(r'^coredns_shed_dropped_total\{.*reason="query"')
        assert got and got[0] > 64, got[:10]
        assert got[:64] == list(range(got[0], got[0] - 64, -1)), got[:70]
        kept_by_kernel = got[0] + 1
        assert len(got) + dropped == kept_by_kernel, (len(got), dropped, kept_by_kernel)
        if kept_by_kernel > 1024:
            assert dropped > 0 and min(got) > 0


# --- erratic ---

def test_delays_hold_up_nobody_else():
    with Server("""
.:@PORT@ {
    bind 127.0.0.1
    erratic {
        delay 2 700ms
    }
}
""", args=["-workers", "1"]) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.connect((HOST, s.port))
        c.settimeout(3)
        began = time.time()
        for number in (1, 2):
            c.send(dns.message.make_query("a.example", "A", id=number).to_wire())
        assert dns.message.from_wire(c.recv(512)).id == 2
        assert time.time() - began < 0.5
        assert dns.message.from_wire(c.recv(512)).id == 1
        assert 0.6 < time.time() - began < 2


# --- cookie ---

COOKIES = """
.:@PORT@ {
    bind 127.0.0.1
    prometheus 127.0.0.1:@PROM@
    cookie {
        require
    }
    cache
    hosts {
        192.0.2.1 www.example.org
    }
}
"""


def ask_with_cookie(s, cookie, tcp=False):
    """The reply and its cookie."""
    options = [dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)]
    reply = s.ask("www.example.org", tcp=tcp, message=dns.message.make_query("www.example.org", "A", use_edns=0, options=options))
    return reply, b"".join(o.to_wire() for o in reply.options if o.otype == dns.edns.OptionType.COOKIE)


def test_cookies_of_all_workers_and_after_a_reload():
    with Server(COOKIES, args=["-workers", "2"]) as s:
        reply, cookie = ask_with_cookie(s, b"12345678")
        assert reply.rcode() == dns.rcode.BADCOOKIE and not reply.answer and len(cookie) == 24
        for i in range(40):   # a new port each time: both workers are asked, from the cache and not
            reply, again = ask_with_cookie(s, cookie, tcp=i % 2 == 1)
            assert addresses(reply) == ["192.0.2.1"] and again == cookie, reply
        assert ask_with_cookie(s, b"1234567")[0].rcode() == dns.rcode.FORMERR
        assert addresses(ask_with_cookie(s, b"12345678", tcp=True)[0]) == ["192.0.2.1"]
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
        s.signal(signal.SIGUSR1)
        assert s.logged(r"Reloading complete")
        assert addresses(ask_with_cookie(s, cookie)[0]) == ["192.0.2.1"]
        assert s.metric('^isthmus_cookie_requests_total.cookie="valid"') == 41
        assert s.metric('^isthmus_cookie_requests_total.cookie="malformed"') == 1


harness.main(globals())
