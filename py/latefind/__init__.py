"""Late interaction over a compact index: what the builder and the browser share.

Everything in this package imports only the standard library and NumPy and runs the same under
CPython 3.11+ and Pyodide. The one exception, :mod:`latefind.bridge`, knows that Pyodide exists.
"""

__version__ = "0.1.0"
