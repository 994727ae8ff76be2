"""Write the golden files of the current format version, from the examples in tests/format_examples.py.

Only for a new version: golden files of a released version are never edited.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import format_examples as examples

examples.GOLDEN.mkdir(parents=True, exist_ok=True)
for name, data in examples.FILES.items():
    (examples.GOLDEN / name).write_bytes(data)
