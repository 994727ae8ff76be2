"""Train on 200 examples, from text to a searched index: a proof that everything works, and no more than that.

::

    python tests/bench/train_proof.py --train-python .venv-train/bin/python --base all-MiniLM-L6-v2 \\
        --texts train/ --eval sets/ --set emanual-s10 --work proof/

Training runs in an environment with the extra ``train``, whose Python is named; the rest in this one, with
the extra ``export``. Prepares, builds a start, trains a part, resumes without the optimizer's state, exports,
and measures the bundle on one set.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIG = REPOSITORY / "exporter" / "latefind_train" / "configs" / "proof.toml"
LANGUAGES = "en,de,es,fr,it,nl,pt"
FIRST_PART = 12
"""Steps of the first part, of 25: the second one resumes."""


def main() -> None:
    options = _parse()
    work: Path = options.work.resolve()
    own, data, start = sys.executable, work / "data", work / "start"
    trained = [
        *(options.train_python, "-m", "latefind_train.train", "--config", str(CONFIG), "--start", str(start)),
        *("--teacher", str(options.base), "--data", str(data), "--small-dev"),
    ]
    run(
        *(own, "-m", "latefind_train.prepare", "--texts", str(options.texts), "--eval", str(options.eval)),
        *("--tokenizer", str(options.base / "tokenizer.json"), "--output", str(data)),
        *("--limit", str(options.rows)),
    )
    run(
        *(own, "-m", "latefind_train.start", "--base", str(options.base), "--data", str(data)),
        *("--output", str(start), "--passages", "60", "--keep", "18000", "--add", "2000"),
    )
    run(*trained, "--output", str(work / "a"), "--steps", str(FIRST_PART))
    (work / "a" / "state.pt").unlink()  # it is not carried from machine to machine
    checkpoint, bundle = work / "checkpoint", work / "bundle"
    run(*trained, "--resume", str(work / "a"), "--output", str(work / "b"), "--finish", str(checkpoint))
    command = Path(own).with_name("latefind")
    run(
        *(str(command), "export", str(checkpoint), "--output", str(bundle), "--quantize", "int8+emb4"),
        *("--license", "Apache-2.0", "--languages", LANGUAGES, "--name", "proof"),
    )
    run(
        *(own, str(REPOSITORY / "tests/bench/model.py"), "--model", f"proof={bundle}"),
        *("--texts", str(options.eval), "--sets", options.set, "--work", str(work / "bench")),
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train-python", required=True, help="the interpreter of the training environment")
    parser.add_argument("--base", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--texts", type=Path, required=True, help="folder of the training files")
    parser.add_argument("--eval", type=Path, required=True, help="folder of sets")
    parser.add_argument("--set", default="emanual-s10", help="the set to measure on")
    parser.add_argument("--rows", type=int, default=2000, help="rows of each file that are prepared")
    parser.add_argument("--work", type=Path, required=True)
    return parser.parse_args()


def run(*command: str) -> None:
    """Run a step and say how long it took; end the program where it fails."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(REPOSITORY / name) for name in ("py", "build", "exporter")),
        "TOKENIZERS_PARALLELISM": "false",
    }
    began = time.monotonic()
    print(f"$ {' '.join(command)}", flush=True)
    code = subprocess.run(command, env=environment, check=False).returncode
    print(f"  {time.monotonic() - began:.0f} s", flush=True)
    if code:
        raise SystemExit(f"the step above ended with {code}")


if __name__ == "__main__":
    main()
