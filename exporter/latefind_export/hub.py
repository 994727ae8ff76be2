"""Find a checkpoint: a folder, or ``owner/name`` on the model hub through huggingface_hub.

The library caches what it downloads, resumes what was interrupted, and obeys its environment variables, such
as ``HF_HUB_OFFLINE``, ``HF_HOME`` and ``HF_TOKEN``. Of a repository only the files of a checkpoint are
fetched: JSON, vocabularies, the card, safetensors. Never pickles; code only where the user trusts it, and
then only of one commit that the user named.
"""

import errno
import glob
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import huggingface_hub
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from latefind.errors import ModelError, UsageError
from latefind_export.custom_code import check_custom_code
from latefind_export.layout_files import CONVERT

HUB_NAME = re.compile(r"[\w][\w.-]*/[\w][\w.-]*", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{40}")

VOCABULARIES = ("spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
SMALL = (".json", ".txt", "README.md", "artifact.metadata", *VOCABULARIES)
"""Ends of the names of the files that say what a checkpoint is."""

WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
MODULE_FOLDER = re.compile(r"\d+_\w+")
"""Folders of modules, such as ``1_Dense``; others hold exports to other formats, or training states."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Location:
    """A checkpoint's folder, and its name for messages: the folder's own, or ``owner/name@commit``."""

    folder: Path
    source: str


def locate(checkpoint: str, revision: str | None = None, trust_remote_code: bool = False) -> Location:
    """Return where the checkpoint lies, downloading it first where it is one of the hub's.

    Parameters
    ----------
    checkpoint : str
        A folder, or ``owner/name``; a folder of that name wins.
    revision : str or None
        Branch, tag or commit of the hub's repository; None is its main branch.
    trust_remote_code : bool
        Whether the checkpoint's own code may be fetched. ``revision`` must be a commit then.

    Raises
    ------
    UsageError
        There is no such folder and it cannot be a name of the hub's; or the revision is not what it must be.
    ModelError
        The hub cannot be asked, has no such repository, or only weights that can run code.
    """
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        if revision is not None:
            raise UsageError.expected(
                "--revision", f"a name of the hub's with it, since {path} is a folder", repr(revision)
            )
        return Location(path, path.resolve().name)
    if path.exists():
        raise UsageError.expected(path, "a checkpoint's folder", "a file", "Name the folder that it lies in.")
    if not HUB_NAME.fullmatch(checkpoint):
        raise UsageError.expected(
            checkpoint,
            "a folder that exists, or owner/name of a model on the hub",
            "neither",
            "Check the path.",
        )
    if trust_remote_code and not (revision and COMMIT.fullmatch(revision)):
        raise UsageError.expected(
            "--trust-remote-code",
            "--revision with the commit, 40 hex digits, whose code you have read",
            repr(revision) if revision else "none",
        )
    folder = _download(checkpoint, revision or constants.DEFAULT_REVISION, trust_remote_code)
    return Location(folder, f"{checkpoint}@{folder.name}")


def _download(name: str, revision: str, trusted: bool) -> Path:
    if constants.HF_HUB_OFFLINE:
        return _ask(name, revision, lambda: _snapshot(name, revision, None))
    info = _ask(name, revision, lambda: huggingface_hub.HfApi().model_info(name, revision=revision))
    files = [file.rfilename for file in info.siblings or [] if _belongs(file.rfilename)]
    weights = [file for file in files if WEIGHTS.fullmatch(PurePosixPath(file).name)]
    if not weights:
        others = [file for file in files if file.endswith((".bin", ".pt", ".h5"))]
        if others:
            raise ModelError.expected(name, "model.safetensors", ", ".join(others), CONVERT)
        raise ModelError.expected(
            name, "a checkpoint with model.safetensors", "no weights", "Check the name."
        )
    small = [file for file in files if file.endswith(SMALL) or (trusted and file.endswith(".py"))]
    # What the checkpoint is comes first: weights that are of no use are not fetched.
    folder = _ask(name, revision, lambda: _snapshot(name, revision, small))
    check_custom_code(folder, trusted)
    return _ask(name, revision, lambda: _snapshot(name, revision, [*small, *weights]))


def _belongs(file: str) -> bool:
    parts = PurePosixPath(file).parts
    return len(parts) == 1 or (len(parts) == 2 and MODULE_FOLDER.fullmatch(parts[0]) is not None)


def _snapshot(name: str, revision: str, files: Iterable[str] | None) -> Path:
    patterns = None if files is None else [glob.escape(file) for file in files]
    return Path(huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=patterns))


def _ask(name: str, revision: str, request: Callable[[], _T]) -> _T:
    """Return what ``request`` to the hub returns, its errors said in our form."""
    try:
        return request()
    except GatedRepoError as error:
        raise ModelError.expected(
            name,
            "a model that can be downloaded",
            "one behind a gate",
            "Accept its terms on the hub, then set HF_TOKEN to a token of your account.",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError.expected(
            name,
            "a folder here, or a model on the hub",
            "neither",
            "Check the name; a private model needs HF_TOKEN.",
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError.expected(
            name, "a branch, tag or commit of the repository", repr(revision), "Check --revision."
        ) from error
    except LocalEntryNotFoundError as error:
        if constants.HF_HUB_OFFLINE:
            raise ModelError.expected(
                name,
                f"revision {revision!r} in the cache {constants.HF_HUB_CACHE}, since HF_HUB_OFFLINE is set",
                "nothing",
                "Run the command once with network.",
            ) from error
        raise _interrupted(name, error) from error
    except HFValidationError as error:
        raise UsageError.expected(name, "a name of the hub's", str(error)) from error
    except HfHubHTTPError as error:
        raise ModelError.expected(
            name, "an answer of the hub", str(error).splitlines()[0], "Try again later."
        ) from error
    except (OSError, RuntimeError) as error:  # requests raises the first, hf_xet the second
        if getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error):
            raise ModelError.expected(
                constants.HF_HUB_CACHE,
                f"room for {name}",
                "a full disk",
                "Free some space, or name another folder in HF_HOME; what is there already is kept.",
            ) from error
        raise _interrupted(name, error) from error


def _interrupted(name: str, error: Exception) -> ModelError:
    reason = " ".join(str(error.__cause__ or error).split())
    return ModelError.expected(
        name,
        f"its files from {constants.ENDPOINT}",
        f"a failure on the way ({reason[:300]})",
        "Run the command again: it goes on where it stopped. HF_HUB_OFFLINE=1 uses what is cached already.",
    )
