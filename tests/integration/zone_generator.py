"""Random zones and random questions to them, for the differential test: everything that makes lookups hard, often.

A zone is a dict from (owner, type) to a TTL and a list of data; names are tuples of labels relative to the apex. It obeys what NSD
and Knot demand of a zone (nothing beside a CNAME or below a DNAME, only glue below a cut), so that all can load it.
"""
import shutil
import subprocess
from pathlib import Path

LABELS = ["a", "b", "c", "d", "www", "mail", "ns", "x-y", "*"]
TYPES = ["A", "AAAA", "NS", "SOA", "MX", "TXT", "SRV", "CNAME", "DNAME", "DS", "DNSKEY", "NSEC", "NSEC3PARAM", "CAA", "HTTPS", "TYPE65280"]
LONG = ("long" * 15,)
OUTSIDE = ["www.out.invalid.", "ns1.out.invalid.", "a.b.out.invalid."]
OFTEN_ASKED = ["A", "A", "AAAA", "MX", "TXT", "NS", "DS", "CNAME"]


class Zone:
    def __init__(self, random, origin):
        self.random, self.origin = random, origin
        self.rrsets = {}
        self.signing = random.choice(["none", "nsec", "nsec3", "nsec3-opt-out"])
        self.salt = random.choice(["-", "-", "aabbccdd"])
        self.iterations = random.choice([0, 0, 1, 10])
        self.generate()

    # --- names ---

    def text(self, name):
        return ".".join(name + (self.origin,)) if name else self.origin

    def any_name(self, depth=4):
        """Few labels, so that names meet."""
        return tuple(self.random.choice(LABELS) for _ in range(self.random.randint(1, depth)))

    def plain_name(self, depth=3):
        """One without wildcards."""
        return tuple(label if label != "*" else "e" for label in self.any_name(depth))

    def target(self):
        """What a record may point to: a name that is there, one that is not, one elsewhere."""
        pick = self.random.random()
        if pick < 0.5 and self.rrsets:
            return self.text(self.random.choice(sorted(self.rrsets))[0])
        if pick < 0.85:
            return self.text(self.any_name())
        return self.random.choice(OUTSIDE)

    # --- what is at a name ---

    def types_at(self, name):
        return {t for n, t in self.rrsets if n == name}

    def has_below(self, name):
        return any(n[-len(name):] == name and n != name for n, _ in self.rrsets)

    def above(self, name, type):
        """Whether an owner of this type stands above the name."""
        return any((name[i:], type) in self.rrsets for i in range(1, len(name)))

    def takes(self, name, type):
        """Whether the zone stays well formed with such a record."""
        here = self.types_at(name)
        if not name or self.above(name, "NS") or self.above(name, "DNAME"):
            return False
        if "CNAME" in here or (type == "CNAME" and here):
            return False
        if type == "DNAME":
            return not self.has_below(name) and not here & {"NS", "DNAME"} and "*" not in name
        if type == "NS":
            return not here and not self.has_below(name) and "*" not in name
        return "NS" not in here

    def add(self, name, type, *data):
        ttl, old = self.rrsets.get((name, type), (self.random.choice([60, 300, 3600, 7200]), []))
        self.rrsets[name, type] = ttl, old + [d for d in data if d not in old]

    def add_if(self, name, type, *data):
        if self.takes(name, type):
            self.add(name, type, *data)

    def address(self):
        return f"192.0.2.{self.random.randint(1, 250)}"

    def address6(self):
        return f"2001:db8::{self.random.randint(1, 250):x}"

    # --- kinds of names ---

    def host(self, name):
        for type in self.random.sample(["A", "AAAA", "TXT", "MX", "SRV", "CAA", "TYPE65280"], self.random.randint(1, 3)):
            data = {"A": self.address, "AAAA": self.address6, "TXT": lambda: f'"{self.random.random()}"',
                    "MX": lambda: f"{self.random.randint(1, 20)} {self.target()}",
                    "SRV": lambda: f"1 2 53 {self.target()}", "CAA": lambda: '0 issue "ca.invalid"',
                    "TYPE65280": lambda: r"\# 4 0a000001"}[type]
            self.add_if(name, type, *[data() for _ in range(self.random.randint(1, 2))])

    def alias(self, name):
        self.add_if(name, "CNAME", self.target())

    def dname(self, name):
        """Now and then to a name so long that names below the DNAME overflow."""
        target = self.text(LONG * 3) if self.random.random() < 0.2 else self.target()
        self.add_if(name, "DNAME", target.replace("*", "d"))

    def cut(self, name):
        if not self.takes(name, "NS"):
            return
        servers = []
        for _ in range(self.random.randint(1, 3)):
            server = self.random.choice([("ns",) + name, ("a", "ns") + name, ("ns1",), self.plain_name(), None])
            servers.append(self.text(server) if server is not None else self.random.choice(OUTSIDE))
        self.add(name, "NS", *servers)
        if self.random.random() < 0.5:
            self.add(name, "DS", f"{self.random.randint(1, 60000)} 13 2 " + "%064x" % self.random.getrandbits(256))
        for server in servers:
            inside = self.inside(server)
            if inside and inside[-len(name):] == name and self.random.random() < 0.8:
                self.glue(inside)

    def glue(self, name):
        self.add(name, "A", self.address())
        if self.random.random() < 0.5:
            self.add(name, "AAAA", self.address6())

    def inside(self, text):
        """The relative name of a target, None if it is not in the zone."""
        if text == self.origin or not text.endswith("." + self.origin):
            return None
        return tuple(text[:-len(self.origin) - 1].split("."))

    def generate(self):
        r = self.random
        self.add((), "SOA", f"ns1.{self.origin} host.{self.origin} 1 7200 3600 1209600 {r.choice([30, 300, 86400])}")
        self.add((), "NS", f"ns1.{self.origin}", *r.sample(["ns2.out.invalid.", f"ns2.{self.origin}"], r.randint(0, 2)))
        self.add(("ns1",), "A", "192.0.2.251")
        self.add(("ns1",), "AAAA", "2001:db8::251")
        if r.random() < 0.5:
            self.add((), "MX", f"10 {self.target()}")
        for _ in range(r.randint(5, 25)):
            kind = r.choice([self.host] * 4 + [self.alias] * 3 + [self.cut] * 2 + [self.dname])
            kind(self.any_name())
        if r.random() < 0.3:
            self.add_if(("*",), r.choice(["A", "CNAME", "TXT"]), "192.0.2.99")
            for type in ("CNAME", "TXT"):
                if (("*",), type) in self.rrsets:
                    self.rrsets[("*",), type] = 300, [self.target() if type == "CNAME" else '"wild"']

    # --- as text ---

    def lines(self):
        for (name, type), (ttl, data) in self.rrsets.items():
            for d in data:
                yield f"{self.text(name)} {ttl} IN {type} {d}"

    def write(self, path, keys):
        """Writes the zone's file, signed if it is to be."""
        path.write_text("\n".join(self.lines()) + "\n")
        if self.signing != "none":
            self.sign(path, keys)

    def sign(self, path, keys):
        key = keys.of(self.origin)
        args = ["dnssec-signzone", "-q", "-P", "-z", "-o", self.origin, "-s", "20250101000000", "-e", "20450101000000", "-f", str(path) + ".signed"]
        if self.signing.startswith("nsec3"):
            args += ["-3", self.salt, "-H", str(self.iterations)] + (["-A"] if self.signing.endswith("out") else [])
        with open(path, "a", encoding="ascii") as f:
            f.write(Path(key + ".key").read_text(encoding="ascii"))
        done = subprocess.run([*args, str(path), key], cwd=path.parent, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"dnssec-signzone: {done.stderr}\n{path.read_text()}")
        shutil.move(str(path) + ".signed", path)

    # --- questions ---

    def question(self):
        """(name, type): names of the zone, near them, and made up."""
        r = self.random
        name = r.choice(sorted(self.rrsets))[0]
        pick = r.random()
        if pick < 0.25:
            name = self.any_name()
        elif pick < 0.45:
            name = self.any_name(2) + name
        elif pick < 0.6:
            name = name[r.randint(0, len(name)):]
        elif pick < 0.65 and name:
            name = LONG * r.randint(1, 3) + name
        text = self.text(name)
        if len(text) > 250:
            text = self.text(name[-1:])
        if r.random() < 0.2:
            text = "".join(c.upper() if r.random() < 0.5 else c for c in text)
        return text, r.choice(OFTEN_ASKED if r.random() < 0.6 else TYPES)


class Keys:
    """One key a zone, made when it is first needed."""

    def __init__(self, folder):
        self.folder, self.made = folder, {}

    def of(self, origin):
        if origin not in self.made:
            done = subprocess.run(["dnssec-keygen", "-q", "-a", "ED25519", "-K", str(self.folder), origin], capture_output=True, text=True, check=True)
            self.made[origin] = str(self.folder / done.stdout.strip())
        return self.made[origin]
