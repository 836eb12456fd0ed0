"""The servers' programs, as pip installed them, where the user that servers run as can run them."""

import shutil
import stat
from importlib import metadata, util
from pathlib import Path

from breastrisk.embedded.account import SERVER_ENVIRONMENT, server_account
from breastrisk.embedded.process import ServerFailed, run
from breastrisk.embedded.state import StateDirectory


def find_program(state: StateDirectory, package: str, program: str) -> Path:
    """The path of a program of an installed package, or of a copy in the state directory.

    Root's environment is often in a home that no other user may enter.

    Parameters
    ----------
    program
        The path of the program inside the package.
    """
    installed = _folder_of(package)
    if _can_run(installed / package / program):
        return installed / package / program
    copy = state.path / f"{package}-{metadata.version(package)}"
    if not copy.exists():
        _copy(installed, package, copy)
    return copy / package / program


def major_version(package: str) -> str:
    """The first part of the package's version, which is that of the server in it."""
    return metadata.version(package).split(".")[0]


def _folder_of(package: str) -> Path:
    spec = util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed: pip install -r requirements.txt")
    return Path(spec.origin).parents[1]


def _can_run(program: Path) -> bool:
    """Trying is the only answer that counts modes, ACLs, mounts and libraries."""
    try:
        run([str(program), "--version"], environment=SERVER_ENVIRONMENT, account=server_account())
    except (PermissionError, ServerFailed):
        return False
    return True


def _copy(installed: Path, package: str, copy: Path) -> None:
    """Copy the package, and the libraries that its programs look for beside it."""
    draft = copy.with_name(f"{copy.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    for folder in (package, f"{package}.libs"):
        if (installed / folder).exists():
            shutil.copytree(installed / folder, draft / folder)
    for path in (draft, *draft.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o444 | (0o111 if mode & stat.S_IXUSR else 0))
    draft.rename(copy)
