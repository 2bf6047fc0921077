"""The page of one network."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from archcalc.analysis import Analysis
from archcalc.comparing.key_figures import KeyFigures
from archcalc.comparing.stages import stages, stride_text
from archcalc.figures.of_layer import OF_LAYER
from archcalc.memory_use.totals import training_only_bytes
from archcalc.quantity.at_least import is_open
from archcalc.receptive_field.words import words_for
from archcalc.render.check import tally
from archcalc.render.drawing import draw
from archcalc.render.mermaid import mermaid_text
from archcalc.render.numbers import exact, in_unit, per_axis, shape, share, short, short_bytes
from archcalc.render.opaque import opaque_text
from archcalc.render.stage_plot import MEASURES, draw_stages
from archcalc.reports import glossary_page
from archcalc.reports.accuracies import said
from archcalc.reports.claim_tables import claim_table, reasons, sources
from archcalc.reports.derivation_section import add_derivations
from archcalc.reports.field_section import add_field, has_positions
from archcalc.reports.layer_tables import block_table, full_table, small_drawing
from archcalc.reports.library import Entry
from archcalc.reports.memory_section import add_memory
from archcalc.reports.page import (
    Markup,
    Page,
    anchor,
    bullets,
    code,
    details,
    fenced,
    joined,
    markdown,
    table,
    web,
)
from archcalc.reports.site import Site
from archcalc.reports.verification_section import add_verification

MOST_LAYERS = 600  # that a page lists one by one; a browser takes long over more
MOST_CLAIMS = 12  # that a page shows unfolded
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def network_page(entry: Entry, site: Site) -> Page:
    """All that archcalc knows of a network.

    Raises:
        UsageError: its sizes are not plain numbers; a plot cannot be written.
    """
    page = site.page(entry.page, entry.title)
    page.add(_origin(entry, page), _accuracy(entry, page))
    _add_key_figures(page, entry)
    _add_diagram(page, entry.analysis)
    _add_layers(page, entry)
    _add_stages(page, entry, site)
    add_field(page, entry, site)
    add_memory(page, entry, site)
    add_derivations(page, entry.analysis)
    _add_claims(page, entry)
    add_verification(page, entry, site)
    _add_spec(page, entry)
    return page


def paper_link(paper: str) -> Markup:
    """A paper, linked where it is on arXiv."""
    found = _ARXIV.search(paper)
    if found is None:
        return markdown(paper)
    link = web(found[0], f"https://arxiv.org/abs/{found[1]}")
    return Markup(markdown(paper[: found.start()]) + link + markdown(paper[found.end() :]))


def _origin(entry: Entry, page: Page) -> str:
    about = entry.about
    work = joined([about.authors, paper_link(about.paper)], ": ")
    year = f" ({about.year})" if about.year else ""
    lines = [Markup(f"{work}{year}.")] if work else []
    if about.origin:
        lines.append(Markup(f"The configuration is that of: {markdown(about.origin)}."))
    if opaque := opaque_text(entry.analysis):
        lines.append(Markup(f"{markdown(opaque)}."))
    lines.append(Markup(f"{_command(entry)} prints the figures of this page."))
    family = family_page(entry)
    if family in page.known:
        lines.append(Markup(f"Compare it with {page.link('its family', family)}."))
    return "\n".join(lines)


def _command(entry: Entry, *options: str) -> Markup:
    """The command that prints the network's table."""
    return code(shlex.join(["archcalc", "table", entry.called, *entry.options, *options]))


def _accuracy(entry: Entry, page: Page) -> str:
    accuracy = entry.about.accuracy
    if accuracy is None:
        return ""
    shares = [
        f"{name} {value:g}%"
        for name, value in (("top-1", accuracy.top1), ("top-5", accuracy.top5))
        if value is not None
    ]
    source = sources(page, accuracy.source)
    return f"Published accuracy: {', '.join(shares)}, {said(accuracy.crops)} ({source})."


def _add_key_figures(page: Page, entry: Entry) -> None:
    analysis, figures = entry.analysis, entry.figures
    totals = analysis.totals
    rows = [
        *_inputs(analysis),
        (
            "parameters", exact(totals.params),
            f"{exact(totals.weights)} weights + {exact(totals.biases)} biases, "
            f"{short_bytes(totals.param_bytes)}",
        ),
        ("buffers", exact(totals.buffers), "kept, but not learned"),
        ("MACs", exact(totals.macs), f"{short(totals.flops)} FLOPs = 2 x MACs"),
        ("other operations", exact(totals.other_ops), "not multiply-accumulates"),
        ("activations, lecture", short_bytes(figures.lecture_bytes),
         "the input and what convolutions, pools and linear layers put out"),
        ("activations, all", short_bytes(figures.all_bytes), "what all layers put out"),
        ("activations, peak", short_bytes(figures.peak_bytes), "alive at once at inference"),
        ("activations, training", short_bytes(figures.training_bytes),
         "kept for the backward pass"),
        ("depth", str(figures.weight_layers), "layers with weights on the longest path"),
        *_field(analysis, figures),
    ]  # fmt: skip
    if analysis.training_only_layers:
        apart, kept = analysis.training_only_totals, training_only_bytes(analysis)
        rows.append(
            ("training only", exact(apart.params),
             f"parameters of side heads, beside all above; {short(apart.macs)} MACs, "
             f"{short_bytes(kept.all)} of activations")
        )  # fmt: skip
    page.add(
        table(
            ["figure", "value", "which is"],
            [(_defined(page, name), *rest) for name, *rest in rows],
            "lrl",
        ),
        f"For one {words_for(analysis.input).example}, in {analysis.dtype}. MB are 10^6 bytes.",
    )


def _inputs(analysis: Analysis) -> Iterator[tuple[str, str, str]]:
    """A row for each input; of several with its name."""
    inputs = analysis.graph.inputs
    for name, x in inputs.items():
        about = "channels and sizes" if x.sizes else "features"
        if x.dtype is not None:
            about = f"{'tokens' if x.rank == 1 else 'sizes'}, as {x.dtype}"
        named = Markup(f"{code(name)}: {about}") if len(inputs) > 1 else about
        yield "input", shape(x.shape), named


def _field(analysis: Analysis, figures: KeyFigures) -> list[tuple[str, str, str]]:
    """What is seen; two rows where gates or norms hide what convolutions and pools reach."""
    field, local = figures.receptive_field, figures.local_receptive_field
    if not has_positions(analysis):
        return []
    if field == local:
        about = "of the last layer that does not see everything"
        return [("receptive field", per_axis(field, "-"), about)]
    if local == (1,) * len(analysis.input.grid):  # nothing but what is left out sees more
        return [("receptive field", per_axis(field, "-"), "of the last layer")]
    return [
        ("receptive field", per_axis(field, "-"),
         "of the last layer whose local field is not everything"),
        ("local receptive field", per_axis(local), "of the same layer, without gates and norms"),
    ]  # fmt: skip


def _defined(page: Page, name: str) -> Markup:
    """The name of a figure, linked to its definition."""
    return page.link(name, glossary_page.PATH, anchor(name.partition(",")[0]))


def _add_diagram(page: Page, analysis: Analysis) -> None:
    """A diagram that fits on a screen, and behind it the one that shows most."""
    page.heading("Diagram")
    small, large = small_drawing(analysis), draw(analysis)
    page.add(fenced(mermaid_text(small), "mermaid"))
    if len(large.boxes) > len(small.boxes):
        page.add(details("In more detail", fenced(mermaid_text(large), "mermaid")))


def _add_layers(page: Page, entry: Entry) -> None:
    analysis = entry.analysis
    page.heading("Layers")
    page.add(block_table(analysis))
    if analysis.training_only_layers:
        page.add("The total leaves out the heads that exist in training only.")
    count = len(analysis.layers)
    if count > MOST_LAYERS:
        page.add(f"{_command(entry, '--depth', 'all')} prints all {count:,} layers.")
    else:
        page.add(details(f"Every layer, with all digits ({count})", full_table(analysis)))


def _add_stages(page: Page, entry: Entry, site: Site) -> None:
    """Where the parameters, the MACs and the memory sit."""
    found = stages(entry.analysis)
    if len(found) < 2:
        return
    page.heading("Parameters, MACs and memory by stage")
    site.plot(
        page,
        f"{entry.name}-stages",
        f"Bars of the parameters, MACs and activations of {entry.title}, divided into stages.",
        lambda path: draw_stages(path, found),
    )
    wholes = {key: sum(stage.total(key) for stage in found) for key, _ in MEASURES}
    rows = []
    for stage in found:
        row = [stride_text(stage.stride), shape(stage.output.shape), str(len(stage.layers))]
        for key, _ in MEASURES:
            value = stage.total(key)
            row += [in_unit(value, OF_LAYER[key].unit), share(value, wholes[key])]
        rows.append(row)
    headings = ["stage", "output", "layers"]
    for _, heading in MEASURES:
        headings += [heading, "share"]
    page.add(table(headings, rows, "llrrrrrrr"))
    pixels = f"{words_for(entry.analysis.input).position}s"
    examples = [f"/4 is one position of the map for 4 {pixels}"]
    if any(stage.stride and max(stage.stride) < 1 for stage in found):
        examples.append(f"x4 is four along each axis for one of the {pixels}")
    page.add(f"A stage is the layers at one output stride: {', '.join(examples)}.")
    if any(map(is_open, wholes.values())):
        page.add("The bars leave out what is not known of opaque layers.")


def _add_claims(page: Page, entry: Entry) -> None:
    if not entry.claims:
        return
    page.heading("Published figures")
    found = claim_table(page, entry.claims)
    summary = tally(entry.claims)
    folded = len(entry.claims) > MOST_CLAIMS
    page.add(details(summary, found) if folded else f"{summary}.", "" if folded else found)
    page.add(bullets(reasons(entry.claims)))


def family_page(entry: Entry) -> str:
    """The path of the page of a network's family."""
    return f"families/{entry.family.name}.md"


def spec_of(entry: Entry) -> str:
    """The text of a family's spec, up to the claims."""
    text = entry.family.source.text
    return re.split(r"^claims:", text, maxsplit=1, flags=re.MULTILINE)[0].rstrip()


def _add_spec(page: Page, entry: Entry) -> None:
    page.heading("Spec")
    name = entry.family.source.name if entry.shipped else entry.family.source.name.split("/")[-1]
    family = family_page(entry)
    if family in page.known:
        page.add(
            f"In {page.link(name, family, anchor('Spec'))}, as the variant {code(entry.name)}."
        )
    else:
        page.add(details(name, fenced(spec_of(entry), "yaml")))
