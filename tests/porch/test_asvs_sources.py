"""What docs/asvs.md says of the sources: which tools they reach for, and which they never do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from predictions.sentences import sentence
from predictions.wording import say

CHECKOUT = Path(__file__).resolve().parents[2]
ROOMS = ("accounts", "breastrisk", "ml_models", "predictions")
TREES = {file: ast.parse(file.read_text()) for room in ROOMS for file in (CHECKOUT / room).rglob("*.py")}
CIPHERS = {
    "cryptography.exceptions",
    "cryptography.hazmat.primitives",
    "cryptography.hazmat.primitives.asymmetric",
    "cryptography.hazmat.primitives.asymmetric.ec",  # of the certificate, and of clients that sign
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.asymmetric.rsa",  # of clients that sign
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.keywrap",
    "cryptography.x509.oid",
    "cryptography",
}
PAGES = [*(CHECKOUT / "templates").rglob("*.html"), *(CHECKOUT / "static").glob("*.[cj]s*")]


def imports() -> Iterator[tuple[str, str]]:
    """Every (module, name) that is imported; the name of a whole module is empty."""
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.module or "", alias.name) for alias in node.names)


def calls() -> Iterator[ast.Call]:
    return (node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_the_only_cipher_is_aes_gcm_and_what_we_sign_is_ed25519():
    found = {(module, name) for module, name in imports() if module.split(".")[0] == "cryptography"}
    assert {module for module, _ in found} <= CIPHERS
    assert {name for module, name in found if module.endswith("aead")} == {"AESGCM"}
    assert {name for module, name in found if module.endswith("asymmetric")} == {"ec"}  # of the certificate


def test_no_digest_is_shorter_than_that_of_sha_256():
    nodes = [node for tree in TREES.values() for node in ast.walk(tree)]
    called = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    used = called | {f"{module}.{name}" for module, name in imports()}
    digests = {name for name in used if re.fullmatch(r"(hashlib|hashes)\.\w+", name)}
    assert {name.rpartition(".")[2].lower() for name in digests} == {"sha256"}


def test_what_nobody_may_guess_is_never_drawn_from_random():
    assert "random" not in {module for module, _ in imports()}


def test_nothing_is_run_by_a_shell_and_no_text_becomes_code():
    for call in calls():
        assert ast.unparse(call.func) not in {"eval", "exec", "compile", "os.system", "os.popen"}
        assert "shell" not in {keyword.arg for keyword in call.keywords}


def test_pages_fetch_nothing_from_elsewhere_and_keep_nothing_in_the_browser():
    for file in PAGES:
        text = file.read_text()
        assert not re.search(r"""(src|href|url\()\s*=?\s*["']?(https?:)?//""", text), file
        assert not re.search(r"localStorage|sessionStorage|indexedDB|postMessage", text), file
        if file.suffix == ".js":
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), file


def test_no_template_switches_the_escaping_off_but_for_the_help_that_forms_of_ours_give():
    for file in PAGES:
        unsafe = re.findall(r"\{\{([^}]*)\|\s*safe\b|(autoescape off)", file.read_text())
        assert set(unsafe) <= {(" field.help_text", "")}, file


@given(st.text(alphabet="{}%!:.0[]_ name", max_size=40))
def test_what_people_wrote_is_no_format_of_a_sentence(text):
    assert (
        say(sentence("The value of {name} is no number.", name=text)) == f"The value of {text} is no number."
    )
