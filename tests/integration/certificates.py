"""Certificates for tests: an authority, and what it issues, as PEM texts."""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = datetime.timedelta(hours=1)


def _pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


class Issued:
    """A certificate and its key: `pem` (with those of the issuers between it and the root), `alone`, `key`."""

    def __init__(self, certificate, key, chain=""):
        self.certificate = certificate
        self.alone = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.pem, self.key, self.private = self.alone + chain, _pem(key), key


class Authority(Issued):
    def __init__(self, name="test authority", issuer=None):
        key = ec.generate_private_key(ec.SECP256R1())
        self.issuer, self.subject = issuer, _name(name)
        builder = _builder(self.subject, key, issuer.subject if issuer else self.subject, 24)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        certificate = builder.sign(issuer.private if issuer else key, hashes.SHA256())
        super().__init__(certificate, key)

    def issue(self, *names, hours=24, client=False, kind="ecdsa"):
        """A certificate for these host names and addresses, that expires in so many hours (or did, if negative)."""
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else rsa.generate_private_key(65537, 2048)
        builder = _builder(_name(names[0]), key, self.subject, hours)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        return Issued(builder.sign(self.private, hashes.SHA256()), key, self.pem if self.issuer else "")


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(subject, key, issuer, hours):
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - 1000 * HOUR).not_valid_after(now + hours * HOUR))
