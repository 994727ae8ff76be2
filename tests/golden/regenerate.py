"""Write the golden files of the current format version, from the examples in tests/format_examples.py.

Only for a new version: golden files of a released version are never edited.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import format_examples as examples

from latefind.format import write_sections, write_vectors

folder = examples.GOLDEN
folder.mkdir(parents=True, exist_ok=True)
(folder / "vectors.bin").write_bytes(write_vectors(examples.SHARD))
(folder / "sections.bin").write_bytes(write_sections(4, examples.SECTIONS, 9, examples.PASSAGES))
