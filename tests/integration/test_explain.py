"""isthmus explain: from a Corefile, and by the admin socket of a running server."""
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import harness
from harness import Server, eventually

ZONE = """@ 3600 IN SOA ns hostmaster 7 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
www IN A 192.0.2.1
out IN CNAME www.example.net.
"""

COREFILE = """example.org:@PORT@ {
    bind 127.0.0.1
    hosts hosts {
        fallthrough
    }
    file db.example.org example.org {
        fallthrough
    }
    cache
    log
}
.:@PORT@ {
    bind 127.0.0.1
    view inside {
        expr client_ip() == '10.0.0.1'
    }
    whoami
}
.:@PORT@ {
    bind 127.0.0.1
    template IN A {
        answer "{{ .Name }} 60 IN A 192.0.2.99"
    }
    health 127.0.0.1:@HEALTH@
}
"""

FILES = {"hosts": "10.1.1.1 h.example.org\n", "db.example.org": ZONE}


def explain(*args, cwd=None):
    done = subprocess.run([harness.BINARY, "explain", *args], cwd=cwd, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def said(*args, cwd=None):
    code, out, err = explain(*args, cwd=cwd)
    assert code == 0, (code, out, err)
    return out


def steps(out):
    """Plugin and what it did, for each step."""
    return re.findall(r"^ +(\S+) +((?:passed on|answered|gave|leaves|dropped)[^(\n]*)", out, re.M)


def folder():
    s = Server(COREFILE, FILES, start=False)
    return s.dir


def test_each_step_is_told():
    out = said("Corefile", "www.example.org", cwd=folder())
    assert re.search(r"^www\.example\.org\. A from 127\.0\.0\.1 over udp at dns://127\.0\.0\.1:\d+$", out, re.M), out
    assert re.search(r"^block example\.org:\d+ \(Corefile:1\)$", out, re.M), out
    assert [s[0] for s in steps(out)] == ["log", "cache", "hosts", "file"], out
    assert ("hosts", "passed on: no entry has this name") in steps(out), out
    assert "zone example.org. from db.example.org: serial 7, 5 records" in out, out
    assert re.search(r"^NOERROR, authoritative\nanswer:\n  www\.example\.org\.\t3600\tIN\tA\t192\.0\.2\.1$", out, re.M), out


def test_what_the_server_asks_itself_is_told():
    out = said("Corefile", "out.example.org", cwd=folder())
    assert "the server asks itself for www.example.net. A:" in out, out
    assert ("template", "answered NOERROR: the name matches '.*' ") in steps(out), out
    assert "www.example.net.\t60\tIN\tA\t192.0.2.99" in out, out


def test_the_client_decides_in_views():
    where = folder()
    out = said("-from", "10.0.0.1", "Corefile", "other.test", cwd=where)
    assert [s[0] for s in steps(out)] == ["whoami"] and "from 10.0.0.1" in out, out
    out = said("Corefile", "other.test", cwd=where)
    assert steps(out)[0] == ("view", "leaves the query to others: the expression 'client_ip"), out
    assert steps(out)[1][0] == "template", out


def test_a_name_without_an_answer():
    out = said("Corefile", "none.example.org", "AAAA", "-do", cwd=folder())
    assert ("file", "passed on: the zone has nothing of this name: plugin/file: no next plugin found") in steps(out), out
    assert re.search(r"^SERVFAIL$", out, re.M), out


def test_nothing_is_opened():
    """A second process on the same Corefile, beside the server that has its ports and pages."""
    with Server(COREFILE, FILES) as s:
        out = said("Corefile", "www.example.org", cwd=s.dir)
        assert "192.0.2.1" in out
        assert s.ask("www.example.org").answer


def test_no_block_has_the_name():
    where = Path(tempfile.mkdtemp(prefix="isthmus-test-"))
    (where / "Corefile").write_text("example.org:0 {\n bind 127.0.0.1\n whoami\n}\n")
    out = said("Corefile", "example.com", cwd=where)
    assert out.startswith("no block of any listener has a zone above example.com.: it is refused at\n  dns://127.0.0.1:"), out
    out = said("-at", ":99", "Corefile", "example.org", cwd=where)
    assert out.startswith("no listener ':99'; there are\n"), out


def test_what_is_wrong_is_said():
    where = folder()
    for args, why in ((["Corefile", "a..b"], "'a..b' is no domain name"),
                      (["Corefile", "example.org", "AAAQ"], "'AAAQ' is no type of a record"),
                      (["-from", "1.2.3", "Corefile", "example.org"], "'1.2.3' is no address of a client")):
        code, out, err = explain(*args, cwd=where)
        assert (code, out) == (1, "") and why in err, (args, code, out, err)
    assert explain("Corefile", cwd=where)[0] == 2
    assert explain("Corefile", "a", "A", "b", cwd=where)[0] == 2
    (where / "broken").write_text(".:53 {\n    whoamy\n}\n")
    code, out, err = explain("broken", "example.org", cwd=where)
    assert (code, out) == (1, "") and "whoamy" in err, (code, out, err)


def test_a_running_server_tells_what_it_has():
    with Server(COREFILE, FILES, args=["-admin", "admin"]) as s:
        path = s.dir / "admin"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        out = said("admin", "www.example.org", cwd=s.dir)
        assert [p for p, _ in steps(out)] == ["log", "cache", "hosts", "file"], out
        out = said("admin", "www.example.org", cwd=s.dir)   # the first question has put it there
        assert [p for p, _ in steps(out)] == ["log", "cache"], out
        s.write("db.example.org", ZONE.replace("192.0.2.1", "192.0.2.2").replace(" 7 ", " 8 "))
        os.kill(s.process.pid, signal.SIGUSR1)
        assert s.logged("Reloading complete")
        assert "serial 8" in said("admin", "w.example.org", cwd=s.dir)
        code, out, err = explain("admin", "a..b", cwd=s.dir)
        assert (code, out, err) == (1, "", "error: 'a..b' is no domain name\n"), (code, out, err)
        s.stop()
        assert not path.exists()


def test_the_socket_is_there_again_after_a_crash():
    with Server(COREFILE, FILES, args=["-admin", "admin"]) as s:
        os.kill(s.serving_pid(), signal.SIGKILL)
        assert s.logged("the server died of signal 9")
        assert eventually(lambda: explain("admin", "www.example.org", cwd=s.dir)[0] == 0, 10)


def test_who_says_nothing_keeps_nobody_out():
    with Server(COREFILE, FILES, args=["-admin", "admin"]) as s:
        silent = []
        for _ in range(7):
            c = socket.socket(socket.AF_UNIX)
            c.connect(str(s.dir / "admin"))
            silent.append(c)
        assert "192.0.2.1" in said("admin", "www.example.org", cwd=s.dir)
        silent[0].sendall(b"x" * 4096)
        try:
            assert silent[0].recv(1) == b""
        except ConnectionResetError:   # it closed without reading all of it
            pass
        c = silent[1]
        c.sendall(b"sing\n")
        assert c.recv(1000).startswith(b"error: 'sing' is no question"), "an unknown question is refused"
        for c in silent:
            c.close()


def test_the_file_of_somebody_else_is_left_alone():
    with Server(COREFILE, dict(FILES, admin="precious"), args=["-admin", "admin"]) as s:
        assert s.logged("Could not open the admin socket admin: a file that is no socket has this name")
        assert s.ask("www.example.org").answer
        s.stop()
        assert (s.dir / "admin").read_text() == "precious"


if __name__ == "__main__":
    harness.main(globals())
