"""The sandbox around the running server: it is there, it lets the server work, and it says what it keeps out of reach."""
import os
import re
import resource
import signal
import tempfile
from pathlib import Path

import harness
from harness import SANITIZED, Server, addresses, eventually

CONFIG = "example.org:@PORT@ {\n    bind 127.0.0.1\n    errors\n    file @DIR@/zone {\n        reload 100ms\n    }\n}\n"


def zone(serial, address):
    return f"$ORIGIN example.org.\n@ 60 SOA ns admin {serial} 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.9\nwww 60 A {address}\n"


ZONE = {"zone": zone(1, "192.0.2.1")}


def status(pid, field):
    return re.search(rf"^{field}:\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M)[1]


def answer(s):
    return addresses(s.ask("www.example.org"))


def threads(pid):
    return [f"{pid}/task/{t}" for t in os.listdir(f"/proc/{pid}/task")]


def test_every_thread_is_in_it():
    if SANITIZED:
        return
    for args, filtered in ((["-workers", "3"], "2"), (["-single"], "2"), (["-no-sandbox"], "0")):
        with Server(CONFIG, args=args, files=ZONE) as s:
            assert eventually(lambda: answer(s) == ["192.0.2.1"])
            for thread in threads(s.serving_pid()):
                assert status(thread, "Seccomp") == filtered, (args, thread)
                assert status(thread, "NoNewPrivs") == ("1" if filtered == "2" else "0")
            assert "sandbox" not in s.log(), s.log()


def test_files_that_are_replaced_are_read():
    with Server(CONFIG, files=ZONE) as s:
        assert eventually(lambda: answer(s) == ["192.0.2.1"])
        s.write("zone", zone(2, "192.0.2.22"))
        assert eventually(lambda: answer(s) == ["192.0.2.22"]), s.log()
        s.write("Corefile", CONFIG.replace("errors", "errors\n    log"))
        s.signal(signal.SIGUSR1)
        assert s.logged(r"Reloading complete"), s.log()
        assert answer(s) == ["192.0.2.22"]
        assert "sandbox" not in s.log(), s.log()


def test_a_folder_that_a_reload_names_first_is_said_to_be_out_of_reach():
    if SANITIZED:
        return
    elsewhere = Path(tempfile.mkdtemp(prefix="isthmus-test-"))
    (elsewhere / "zone").write_text(zone(3, "192.0.2.3"))
    with Server(CONFIG, files=ZONE) as s:
        assert eventually(lambda: answer(s) == ["192.0.2.1"])
        s.write("Corefile", CONFIG.replace("@DIR@", str(elsewhere)))
        s.signal(signal.SIGUSR1)
        assert s.logged(rf"^\[WARNING\] the Corefile names {elsewhere}, which the sandbox keeps out of reach"), s.log()


def core_after(corefile, args=()):
    """Whether the server leaves a core when it dies."""
    def unlimited():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with Server(corefile, args=args, preexec=unlimited) as s:
        os.kill(s.serving_pid(), signal.SIGSEGV)
        assert s.logged("the server died of signal 11")
        return bool(list(s.dir.glob("core*")))


def test_a_server_with_secrets_leaves_no_core():
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if SANITIZED or not pattern.startswith("core") or hard != resource.RLIM_INFINITY:
        return   # no core would come here in any case
    secret = ".:@PORT@ {\n    bind 127.0.0.1\n    whoami\n    cookie {\n        secret 00112233445566778899aabbccddeeff\n    }\n}\n"
    assert not core_after(secret)
    assert core_after(secret, ["-no-sandbox"])   # it is wanted then, and shows that there could be one


def test_regular_expressions_may_come_with_a_reload():
    with Server(CONFIG, files=ZONE) as s:
        assert eventually(lambda: answer(s) == ["192.0.2.1"])
        s.write("Corefile", CONFIG.replace("errors", "errors\n    view odd {\n        expr name() matches '^www'\n    }"))
        s.signal(signal.SIGUSR1)
        assert s.logged(r"Reloading complete"), s.log()
        assert answer(s) == ["192.0.2.1"]
        assert s.ask("ns.example.org").rcode() == 5, "the view takes what it should not"



if __name__ == "__main__":
    harness.main(globals())
