"""`archcalc verify`: the rules beside what torch measures, layer by layer."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from archcalc.api.progress import progress
from archcalc.commands import message
from archcalc.commands.arguments import (
    add_batch,
    add_changes,
    add_exact,
    add_format,
    add_network,
    graph_of,
)
from archcalc.commands.printing import columns, form_of, give
from archcalc.commands.training_options import add_step, ways_to_train
from archcalc.errors import ArchcalcError, MeasurementError, UsageError, require_known
from archcalc.graph import Graph
from archcalc.hardware.device import device_names, find_device
from archcalc.loading import listed
from archcalc.memory_use.optimizers import OPTIMIZERS
from archcalc.memory_use.options import TrainingOptions
from archcalc.render.numbers import things
from archcalc.render.output import json_text, part_text
from archcalc.render.verify import VerificationsDocument, VerifyDocument, comparison_lines
from archcalc.spec.library import network_names
from archcalc.torch_backend import require_torch
from archcalc.verification import COUNTED, SUBJECTS, VERIFIED_DTYPES, Comparison, Conditions

_DEFAULT = ",".join(COUNTED)


EXAMPLES = (
    "archcalc verify resnet18 --what all --device cpu",
    "archcalc verify resnet18 --what memory --optimizer sgd,adam --dtype mixed",
    "archcalc verify resnet18 --module mine.models:ResNet18",
)
FAILS = "a figure differs, or a network cannot be measured"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    add_network(parser, "names", "networks, FILE or FILE#VARIANT", nargs="*")
    parser.add_argument(
        "--module", metavar="PACKAGE:NAME",
        help="your own torch module beside the network, such as mine.models:ResNet: where it is "
        "imported from, and what makes it without arguments",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="all networks that archcalc knows")
    parser.add_argument(
        "--what", type=listed, default=_DEFAULT, metavar="A,B,…",
        help=f"{', '.join(SUBJECTS)}, or all (default {_DEFAULT})",
    )  # fmt: skip
    parser.add_argument(
        "--device", default="auto", metavar="DEVICE",
        help="cpu, cuda, cuda:0 …, meta, or auto: a GPU where there is one (default)",
    )  # fmt: skip
    add_changes(parser)
    add_batch(parser, VERIFIED_DTYPES)
    parser.add_argument(
        "--profile", metavar="DEVICE",
        help=f"whose best the times are compared with: {', '.join(device_names())}, or a FILE",
    )  # fmt: skip
    step = parser.add_argument_group("the training step, which is under memory")
    step.add_argument(
        "--optimizer", type=listed, default="sgd", metavar="A,B,…",
        help=f"one after the other: {', '.join(OPTIMIZERS)} (default sgd)",
    )  # fmt: skip
    add_step(step)
    add_exact(parser)
    add_format(parser)
    parser.add_argument(
        "--save", metavar="FOLDER", help="also write the results there, as pages and as JSON"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints each network's comparison, in text and JSON as soon as it is done.

    1 if a figure differs, or a network, or all of a subject that was asked of it, could not be
    measured; else 2 if there is no such network, or it does not fit what was asked; else 0.
    """
    require_torch("verify")
    names = _names(arguments)
    under, check = _against_module(arguments) if arguments.module else _against_twin(arguments)
    found: list[Comparison] = []
    comparisons = _comparisons(names, arguments, check, under, found)
    if arguments.output is None and form_of(arguments) == "text":
        _show_text(comparisons, under, len(names), arguments)
    elif arguments.output is None and form_of(arguments) == "json":
        _show_json(comparisons)
    else:
        documents = [VerifyDocument(each, arguments.exact) for each in comparisons]
        give(VerificationsDocument(documents), arguments)
    if arguments.save:
        from archcalc.reports.verification_page import save_verification

        save_verification(found, arguments.save)
    if any(c.differences or c.failure or c.unmeasured_subjects for c in found):
        return 1
    return 0 if len(found) == len(names) else 2


Check: TypeAlias = Callable[[Graph], Comparison]


def _against_twin(arguments: argparse.Namespace) -> tuple[Conditions, Check]:
    """What is measured of the model that archcalc builds, and how."""
    from archcalc.torch_backend.verify import conditions, require_measurable, verify

    under = conditions(arguments.device, arguments.dtype, arguments.batch)
    what, trained = _subjects(arguments.what), ways_to_train(arguments)
    require_measurable(what, under, trained)
    profile = find_device(arguments.profile) if arguments.profile else None
    return under, partial(
        verify,
        what=what,
        under=under,
        profile=profile,
        trained=trained,
    )


def _against_module(arguments: argparse.Namespace) -> tuple[Conditions, Check]:
    """What is measured of the user's own module, and how."""
    from archcalc.importing.capture.factories import made
    from archcalc.torch_backend.compare import compare, conditions_for

    if arguments.all or len(arguments.names) > 1:
        raise UsageError("--module is compared with one network")
    for option, usual in (("device", "auto"), ("dtype", "float32"), ("profile", None)):
        if getattr(arguments, option) != usual:
            raise UsageError(f"--{option}: --module is measured as it is, on the meta device")
    if ways_to_train(arguments) != [TrainingOptions()]:
        raise UsageError("of --module no training step is measured")
    try:
        module = made(arguments.module).module
    except UsageError as error:
        raise UsageError(str(error), argument="module") from error
    check = partial(compare, module, what=_subjects(arguments.what), batch=arguments.batch)
    return conditions_for(module, arguments.batch), check


def _names(arguments: argparse.Namespace) -> list[str]:
    if arguments.all and arguments.names:
        raise UsageError("--all is all networks; leave the names out")
    if not arguments.all and not arguments.names:
        raise UsageError("name a network, or --all")
    return network_names() if arguments.all else arguments.names


def _subjects(given: list[str]) -> list[str]:
    if given == ["all"]:
        return [*SUBJECTS]
    for subject in given:
        require_known("unknown", subject, [*SUBJECTS, "all"], argument="what")
    return given


def _comparisons(
    names: Sequence[str],
    arguments: argparse.Namespace,
    check: Check,
    under: Conditions,
    found: list[Comparison],
) -> Iterator[Comparison]:
    """Checks one network after the other, and adds each result to `found`.

    One that cannot be measured has that for a result. What else keeps one from being compared is
    said on stderr, and the next one follows.
    """
    for done, name in enumerate(names):
        try:
            with progress(done, len(names), name):
                comparison = _checked(graph_of(arguments, name), check, under)
        except ArchcalcError as error:
            print(f"archcalc: {message(error)}", file=sys.stderr, flush=True)
            continue
        found.append(comparison)
        yield comparison


def _checked(graph: Graph, check: Check, under: Conditions) -> Comparison:
    try:
        return check(graph)
    except MeasurementError as error:
        return Comparison(graph.identity, graph.input.shape, under, (), failure=str(error))


def _show_text(
    comparisons: Iterator[Comparison],
    under: Conditions,
    count: int,
    arguments: argparse.Namespace,
) -> None:
    width = None if arguments.wide else columns()
    print(under, flush=True)
    done = different = figures = missing = 0
    try:
        for comparison in comparisons:
            print(part_text(comparison_lines(comparison), "text", width), flush=True)
            if count == 1:
                for part in VerifyDocument(comparison, arguments.exact).figures():
                    print(f"\n{part_text(part, 'text', width)}")
            done += not comparison.failure
            different += len(comparison.differences)
            figures += sum(figure.compared for figure in comparison.figures)
            missing += len(comparison.not_measured)
    finally:  # what was measured counts, however the run ends
        if count > 1:
            differ = f"{different:,} {'differs' if different == 1 else 'differ'}"
            compared = f"{figures:,} {things(figures, 'figure')} compared"
            text = f"{done} of {count} networks: {compared}, {differ}"
            print(f"{text}, {missing:,} not measured" if missing else text)


def _show_json(comparisons: Iterator[Comparison]) -> None:
    """One list, whose items come as they are done."""
    separator = "[\n"
    try:
        for comparison in comparisons:
            record = json_text(VerifyDocument(comparison).record(), indent=None)
            print(f"{separator}{record}", end="", flush=True)
            separator = ",\n"
    finally:
        print("[]" if separator == "[\n" else "\n]", flush=True)
