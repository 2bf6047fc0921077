"""A wrong argument of a command is one clear line; those of several are in test_arguments."""

from __future__ import annotations

import shlex

import pytest

from tests.commands.calling import assert_refused, called

REFUSED: dict[str, str] = {
    "compare vgg16": "a comparison takes two networks or more",
    "compare vgg16 resnet5": "unknown network 'resnet5'; did you mean",
    "compare vgg16 'vgg11 clases=10'": "vgg11 has no parameter 'clases'; did you mean 'classes'?",
    "compare vgg16 vgg11 --plot a.gif": "a plot is written as .svg, .png or .pdf",
    "draw lenet5 -o net.gif": "net.gif: a drawing is written as .mmd, .dot, .svg, .png",
    "draw lenet5 -o net.svg --format png": "--format png does not go with the ending of net.s",
    "draw lenet5 -o net.txt": "net.txt: a drawing is written as .mmd, .dot, .svg, .png",
    "draw lenet5 -o nowhere/net.mmd": "nowhere/net.mmd: No such file or directory",
    "draw lenet5 --format png -o -": "-o/--output: '-' is not the name of a file",
    "draw lenet5 --depth 0": "expected a whole number, at least 1",
    "explain vgg16 conv1_1 --depth 2": "--depth: the whole network is ranked; leave conv1_1 out",
    "explain vgg16 conv9_9": "vgg16 has no layer 'conv9_9'",
    "explain vgg16 conv1_1 --quantity mac": "no derivation of 'mac'; did you mean 'macs'?",
    "explain vgg16 --quantity mac": "'mac' is not a total; did you mean 'macs'?",
    "explain vgg16 --quantity jump": "'jump' is not a total; known: params, macs, activation_bytes",
    "explain vgg16 stag1": "vgg16 has no layer 'stag1'; did you mean 'stage1'?",
    "explain vgg16 conv1_1 --input 3x32hx32": "give plain numbers as input",
    "explain vgg16 --input 3x32hx32": "give plain numbers as input",
    "explain vgg16 stage1 --quantity macs": "all figures of the block stage1 are one table",
    "field vgg16 pool9": "did you mean 'pool5'",
    "field vgg16 pool5 --at 7,0": "has 7x7 units, counted from 0; there is none at 7,0",
    "field vgg16 pool5 --at middle": "expected a position such as 3,3",
    "field vgg16 --at 3,3": "--at needs a LAYER",
    "field vgg16 --effective": "--effective needs a LAYER",
    "field vgg16 --phases": "--phases needs a LAYER",
    "field vgg16 --runs 3": "--runs needs a LAYER",
    "field vgg16 pool5 --runs 3": "--runs needs --effective",
    "field vgg16 pool5 --picture a.png": "--picture needs --plot",
    "field vgg16 pool5 --layers pool4": "--layers needs --plot",
    "field vgg16 pool5 --effective --plot a.svg --layers pool4": (
        "--layers draws boxes, and --effective its own picture"
    ),
    "field vgg16 stage5": (
        "'stage5' is a block (stage) of vgg16, not a layer; its output is that of"
    ),
    "field vgg16 pool5 --input 3x32hx32w": "give plain numbers as input",
    "field vgg16 pool5 --plot box.gif": "a plot is written as .svg, .png or .pdf",
    "field vgg16 pool5 --plot box.svg --picture nothing.png": "--picture: nothing.png",
    "field vgg16 fc6 --at 0,0": "fc6 has 4096 features, counted from 0; there is none at 0,0",
    "field vgg16 pool5 --channel 512": "has 512 channels, counted from 0; there is no channel 512",
    "field vgg16 fc6 --channel 0": "fc6 is a vector: its units are its features",
    "field vgg16 --channel 0": "--channel needs a LAYER",
    "field vgg16 pool5 --effective --channel 0": "--effective measures all channels together",
    "memory vgg16 --budget lots": "expected a size such as 16GiB",
    "memory vgg16 --optimizer adan": "did you mean 'adam'",
    "memory vgg16 --loss ms": "unknown loss 'ms'; did you mean 'mse'",
    "memory vgg16 --device gpu": "unknown device 'gpu'",
    "memory vgg16 --budget 1GB --reserve lots": "--reserve: lots: expected a size such as 16GiB",
    "memory vgg16 --python": "--python: a form of what --formula shows, which is not asked for",
    "memory vgg16 --master": "--master: a copy in float32 is for parameters in bfloat16 or float16",
    "memory vgg16 --reserve 1GB": "--reserve: a part of what --budget gives, which is not there",
    "memory vgg16 --batch n": "--batch: n is no number",
    "memory vgg16 --batch 1,2 --budget 1GB": "--budget: give one batch, as a number",
    "memory vgg16 --dtype int4": "no training in dtype 'int4'",
    "memory vgg16 --budget 1GB --format csv": "--budget: shown as text and json only, not as csv",
    "memory vgg16 --input 3x32hx32w": "give plain numbers as input",
    "report gogglenet": "unknown network 'gogglenet'; did you mean 'googlenet'?",
    "report nowhere.yaml": "nowhere.yaml: No such file or directory",
    "report lenet5 -o /dev/null/x": "/dev/null/x/plots: Not a directory",
    "roofline vgg16 --profile h100": "unknown device 'h100'",
    "roofline vgg16 --dtype int8 --profile generic_cpu": "no figure for int8",
    "roofline vgg16 --input 3x32hx32w": "has free sizes",
    "scale lenet5 --by widht": "did you mean 'width'",
    "scale lenet5 --quantity parms": "did you mean 'params'",
    "scale lenet5 --input 1x32hx32": "lenet5 has free sizes; give plain numbers as input",
    "scale lenet5 --format jsn": "unknown format",
    "scale lenet5 --plot ''": "--plot: '' is not the name of a file",
    "scale lenet5 --plot a.gif": "a plot is written as .svg, .png or .pdf",
    "sweep lenet5": "the following arguments are required: --over",
    "sweep lenet5 --over H": "--over: 'H' is not LABEL=VALUES",
    "sweep lenet5 --over H=32:64:0": "--over: H: 32:64:0 has no end",
    "sweep lenet5 --over h=32": "--over: lenet5 has no 'h'; did you mean 'H'",
    "sweep lenet5 --over H=32:64": "--over: H is an interval, which has no end of values",
    "sweep lenet5 --over H=32 --sample 0": "--sample: expected a whole number, at least 1",
    "sweep lenet5 --over H=32 --sample 1e9": "--over: 1,000,000,000 settings are more than",
    "sweep lenet5 --over H=32 --seed 3": "--seed: of what --sample draws",
    "sweep lenet5 --over H=32 --latin": "--latin: of what --sample draws",
    "sweep lenet5 --over H=32 --figures parms": "--figures: parms: lenet5 has no figure 'parms'",
    "sweep lenet5 --over H=32 --where 'mcs < 1M'": "--where: mcs: lenet5 has no figure 'mcs'; did",
    "sweep lenet5 --over H=32 --where 'macs ~ 1M'": "--where: 'macs ~ 1M' is not a condition",
    "sweep lenet5 --over H=32 --pareto macs": "--pareto: a front takes two quantities or more",
    "sweep lenet5 --over H=1..99999999999999999999": "--over: about 10^19 settings are more than",
    "sweep lenet5 resnet5 --over H=32": "unknown network 'resnet5'; did you mean",
    "sweep lenet5 --over H=1e99..1e100": "--over: H: '1e99..1e100' is no range",
    "verify": "name a network, or --all",
    "verify lenet5 --all": "--all is all networks; leave the names out",
    "verify lenet5 --what sizes,mac": "--what: unknown 'mac'; did you mean 'macs'?",
    "verify lenet5 --device gpu": "unknown device 'gpu'",
    "verify lenet5 --device cuda:77": "device 'cuda:77' is not here",
    "verify lenet5 --device meta --what time": "the meta device computes nothing",
    "verify lenet5 --dtype int8": "torch does not compute in 'int8'",
    "verify lenet5 --dtype mixed": "--dtype: mixed precision is of a training step",
    "verify lenet5 --what memory --optimizer adm": "unknown optimizer 'adm'; did you mean 'adam'",
    "verify lenet5 --what time --profile h20": "unknown device 'h20'",
}


@pytest.mark.usefixtures("own_folder")
@pytest.mark.parametrize("words", REFUSED)
def test_a_wrong_argument_is_one_clear_line(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(called(capsys, *shlex.split(words)), REFUSED[words])
