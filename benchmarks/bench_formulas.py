"""How long formulas take: all totals of ResNet-152 and VGG-16 in the sizes of the input.

    python benchmarks/bench_formulas.py

Prints CPU time, of one core, so that other load on the machine does not count.
"""

from __future__ import annotations

import time

from archcalc.parametric.formulas.deriving import derive_formulas
from archcalc.spec.library import find_network

QUANTITIES = (
    "params", "weights", "biases", "buffers", "macs", "flops", "other_ops", "activation_values",
    "lecture_bytes", "all_bytes", "peak_bytes", "training_bytes",
)  # fmt: skip
TARGETS = {"resnet152": 5.0, "vgg16": 1.0}


def main() -> None:
    """Times the formulas and prints the seconds beside those wanted."""
    derive_formulas(find_network("lenet5"), ["params"])  # imports sympy
    for name, wanted in TARGETS.items():
        start = time.process_time()
        derive_formulas(find_network(name), QUANTITIES)
        seconds = time.process_time() - start
        print(f"{name:10} {seconds:5.2f} s for {len(QUANTITIES)} formulas; wanted: {wanted:.0f} s")


if __name__ == "__main__":
    main()
