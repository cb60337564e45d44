"""Certificates for tests: made new, signed by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

PASSWORD = b"open sesame"


def make_certificate(folder: Path) -> None:
    """Writes `cert.pem` for 127.0.0.1 and `localhost`, its `key.pem`, both as `both.pem`, the key under a
    password as `locked.pem`, and the key of another certificate as `other.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "holdfast tests")])
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    ).public_bytes(Encoding.PEM)
    plain = _pem(key)
    (folder / "cert.pem").write_bytes(made)
    (folder / "key.pem").write_bytes(plain)
    (folder / "both.pem").write_bytes(plain + made)
    (folder / "locked.pem").write_bytes(_pem(key, serialization.BestAvailableEncryption(PASSWORD)))
    (folder / "other.pem").write_bytes(_pem(ec.generate_private_key(ec.SECP256R1())))


def _pem(
    key: ec.EllipticCurvePrivateKey, lock: serialization.KeySerializationEncryption | None = None
) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock or serialization.NoEncryption())
