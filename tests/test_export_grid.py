"""Coarse grids and how weights are rounded to them, against naive forms."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_encoders import random_weight

from latefind_export.grid import LARGEST, column_steps, find_steps, shorten, table_step, to_grid
from latefind_export.rounding import DAMPING, round_with_feedback


def random_inputs(count: int, width: int) -> npt.NDArray[np.float64]:
    """Return correlated inputs (count, width), some of which are much larger than others."""
    random = np.random.default_rng(5)
    mixed = random.normal(size=(count, width)) @ random.normal(size=(width, width))
    return mixed * np.exp(random.normal(size=width))


def entropy(integers: npt.NDArray[np.int8]) -> float:
    counts = np.unique(integers, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def round_naively(
    weight: npt.NDArray[np.float32], moment: npt.NDArray[np.float64], steps: npt.NDArray[np.float32]
) -> npt.NDArray[np.int8]:
    """Round input after input; after each, solve anew for those that are left, by least squares."""
    inputs = len(weight)
    damped = moment + np.eye(inputs) * DAMPING * np.diag(moment).mean()
    wanted, found = weight.astype(np.float64), np.zeros(weight.shape)
    levels = np.zeros(weight.shape, np.int8)
    order = np.argsort(-np.diag(moment), kind="stable")
    left = wanted.copy()
    for position, row in enumerate(order):
        levels[row] = np.clip(np.rint(left[row] / steps), -LARGEST, LARGEST)
        found[row] = levels[row] * steps
        done, rest = order[: position + 1], order[position + 1 :]
        errors = (wanted - found)[done]
        left[rest] = wanted[rest] + np.linalg.solve(
            damped[np.ix_(rest, rest)], damped[np.ix_(rest, done)] @ errors
        )
    return levels


# ------------------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("coarseness", [0.25, 0.5, 0.9])
def test_integers_of_a_grid_carry_the_bits_that_its_coarseness_says(coarseness: float) -> None:
    weight = np.random.default_rng(1).normal(size=(4000, 8)).astype(np.float32)
    integers = to_grid(weight, column_steps(weight, coarseness))
    assert entropy(integers) == pytest.approx(2.05 - math.log2(coarseness), abs=0.05)


def test_steps_are_wide_enough_for_outliers() -> None:
    weight = random_weight(2000, 3)
    weight[7, 1] = 1000
    steps = column_steps(weight, 0.2)
    assert to_grid(weight, steps)[7, 1] == LARGEST
    assert LARGEST * steps[1] == pytest.approx(1000, rel=1e-3)
    assert np.abs(to_grid(weight, steps) * steps - weight)[:, [0, 2]].max() <= steps.max() * 0.5001


def test_two_outliers_of_a_column_do_not_overflow_16_bits() -> None:
    weight = random_weight(2000, 3)
    weight[[7, 900], 1] = 1000, -990
    integers = to_grid(weight, column_steps(weight, 0.2)).astype(int)
    pairs = np.sort(np.abs(integers), axis=0)[-2:].sum(axis=0)
    assert pairs[1] == 128
    assert 255 * pairs.max() < 2**15


def test_weights_of_zero_stay_zero() -> None:
    weight = random_weight(6, 3)
    weight[:, 1] = 0
    assert not to_grid(weight, column_steps(weight, 0.5))[:, 1].any()


@given(st.floats(0.2, 1.2), st.integers(0, 1000))
def test_weights_on_a_grid_keep_it(coarseness: float, seed: int) -> None:
    weight = np.random.default_rng(seed).normal(size=(200, 5)).astype(np.float32)
    steps = column_steps(weight, coarseness)
    integers = to_grid(weight, steps)
    again = (integers * steps).astype(np.float16).astype(np.float32)
    assert np.array_equal(to_grid(again, column_steps(again, 0.37)), integers)


def test_weights_off_a_grid_have_no_steps_of_their_own() -> None:
    assert find_steps(random_weight(40, 8)) is None


def test_table_has_one_step() -> None:
    table = random_weight(300, 16)
    step = table_step(table, 0.8)
    assert step.shape == ()
    assert float(step) == pytest.approx(0.8 * table.std(), rel=1e-3)
    assert float(table_step(np.zeros((3, 2), np.float32), 0.8)) > 0


@given(st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100))
def test_shorten_keeps_ten_bits_of_the_mantissa(value: float) -> None:
    (short,) = shorten(np.float32([value]))
    assert short.view(np.uint32) & 0x1FFF == 0
    assert abs(float(short) - value) <= abs(value) * 2**-11 + 1e-41
    assert shorten(np.array([short])) == short


# ---------------------------------------------------------------------------------------- rounding


@pytest.mark.parametrize("width", [5, 70, 130])  # less than a block, and blocks that are not full
def test_rounding_with_feedback_is_the_naive_one(width: int) -> None:
    weight = random_weight(width, 4)
    inputs = random_inputs(400, width)
    moment = inputs.T @ inputs / len(inputs)
    steps = column_steps(weight, 0.5)
    got = round_with_feedback(weight, moment, steps)
    naive = round_naively(weight, moment, steps)
    assert (got == naive).mean() > 0.99  # a tie may fall to either side


def test_rounding_with_feedback_changes_outputs_less_than_plain_rounding() -> None:
    weight = random_weight(60, 8)
    inputs = random_inputs(2000, 60)
    steps = column_steps(weight, 0.5)
    moment = inputs[:1000].T @ inputs[:1000] / 1000

    def error(integers: npt.NDArray[np.int8]) -> float:
        return float(np.square(inputs[1000:] @ (integers * steps - weight)).mean())

    assert error(round_with_feedback(weight, moment, steps)) < 0.5 * error(to_grid(weight, steps))


def test_rounding_by_independent_inputs_is_plain() -> None:
    weight = random_weight(30, 4)
    steps = column_steps(weight, 0.5)
    assert np.array_equal(round_with_feedback(weight, 3 * np.eye(30), steps), to_grid(weight, steps))


def test_rounding_without_any_input_is_plain() -> None:
    weight = random_weight(30, 4)
    steps = column_steps(weight, 0.5)
    assert np.array_equal(round_with_feedback(weight, np.zeros((30, 30)), steps), to_grid(weight, steps))
