"""The options of a training step, which several commands share."""

from __future__ import annotations

import argparse

from archcalc.commands.arguments import positive
from archcalc.memory_use.losses import LOSSES
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.memory_use.options import DEVICES, TRAINING_DTYPES, TrainingOptions

_USUAL = TrainingOptions()


def add_training(parser: argparse._ActionsContainer) -> None:
    """An option for each field of `TrainingOptions`."""

    def add(option: str, metavar: str, meaning: str, default: object) -> None:
        help = f"{meaning} (default {default})"
        parser.add_argument(option, metavar=metavar, default=default, help=help)

    add("--dtype", "TYPE", ", ".join(TRAINING_DTYPES), _USUAL.dtype)
    add("--optimizer", "NAME", ", ".join(OPTIMIZERS), _USUAL.optimizer)
    add("--loss", "NAME", f"of each output: {', '.join(LOSSES)}", _USUAL.loss)
    add("--device", "DEVICE", f"where torch runs the step: {', '.join(DEVICES)}", _USUAL.device)
    parser.add_argument(
        "--foreach", action=argparse.BooleanOptionalAction,
        help="whether the optimizer updates all tensors at once (default: on cuda)",
    )  # fmt: skip
    parser.add_argument(
        "--accumulate", type=positive, default=_USUAL.accumulate, metavar="N",
        help="gradients are summed up over so many batches before the optimizer steps (default 1)",
    )  # fmt: skip

    parser.add_argument(
        "--freeze", type=_patterns, action="extend", default=[], metavar="PATTERN",
        help="layers and blocks that do not learn, such as 'layer1,*.bn?' (again for more of them)",
    )  # fmt: skip


def _patterns(text: str) -> list[str]:
    return text.split(",")


def training_options(arguments: argparse.Namespace) -> TrainingOptions:
    """How the network is trained, as the options say."""
    given = {field: getattr(arguments, field) for field in TrainingOptions.__match_args__}
    return TrainingOptions(**given | {"freeze": tuple(arguments.freeze)})
