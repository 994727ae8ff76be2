"""Run one part of a training run: ``python -m latefind_train.train --config RUN.toml …``.

The part ends after the configuration's seconds or at the last step. It leaves in ``--output`` what the next
one resumes from (``part.json``, ``weights-*.bin``), ``log.jsonl`` and ``curves.png``; with ``--finish DIR``
a checkpoint for ``latefind export`` too. Sentence-transformers' trainer trains; here is what it is given.
With several GPUs start it by ``torchrun``.
"""

import argparse
import json
import os
import random
import shutil
import string
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from latefind.errors import LatefindError, UsageError
from latefind_build.progress import say
from latefind_train.collate import Collator, Prefixes, read_umlauts
from latefind_train.config import Run, read_config
from latefind_train.crossed import cross
from latefind_train.curves import draw
from latefind_train.dev import MEAN, MEAN_CROSS, measure, shorten
from latefind_train.holdout import Task, read_dev
from latefind_train.pack import read_shards
from latefind_train.parts import load_part, save_part
from latefind_train.plan import draw_plan
from latefind_train.spans import Aligner
from latefind_train.start import finish
from latefind_train.wordpiece import WordPiece

STATE = "state.pt"
"""The optimizer's state: large, so it is kept where the part ran and nowhere else."""

SMALL_DEV = (3, 10, 30)
"""Dev tasks with ``--small-dev``, and the queries and documents of each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m latefind_train.train", description="Run one part of a run."
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument(
        "--start", type=Path, required=True, help="checkpoint that latefind_train.start built"
    )
    parser.add_argument("--teacher", type=Path, required=True, help="folder of the frozen model")
    parser.add_argument("--data", type=Path, required=True, help="folder that latefind_train.prepare wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder for this part's files")
    parser.add_argument("--resume", type=Path, help="folder of the part before")
    parser.add_argument("--init", type=Path, help="folder of another run's last part: its weights only")
    parser.add_argument("--finish", type=Path, help="folder for a checkpoint to export")
    parser.add_argument("--seconds", type=int, help="in place of the configuration's")
    parser.add_argument("--steps", type=int, help="end the part after so many, if time does not before")
    parser.add_argument("--small-dev", action="store_true", help="measure on few queries: for a CPU")
    options = parser.parse_args(arguments)
    try:
        run_part(options)
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


@dataclass
class Loaded:
    """The student, the two vocabularies, and where the run stands."""

    model: Any
    aligner: Aligner
    prefixes: Prefixes
    step: int


def run_part(options: argparse.Namespace) -> None:
    """Load, train until the time is over, save, measure, draw."""
    from latefind_train.rounded import round_weights

    began = time.monotonic()
    run = read_config(options.config)
    if options.seconds is not None:
        run = replace(run, steps=replace(run.steps, seconds=options.seconds))
    options.output.mkdir(parents=True, exist_ok=True)
    log = options.output / "log.jsonl"
    log.unlink(missing_ok=True)
    if options.resume is not None and (options.resume / "log.jsonl").is_file():
        shutil.copy(options.resume / "log.jsonl", log)
    loaded = load_student(options, run)
    tasks = read_dev(options.data / "dev.xz")
    sizes = SMALL_DEV if options.small_dev else (len(tasks), run.steps.dev_queries, run.steps.dev_documents)
    tasks = shorten(tasks, *sizes)
    keep = round_weights(loaded.model[0], run.steps.rounded) if run.steps.rounded else None
    trainer = make_trainer(options, run, loaded, tasks, Log(log, loaded.step))
    stop_after(trainer, began + run.steps.seconds, options.steps)
    if loaded.step < run.steps.total:
        trainer.train()
    if keep is not None:
        keep()
    step = loaded.step + trainer.state.global_step
    if not trainer.is_world_process_zero():
        return
    weights = {name: tensor.float().cpu().numpy() for name, tensor in loaded.model.state_dict().items()}
    save_part(options.output, run.name, step, weights)
    _save_state(trainer, options.output / STATE)
    if options.finish is not None:
        _, halved = load_part(options.output)  # what a bundle is made of is what a later part resumes from
        finish(options.start, halved, options.finish)
    draw([log], options.output / "curves.png")
    say(f"{options.output}: step {step} of {run.steps.total} after {time.monotonic() - began:.0f} s")


def load_student(options: argparse.Namespace, run: Run) -> Loaded:
    """Load the model of ``--start`` with the weights of ``--resume``."""
    import torch
    from sentence_transformers import MultiVectorEncoder

    random.seed(run.seed)
    np.random.seed(run.seed)  # what the trainer's libraries draw from
    torch.manual_seed(run.seed)
    # No token's embedding needs the pooler, and with several GPUs weights without a gradient are an error.
    model = MultiVectorEncoder(str(options.start), model_kwargs={"add_pooling_layer": False})
    step = 0
    before = options.resume or options.init
    if before is not None:
        part, weights = load_part(before)
        if options.resume is not None and part.run != run.name:
            raise UsageError.expected("--resume", f"a part of {run.name!r}", f"{part.run!r}; --init takes it")
        model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()}, strict=True)
        step = part.step if options.resume is not None else 0
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = run.steps.dropout
    student = WordPiece(options.start / "tokenizer.json")
    expansion = model[0].query_expansion
    prefixes = Prefixes(
        query=student.tokenizer.token_to_id(model.prompts["query"]),
        document=student.tokenizer.token_to_id(model.prompts["document"]),
        expanded=expansion["length"] if expansion else None,
    )
    return Loaded(model, Aligner(WordPiece(options.teacher / "tokenizer.json"), student), prefixes, step)


def make_trainer(
    options: argparse.Namespace, run: Run, loaded: Loaded, tasks: Mapping[str, Task], log: "Log"
) -> Any:
    """Return sentence-transformers' trainer with our data, losses and schedule."""
    from datasets import Dataset, DatasetDict
    from sentence_transformers import MultiVectorEncoderTrainer

    data = run.data
    texts = read_shards([options.data / name for name in data.shards], loaded.aligner.teacher)
    left = max(run.steps.total - loaded.step, 1)
    # The seed has the step, so that a resumed part does not see the rows of the one before again.
    seed = (run.seed, loaded.step)
    crossed = None
    if run.mix.get("crossed"):
        crossed = cross(texts["pairs"], texts["parallel"], loaded.aligner.teacher)
        say(f"crossed: {crossed.rows:,} sentences in English passages")
    plan = draw_plan(texts, crossed, run.mix, left, run.steps.batch, data, seed)
    collator = Collator(
        texts,
        loaded.aligner,
        loaded.prefixes,
        run,
        read_umlauts(options.data / data.umlauts, loaded.aligner.teacher),
        np.load(options.data / data.negatives) if data.negatives else None,
        crossed,
    )
    optimizer, schedule = make_optimizer(loaded, run, _find_state(options))

    class RowsTrainer(MultiVectorEncoderTrainer):
        def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
            """Leave the model card out: it looks for text in the rows, which are numbers."""

    return RowsTrainer(
        model=loaded.model,
        args=make_arguments(options.output, run, left),
        train_dataset=DatasetDict({task: Dataset.from_dict({"row": rows}) for task, rows in plan.items()}),
        loss=make_losses(options, run, loaded, list(plan)),
        evaluator=make_evaluator(tasks, run, log),
        data_collator=collator,
        optimizers=(optimizer, schedule),
        callbacks=[_log_callback(log)],
    )


def make_arguments(output: Path, run: Run, left: int) -> Any:
    """Return the trainer's arguments: ``left`` steps in the plan's order, no checkpoints of its own."""
    import torch
    from sentence_transformers import MultiVectorEncoderTrainingArguments
    from sentence_transformers.base.sampler import DefaultBatchSampler
    from torch.utils.data import SequentialSampler

    def in_order(dataset: Any, batch_size: int, drop_last: bool, **_: Any) -> DefaultBatchSampler:
        return DefaultBatchSampler(SequentialSampler(dataset), batch_size=batch_size, drop_last=drop_last)

    has_gpu = torch.cuda.is_available()
    return MultiVectorEncoderTrainingArguments(
        output_dir=str(output / "trainer"),
        max_steps=left,
        per_device_train_batch_size=run.steps.batch,
        batch_sampler=in_order,
        bf16=run.steps.bf16 and has_gpu,
        use_cpu=not has_gpu,
        seed=run.seed,
        data_seed=run.seed,
        dataloader_num_workers=run.steps.workers,
        dataloader_prefetch_factor=4 if run.steps.workers else None,
        dataloader_drop_last=True,
        eval_strategy="steps",
        eval_steps=run.steps.eval_every,
        logging_steps=run.steps.log_every,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        max_grad_norm=1.0,
    )


def make_losses(
    options: argparse.Namespace, run: Run, loaded: Loaded, tasks: Sequence[str]
) -> dict[str, Any]:
    """Return a loss for each task; the teacher and the codec are the same in all."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel

    from latefind_train.loss_modules import ParallelLoss, RetrievalLoss, Teacher
    from latefind_train.shipped import ResidualCodec

    vocabulary = loaded.aligner.teacher
    skipped = [vocabulary.tokenizer.token_to_id(character) for character in string.punctuation]
    transformer = AutoModel.from_pretrained(options.teacher, add_pooling_layer=False)
    axes = load_file(options.start / "1_Dense/model.safetensors")["linear.weight"]
    if axes.shape[1] != transformer.config.hidden_size:  # a thinner student starts from other axes
        axes = torch.eye(transformer.config.hidden_size)[: axes.shape[0]]
        if run.losses.cross_pooled:
            raise UsageError.expected(
                f"{options.config}: losses.cross_pooled", "0 where the student is thinner", "another weight"
            )
    teacher = Teacher(transformer, skipped, axes)
    codec = ResidualCodec(axes.shape[0]) if run.losses.shipped else None
    kinds = {task: ParallelLoss if task in ("parallel", "crossed") else RetrievalLoss for task in tasks}
    return {task: kind(loaded.model, teacher, run.losses, codec) for task, kind in kinds.items()}


def make_optimizer(loaded: Loaded, run: Run, state: Any) -> tuple[Any, Any]:
    """Return AdamW and its schedule: up, down to zero at the last step, wherever this part begins."""
    import torch

    steps = run.steps
    factors = {"1.": steps.head_rate, "0.model.embeddings.word": steps.embedding_rate}
    groups: dict[tuple[float, bool], list[Any]] = {}
    for name, parameter in loaded.model.named_parameters():
        factor = next((own for start, own in factors.items() if name.startswith(start)), 1.0)
        groups.setdefault((factor, parameter.ndim > 1), []).append(parameter)
    optimizer = torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": steps.rate * factor,
                "weight_decay": steps.decay if is_matrix else 0.0,
            }
            for (factor, is_matrix), parameters in groups.items()
        ],
        betas=(0.9, 0.98),
    )
    if state is not None:
        rates = [group["lr"] for group in optimizer.param_groups]
        optimizer.load_state_dict(state)
        for group, rate in zip(
            optimizer.param_groups, rates, strict=True
        ):  # not where the schedule left them
            group["lr"] = group["initial_lr"] = rate
    anew = loaded.step > 0 and state is None
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate_of(run, loaded.step, anew))


def rate_of(run: Run, first: int, anew: bool) -> Callable[[int], float]:
    """Return the factor of the learning rate by step of a part that begins at step ``first``."""
    steps = run.steps

    def rate(step: int) -> float:
        at = first + step
        factor = min(1.0, (at + 1) / max(steps.warmup, 1)) * max(0.0, 1 - at / steps.total)
        return factor * (min(1.0, (step + 1) / max(steps.rewarm, 1)) if anew else 1.0)

    return rate


def _find_state(options: argparse.Namespace) -> Any:
    """Return the optimizer's state of the part before where it still lies beside it."""
    import torch

    path = options.resume / STATE if options.resume is not None else None
    return torch.load(path, weights_only=True) if path is not None and path.is_file() else None


def _save_state(trainer: Any, path: Path) -> None:
    import torch

    torch.save(trainer.optimizer.state_dict(), path)


class Log:
    """``log.jsonl``: what the trainer logs and what is measured, each with its step of the whole run."""

    def __init__(self, path: Path, first: int) -> None:
        self.path, self.first, self.began = path, first, time.monotonic()

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Append one line; with several GPUs, their first process does."""
        if os.environ.get("RANK", "0") != "0":
            return
        entry = {"step": self.first + step, "seconds": round(time.monotonic() - self.began, 1)}
        rounded = {name: float(f"{value:.5g}") for name, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry | rounded) + "\n")


def _log_callback(log: Log) -> Any:
    from transformers import TrainerCallback

    class Callback(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero and logs and "loss" in logs:
                numbers = {
                    key: float(value) for key, value in logs.items() if isinstance(value, (int, float))
                }
                log.write(state.global_step, numbers)

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_evaluate = True

    return Callback()


def make_evaluator(tasks: Mapping[str, Task], run: Run, log: Log) -> Any:
    """Return an evaluator for the trainer that also writes to the log."""
    from sentence_transformers.base.evaluation import BaseEvaluator

    class Evaluator(BaseEvaluator):
        primary_metric = MEAN

        def __call__(self, model: Any, output_path: Any = None, epoch: Any = -1, steps: int = -1) -> Any:
            found = measure(model, tasks, run.losses.widths)
            log.write(max(steps, 0), {f"ndcg {name}": value for name, value in found.items()})
            step = log.first + max(steps, 0)
            say(f"step {step}: dev {found[MEAN]:.4f}, across languages {found[MEAN_CROSS]:.4f}")
            return {f"eval_{name}": value for name, value in found.items()}

    return Evaluator()


def stop_after(trainer: Any, deadline: float, steps: int | None = None) -> None:
    """Make the trainer stop at ``deadline`` (monotonic) or after ``steps``, and measure before and after."""
    import torch
    from transformers import TrainerCallback

    def is_over() -> bool:
        late = time.monotonic() >= deadline
        if not torch.distributed.is_initialized():
            return late
        # All processes stop at the same step, or some wait for ever.
        any_late = torch.tensor(late, dtype=torch.int32, device=trainer.args.device)
        torch.distributed.all_reduce(any_late, torch.distributed.ReduceOp.MAX)
        return bool(any_late.item())

    class Callback(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            trainer.evaluator(trainer.model, steps=0)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if is_over() or state.global_step >= min(steps or state.max_steps, state.max_steps):
                control.should_training_stop = control.should_evaluate = control.should_log = True

    trainer.add_callback(Callback())


if __name__ == "__main__":
    sys.exit(main())
