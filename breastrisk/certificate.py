"""A certificate of one's own for `make run TLS=1`: for trying the product over HTTPS on this machine.

Browsers warn of it, since nobody they trust has signed it. It is made anew a month before it ends.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from breastrisk.embedded.state import StateDirectory, private_folder

LIFETIME, RENEWED_BEFORE = timedelta(days=397), timedelta(days=30)


def ensure_certificate(state: StateDirectory, host: str) -> tuple[Path, Path]:
    """The files of the certificate and of its key, for localhost and an IP address."""
    folder = private_folder(state.prepare() / "tls")
    name = host.replace(":", "_")
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    if not _is_good(certificate, key):
        _make(certificate, key, host)
    return certificate, key


def _is_good(certificate: Path, key: Path) -> bool:
    if not (certificate.exists() and key.exists()):
        return False
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    return read.not_valid_after_utc - RENEWED_BEFORE > datetime.now(UTC)


def _make(certificate: Path, key: Path, host: str) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate.write_bytes(_sign(private, host).public_bytes(serialization.Encoding.PEM))


def _sign(private: ec.EllipticCurvePrivateKey, host: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Breast risk on this machine")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(host))]
    now = datetime.now(UTC)
    unsigned = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    return unsigned.sign(private, hashes.SHA256())
