"""The error tree, shared by the builder, the native engine and the browser.

::

    LatefindError               code "error"       exit 1
    ├── UsageError              code "usage"       exit 2   the call was wrong: an option, a missing folder
    ├── InputError              code "input"       exit 1   content that cannot be used: a record, a site
    ├── ModelError              code "model"       exit 1   a model bundle that is missing or damaged
    │   └── TokenizerError      code "tokenizer"   exit 1   a tokenizer.json that we cannot reproduce exactly
    ├── FormatError             code "format"      exit 1   a part or manifest that is not what it claims
    │   ├── VersionError        code "version"     exit 1   a format version that this code does not read
    │   └── IntegrityError      code "integrity"   exit 1   bytes that do not match the manifest's SHA-256
    └── RuntimeFilesError       code "runtime"     exit 1   files of Pyodide or onnxruntime-web not to be had

Messages have one form: ``<file or option>: expected X, got Y. <what to do>``. The browser shows the same
text: errors cross from the worker as ``{code, message, detail}``.
"""

from typing import Self


class LatefindError(Exception):
    """Base of every error that latefind raises on purpose."""

    code = "error"
    exit_code = 1

    @classmethod
    def expected(cls, where: object, expected: str, got: str, do: str = "") -> Self:
        """Build the error from the four pieces of the message form."""
        return cls(f"{where}: expected {expected}, got {got}." + (f" {do}" if do else ""))


class UsageError(LatefindError):
    """The call was wrong: an option out of range, a folder that does not exist."""

    code = "usage"
    exit_code = 2


class InputError(LatefindError):
    """Content that cannot be used: a record without an id, a site without text."""

    code = "input"


class ModelError(LatefindError):
    """A model bundle that is missing, damaged or unsupported."""

    code = "model"


class TokenizerError(ModelError):
    """A tokenizer component that :mod:`latefind.tokenizer` cannot reproduce exactly."""

    code = "tokenizer"


class FormatError(LatefindError):
    """An index part or manifest that is not what it claims to be."""

    code = "format"


class VersionError(FormatError):
    """A format version that this code does not read."""

    code = "version"


class IntegrityError(FormatError):
    """Bytes that do not match the SHA-256 that the manifest names."""

    code = "integrity"


class RuntimeFilesError(LatefindError):
    """Files of Pyodide, NumPy or onnxruntime-web that are not to be had."""

    code = "runtime"
