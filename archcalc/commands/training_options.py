"""The options of a training step, which several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from archcalc.commands.arguments import positive
from archcalc.memory_use.losses import LOSSES
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.memory_use.options import DEVICES, TRAINING_DTYPES, TrainingOptions

_USUAL = TrainingOptions()


def add_training(parser: argparse._ActionsContainer) -> None:
    """An option for each field of `TrainingOptions`."""
    _add(parser, "--dtype", "TYPE", ", ".join(TRAINING_DTYPES), _USUAL.dtype)
    _add(parser, "--optimizer", "NAME", ", ".join(OPTIMIZERS), _USUAL.optimizer)
    where = f"where torch runs the step: {', '.join(DEVICES)}"
    _add(parser, "--device", "DEVICE", where, _USUAL.device)
    add_step(parser)


def add_step(parser: argparse._ActionsContainer) -> None:
    """Those of them that are of nothing but a training step."""
    of_each = f"of each output: {', '.join(LOSSES)}"
    _add(parser, "--loss", "NAME", of_each, _USUAL.loss)
    parser.add_argument(
        "--foreach", action=argparse.BooleanOptionalAction,
        help="whether the optimizer updates all tensors at once (default: on cuda)",
    )  # fmt: skip
    parser.add_argument(
        "--accumulate", type=positive, default=_USUAL.accumulate, metavar="N",
        help="gradients are summed up over so many batches before the optimizer steps (default 1)",
    )  # fmt: skip
    parser.add_argument(
        "--master", action="store_true",
        help="the optimizer works on copies of the parameters in float32 (half precision only)",
    )  # fmt: skip
    parser.add_argument(
        "--freeze", type=_patterns, action="extend", default=[], metavar="PATTERN",
        help="layers and blocks that do not learn, such as 'layer1,*.bn?' (again for more of them)",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint", type=_patterns, action="extend", default=[], metavar="PATTERN",
        help="those that run again in the backward pass; conv2..relu5 is from layer to layer; "
        "auto is the cut that needs the least memory",
    )  # fmt: skip


def _add(
    parser: argparse._ActionsContainer, option: str, metavar: str, meaning: str, default: object
) -> None:
    help = f"{meaning} (default {default})"
    parser.add_argument(option, metavar=metavar, default=default, help=help)


def _patterns(text: str) -> list[str]:
    return text.split(",")


def training_options(arguments: argparse.Namespace) -> TrainingOptions:
    """How the network is trained, as the options say."""
    return _options_in(vars(arguments))


def ways_to_train(arguments: argparse.Namespace) -> list[TrainingOptions]:
    """Those of `add_step` with each of several optimizers; in which dtype and where, others say."""
    usual = {"dtype": _USUAL.dtype, "device": _USUAL.device}
    given = vars(arguments) | usual
    return [_options_in(given | {"optimizer": optimizer}) for optimizer in arguments.optimizer]


def _options_in(given: Mapping[str, Any]) -> TrainingOptions:
    fields = {field: given[field] for field in TrainingOptions.__match_args__}
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return TrainingOptions(**fields | lists)
