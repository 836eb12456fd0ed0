"""One good note, and what somebody may make of it. Keys of fixed bytes make the same notes each time."""

import base64

from accounts.signed_notes import Checkpoint, SigningKey, sign

KEY = SigningKey("ledger.example/log", bytes(range(32)))
NEWER_KEY = SigningKey("ledger.example/log", bytes(range(1, 33)))
STRANGER = SigningKey("stranger.example", bytes(range(2, 34)))
ROOT = bytes(range(100, 132))

CHECKPOINT = Checkpoint(KEY.name, 7, ROOT, ("prev of something", "at some time"))
NOTE = sign(CHECKPOINT, KEY)
TEXT, _, SIGNATURE = NOTE.rpartition(b"\n\n")
SIGNATURE_TEXT = SIGNATURE.split()[-1]
ROOT_TEXT = base64.b64encode(ROOT)


def signed(text: bytes, key: SigningKey = KEY) -> bytes:
    """A note of any text at all, with a right signature."""
    return text + b"\n" + key.signature_line(text)


def accepted_notes() -> dict[str, bytes]:
    forged_name = STRANGER.signature_line(b"anything").replace(b"stranger.example", KEY.name.encode())
    forged_id = SIGNATURE.replace(KEY.name.encode(), b"another.name")
    return {
        "nothing at all": NOTE,
        "a stranger signed as well": NOTE + STRANGER.signature_line(CHECKPOINT.text),
        "a stranger signed badly": NOTE + STRANGER.signature_line(b"anything"),
        "a stranger signed under the known name": NOTE + forged_name,
        "a stranger signed under the known id": NOTE + forged_id,
        "a stranger signed first": signed(CHECKPOINT.text, STRANGER) + SIGNATURE,
        "both known keys signed": NOTE + NEWER_KEY.signature_line(CHECKPOINT.text),
        "a signature stands twice": NOTE + SIGNATURE,
        "sixteen large signatures are unknown": NOTE + b"".join(large_signature(n) for n in range(16)),
        "it has no extension": signed(b"ledger.example/log\n7\n" + ROOT_TEXT + b"\n"),
    }


def refused_notes() -> dict[str, bytes]:
    return {
        **malformed_notes(),
        **{what: signed(text) for what, text in unreadable_checkpoints().items()},
        "an unknown key only": sign(CHECKPOINT, SigningKey(KEY.name, bytes(32))),
        "a known key of another origin": signed(CHECKPOINT.text, STRANGER),
        "one known signature right and one wrong": NOTE + NEWER_KEY.signature_line(b"anything"),
        "one known signature wrong and one right": signed(CHECKPOINT.text, NEWER_KEY).replace(
            NEWER_KEY.signature_line(CHECKPOINT.text), NEWER_KEY.signature_line(b"") + SIGNATURE
        ),
        "a known signature cut short": NOTE + SIGNATURE.replace(SIGNATURE_TEXT, SIGNATURE_TEXT[:12]),
    }


def malformed_notes() -> dict[str, bytes]:
    return {
        "nothing in it": b"",
        "only a newline": b"\n",
        "only newlines": b"\n\n\n",
        "no signature": TEXT + b"\n\n",
        "no empty line": TEXT + b"\n" + SIGNATURE,
        "two empty lines": TEXT + b"\n\n\n" + SIGNATURE,
        "no newline at its end": NOTE[:-1],
        "an empty line at its end": NOTE + b"\n",
        "something after it": NOTE + b"trailing\n",
        "carriage returns": NOTE.replace(b"\n", b"\r\n"),
        "a NUL": NOTE.replace(b"of", b"o\0"),
        "a byte that is not UTF-8 in its text": signed(b"ledger.example/log\n7\n" + ROOT_TEXT + b"\n\xff\n"),
        "a byte that is not UTF-8 in its signature": NOTE + b"\xff\n",
        "a hyphen for the dash": NOTE.replace("—".encode(), b"-"),
        "two spaces": NOTE.replace("— ".encode(), "—  ".encode()),
        "a signature without a name": TEXT + b"\n\n" + "— ".encode() + SIGNATURE_TEXT + b"\n",
        "a name with a plus": NOTE + SIGNATURE.replace(b"ledger", b"led+ger"),
        "a name with a wide space": NOTE + SIGNATURE.replace(b"ledger", "led\u2003ger".encode()),
        "a signature that is not base64": NOTE.replace(SIGNATURE_TEXT, b"!" + SIGNATURE_TEXT[1:]),
        "a signature without its padding": NOTE.replace(SIGNATURE_TEXT, SIGNATURE_TEXT.rstrip(b"=")),
        "a signature in another spelling of its base64": NOTE.replace(SIGNATURE_TEXT, other_spelling()),
        "an unknown signature of four bytes": NOTE + "— someone AAAAAA==\n".encode(),
    }


def unreadable_checkpoints() -> dict[str, bytes]:
    root = ROOT_TEXT
    origin = b"ledger.example/log\n"
    return {
        "a leading zero": origin + b"07\n" + root + b"\n",
        "a plus sign": origin + b"+7\n" + root + b"\n",
        "a negative size": origin + b"-7\n" + root + b"\n",
        "a size with a space": origin + b"7 \n" + root + b"\n",
        "a size with an underscore": origin + b"1_0\n" + root + b"\n",
        "a size in Arabic digits": origin + "\u0667\n".encode() + root + b"\n",
        "a size in hexadecimal": origin + b"0x7\n" + root + b"\n",
        "a size that is a fraction": origin + b"7.0\n" + root + b"\n",
        "no size": origin + b"\n" + root + b"\n",
        "a size that no tree has": origin + b"9223372036854775808\n" + root + b"\n",
        "a size of 5,000 digits": origin + b"7" * 5_000 + b"\n" + root + b"\n",
        "a root of 31 bytes": origin + b"7\n" + base64.b64encode(ROOT[:31]) + b"\n",
        "a root of 33 bytes": origin + b"7\n" + base64.b64encode(ROOT + b"\0") + b"\n",
        "a root in hexadecimal": origin + b"7\n" + ROOT.hex().encode() + b"\n",
        "a root in base64url": origin + b"7\n" + base64.urlsafe_b64encode(b"\xff" * 32) + b"\n",
        "no root": origin + b"7\n",
        "no origin": b"\n7\n" + root + b"\n",
        "an empty extension": origin + b"7\n" + root + b"\n\nmore\n",
        "an empty last extension": origin + b"7\n" + root + b"\n\n",
        "another origin": b"ledger.example/other\n7\n" + root + b"\n",
        "an empty text": b"",
    }


def large_signature(number: int) -> bytes:
    return f"— witness.example/{number} ".encode() + base64.b64encode(bytes([number]) * 5_000) + b"\n"


def other_spelling() -> bytes:
    """The same 68 bytes, as a lenient reader decodes them: bits below the padding are set."""
    return SIGNATURE_TEXT[:-2] + bytes([SIGNATURE_TEXT[-2] + 1]) + b"="
