"""What is wrong with a spec, where, and in which words: one row for each mistake.

A row: the text, the line and column of the message, and its fact.
"""

from __future__ import annotations

import pytest

from archcalc import ArchcalcError, SpecError, analyze
from archcalc.expansion import build_graph
from tests.spec_texts import HEAD, family_of

TINY = "name: tiny\ninput: [3, 8, 8]\n"

TOO_LARGE = (
    "writing the network out takes more than 20,000 steps; is a `repeat` or a block out of hand?"
)
TOO_DEEP = (
    "blocks, branches and conditions within one another, 100 deep; "
    "does a block call itself without end?"
)
GIVE_AN_INDEX = "; in a `repeat`, give it an `index: i` and put {i} into the name"
SIGNS = ": letters, digits, _ . - and {expressions} make one"
WANTS_QUOTES = '; an expression with a comma wants quotes, as in {channels: "max(8, c)"}'
SEE_SCHEMA = "; `archcalc schema` has them all"
IN_TRAINING_ONLY = " exists in training only, and what uses it does not"
NOT_IN_THE_LANGUAGE = " uses what the language of expressions does not have"

# fmt: off
MISTAKES: dict[str, tuple[str, str | None, str]] = {
    # ----- the text is no YAML, or more than specs need of it -----
    "a tab for indentation": ("name: t\nlayers:\n\t- relu\n", "3:1",
        "not YAML: a tab; indent with spaces"),
    "a tab further in": (HEAD + "  - conv:\n\t\tchannels: 3\n", "5:1",
        "not YAML: a tab; indent with spaces"),
    "a character that YAML keeps for itself": ("name: t\ninput: @x\n", "2:8",
        "not YAML: found character that cannot start any token (while scanning for the next "
        "token)"),
    "a bracket left open": ("name: t\ninput: [3, 8\nlayers: []\n", "3:7",
        "not YAML: did not find expected ',' or ']' (while parsing a flow sequence)"),
    "two documents": ("name: t\n---\nname: u\n", "2:1",
        "not YAML: but found another document (expected a single document in the stream)"),
    "a null byte": ("name: t\x00", "1:8", "not YAML: a control character"),
    "an alias of nothing": ("name: t\ninput: *a\n", "2:8", "not YAML: found undefined alias"),
    "an alias": ("name: t\ninput: &a [3, 8, 8]\nlayers: [relu]\nparameters: {q: *a}\n", "2:8",
        "YAML aliases (*name) are not part of the spec language; use `blocks`"),
    "an alias of itself": ("name: t\ninput: &a [3, *a]\nlayers: [relu]\n", "2:8",
        "YAML aliases (*name) are not part of the spec language; use `blocks`"),
    "a tag that would run code": (
        "name: t\ninput: !!python/object/apply:os.system ['true']\nlayers: [relu]\n", "2:8",
        "YAML tags (!name) are not part of the spec language"),
    "a merge key": (HEAD + "  - conv: {<<: {channels: 3}, kernel: 3}\n", "4:12",
        "conv has no '<<'; it takes channels, kernel, stride, padding, dilation, groups, bias, "
        "weight_norm, name, from, weights, trainable, checkpoint"),
    "a field twice": (HEAD + "  - conv: {channels: 3, channels: 4, kernel: 3}\n", "4:25",
        "duplicate key 'channels'; first in line 4"),
    "a key twice": (HEAD + "  - relu\nlayers: []\n", "5:1",
        "duplicate key 'layers'; first in line 3"),
    "an expression cut off at a comma": (
        HEAD + "  - conv: {channels: max(1, c//4), kernel: 1}\n", "4:29",
        "conv has no 'c//4)'" + WANTS_QUOTES),
    "an expression cut off at two commas": (
        HEAD + "  - conv: {channels: max(1, c, 4), kernel: 1}\n", "4:29",
        "conv has no 'c'" + WANTS_QUOTES),
    "an expression cut off in a list": (
        HEAD + "  - conv: {channels: 4, kernel: [min(1, 2), 3]}\n", "4:34",
        "'min(1' leaves a bracket open" + WANTS_QUOTES),
    "an expression cut off in a block": (
        TINY + "blocks: {b: {parameters: [c], layers: [relu]}}\n"
        "layers:\n  - b: {c: max(1, 2)}\n", "5:12",
        "'max(1' leaves a bracket open" + WANTS_QUOTES),
    "an unknown key behind a bracket that closes": (
        HEAD + "  - conv: {channels: max(1), kernle: 1}\n", "4:30",
        "conv has no 'kernle'; did you mean 'kernel'?"),
    "a list for a key": (HEAD + "  - ? [a]\n    : 3\n", "4:7",
        "a key is text, not a list or a mapping"),
    "a mapping for a key": ("? {a: b}\n: c\n", "1:3", "a key is text, not a list or a mapping"),
    "brackets 5000 deep": ("name: t\nlayers: " + "[" * 5000 + "]" * 5000, "2:67",
        "nested more than 60 deep"),
    "a list 300 deep": (
        "name: t\nlayers:\n" + "\n".join(" " * n + "-" for n in range(1, 300)), "61:60",
        "nested more than 60 deep"),
    # ----- YAML 1.1 -----
    "yes for true": (HEAD + "  - conv: {channels: 3, kernel: 3, bias: yes}\n", "4:42",
        "'yes' is a boolean in YAML 1.1 alone; write true or false, or quote it"),
    "octal": (HEAD + "  - conv: {channels: 010, kernel: 3}\n", "4:22",
        "'010' is octal in YAML 1.1, decimal in 1.2; write it without the 0"),
    "base 60": (HEAD + "  - conv: {channels: 3:30, kernel: 3}\n", "4:22",
        "'3:30' is a base-60 number in YAML 1.1"),
    "an underscore": (HEAD + "  - conv: {channels: 1_000, kernel: 3}\n", "4:22",
        "'1_000' is a number in YAML 1.1, text in 1.2; leave the _ out"),
    "hexadecimal": (HEAD + "  - conv: {channels: 0x10, kernel: 3}\n", "4:22",
        "'0x10' is a number in YAML 1.1; write it in decimal"),
    "a date": (HEAD + "  - conv: {channels: 2001-01-01, kernel: 3}\n", "4:22",
        "'2001-01-01' is a date in YAML 1.1; for a difference put spaces around the -"),
    "infinity": (HEAD + "  - dropout: {p: .inf}\n", "4:18", "'.inf' is not an expression"),
    "not a number": (HEAD + "  - dropout: {p: .nan}\n", "4:18", "'.nan' is not an expression"),
    # ----- the file -----
    "a word": ("hello", "1:1", "a spec is a mapping (key: value)"),
    "a list": ("- a\n- b\n", "1:1", "a spec is a mapping (key: value)"),
    "nothing": ("", None, "empty"),
    "null": ("null", "1:1", "a spec is a mapping (key: value)"),
    "no input": ("name: t\nlayers: [relu]\n", "1:1", "'t' has no `input`"),
    "no layers": ("name: t\ninput: [3, 8, 8]\n", "1:1", "'t' has no `layers`"),
    "no name": ("input: [3, 8, 8]\nlayers: [relu]\n", "1:1", "a spec needs `name`"),
    "empty layers": (TINY + "layers: []\n", "1:1", "'tiny' has no `layers`"),
    "an unknown key": ("name: t\nlayer: [relu]\n", "2:1",
        "a spec has no 'layer'; did you mean 'layers'?"),
    "a year in words": ("name: t\nyear: abc\ninput: [3, 8, 8]\nlayers: [relu]\n", "2:7",
        "year: expected a number, found 'abc'"),
    "an unknown key of a variant": (
        TINY + "layers: [relu]\nparameters: {depth: 3}\nvariants: {a: {dept: 4}}\n", "5:16",
        "variant 'a' has no 'dept'; did you mean 'depth'?"),
    "a number for a variant": (TINY + "layers: [relu]\nvariants: {a: 4}\n", "4:15",
        "variant 'a' is a mapping (key: value)"),
    "variants as a list": (TINY + "layers: [relu]\nvariants: [a]\n", "4:11",
        "variants is a mapping (key: value)"),
    "a block called as a layer": (
        TINY + "layers: [relu]\nblocks: {relu: {layers: [relu]}}\n", "4:10",
        "a block cannot be called 'relu', as a layer is"),
    "a block called as a keyword": (
        TINY + "layers: [relu]\nblocks: {repeat: {layers: [relu]}}\n", "4:10",
        "a block cannot be called 'repeat', as a layer is"),
    "a number for a block": (TINY + "layers: [relu]\nblocks: {b: 3}\n", "4:13",
        "block 'b' is a mapping (key: value)"),
    "nothing for a block": (TINY + "layers: [relu]\nblocks: {b: }\n", "4:13",
        "block 'b' is a mapping (key: value)"),
    # ----- the input -----
    "one number": ("name: t\ninput: 3\nlayers: [relu]\n", "2:8", "input is a list (- item)"),
    "nine numbers": ("name: t\ninput: [3,1,1,1,1,1,1,1,1]\nlayers: [relu]\n", "2:8",
        "input is a list of 1 to 8 numbers, such as [3, 224, 224]; it has 9"),
    "a size of 0": ("name: t\ninput: [3,0,1]\nlayers: [relu]\n", "2:11", "an input size of 0"),
    "half a pixel": ("name: t\ninput: [3,1/2,1]\nlayers: [relu]\n", "2:11",
        "expected a whole number, found 1/2; round it with floor(…)"),
    "true for a size": ("name: t\ninput: [3,true,1]\nlayers: [relu]\n", "2:11",
        "a size is a number or an expression"),
    "a list for a size": ("name: t\ninput: [3,[1],1]\nlayers: [relu]\n", "2:11",
        "a size is a number or an expression"),
    "null for a size": ("name: t\ninput: [3,null,1]\nlayers: [relu]\n", "2:11",
        "a size is a number or an expression"),
    "a size beyond 64 bits": ("name: t\ninput: [3,10**30,1]\nlayers: [relu]\n", "2:11",
        "a number that does not fit in 64 bits"),
    "no numbers": ("name: t\ninput: []\nlayers: [relu]\n", "2:8",
        "input is a list of 1 to 8 numbers, such as [3, 224, 224]; it has 0"),
    "two words for a size": ("name: t\ninput: [3,32h w,1]\nlayers: [relu]\n", "2:11",
        "'32*h w' is not an expression"),
    "sizes as a word": ("name: t\ninput: 3x224x224\nlayers: [relu]\n", "2:8",
        "input is a list (- item)"),
    "a negative free size": ("name: t\ninput: [3, -h, 8]\nlayers: [relu]\n", "2:12",
        "an input size of -h"),
    "a free size by zero": ("name: t\ninput: [3, h/0, 8]\nlayers: [relu]\n", "2:12",
        "'h/0' divides by zero"),
    "a condition for a size": ("name: t\ninput: [3, h > 3, 8]\nlayers: [relu]\n", "2:12",
        "expected a whole number, found 'h > 3'"),
    "a long free size": (f"name: t\ninput: [3, {'h + ' * 12}h, 8]\nlayers: [relu]\n", "2:12",
        "a free size takes up to 40 characters"),
    "a power of a sum": ("name: t\ninput: [3, (a+b)**64, 8]\nlayers: [relu]\n", "2:12",
        "(a + b)**64: of free sizes, only a single name has powers"),
    "a free size within a layer": (
        "name: t\ninput: [3, h, 8]\nlayers: [conv: {channels: h, kernel: 1}]\n", "3:27",
        "unknown parameter 'h'; there are no parameters here"),
    "a formula of 60 floors": ("name: t\ninput: [3, h, 8]\nlayers:\n  - repeat: 60\n"
        "    layers: [upsample: {factor: [3, 1]}, max_pool: {kernel: [2, 1]}]\n", "5:42",
        "its output size takes more than 100 operations as a formula; try sizes such as 32h"),
    # ----- parameters -----
    "a space in a name": (TINY + "layers: [relu]\nparameters: {'a b': 4}\n", "4:14",
        "'a b' is not a name for a parameter"),
    "a keyword": (TINY + "layers: [conv: {channels: if, kernel: 1}]\nparameters: {if: 4}\n", "4:14",
        "'if' is not a name for a parameter"),
    "a reserved name": (TINY + "layers: [relu]\nparameters: {title: 4}\n", "4:14",
        "a parameter cannot be called 'title'"),
    "a mapping": (TINY + "layers: [relu]\nparameters: {a: {b: 4}}\n", "4:17",
        "expected a value, found a mapping"),
    "an unknown parameter": (TINY + "layers: [b: {depht: 3}]\n"
        "blocks: {b: {parameters: [depth], layers: [relu]}}\n", "3:21",
        "block 'b' has no parameter 'depht'; did you mean 'depth'?"),
    "a missing parameter": (
        TINY + "layers: [b]\nblocks: {b: {parameters: [depth], layers: [relu]}}\n", "3:10",
        "block 'b' needs `depth`"),
    "arguments as a list": (
        TINY + "layers: [b: [3]]\nblocks: {b: {parameters: [depth], layers: [relu]}}\n", "3:13",
        "b is a mapping (key: value)"),
    "arguments as a number": (
        TINY + "layers: [b: 3]\nblocks: {b: {parameters: [depth], layers: [relu]}}\n", "3:13",
        "b is a mapping (key: value)"),
    "a parameter twice": (
        TINY + "layers: [b]\nblocks: {b: {parameters: [depth, depth], layers: [relu]}}\n", "4:34",
        "duplicate parameter 'depth'"),
    "let, in a circle": (
        TINY + "layers: [conv: {channels: a, kernel: 1}]\nlet: {a: b, b: a}\n", "4:10",
        "unknown parameter 'b'; there are no parameters here"),
    "let, failing": (TINY + "layers: [relu]\nlet: {a: 1/0}\n", "4:10", "'1/0' divides by zero"),
    # ----- layers -----
    "an unknown kind": (HEAD + "  - maxpol: {kernel: 3}\n", "4:5",
        "unknown layer kind 'maxpol'; did you mean 'max_pool'?"),
    "an unknown kind, with no guess": (HEAD + "  - zzzzzzzzzzz\n", "4:5",
        "unknown layer kind 'zzzzzzzzzzz'" + SEE_SCHEMA),
    "a name from torch": (HEAD + "  - Conv2d: {kernel: 3}\n", "4:5",
        "unknown layer kind 'Conv2d'; did you mean 'conv'?"),
    "a move, as torch calls it": (HEAD + "  - permute: {order: [1, 2, 0]}\n", "4:5",
        "unknown layer kind 'permute'; did you mean 'rearrange'?"),
    "a shape, as torch calls it": (HEAD + "  - view: {shape: [3, -1]}\n", "4:5",
        "unknown layer kind 'view'; did you mean 'reshape'?"),
    "an umlaut": (TINY + "title: ünïcødé ☃\nlayers: [maxpöl]\n", "4:10",
        "unknown layer kind 'maxpöl'; did you mean 'max_pool'?"),
    "a very long line": (TINY + f"layers: [{'relu, ' * 100}maxpol]\n", "3:610",
        "unknown layer kind 'maxpol'; did you mean 'max_pool'?"),
    "an unknown field": (HEAD + "  - conv: {channels: 3, kernels: 3}\n", "4:25",
        "conv has no 'kernels'; did you mean 'kernel'?"),
    "torch's names of fields beside ours": (
        HEAD + "  - conv: {channels: 3, kernel: 3, kernel_size: 3}\n", "4:36",
        "conv has 'kernel' twice, once as torch calls it"),
    "a missing field": (HEAD + "  - conv: {channels: 3}\n", "4:5", "conv needs `kernel`"),
    "no fields": (HEAD + "  - conv\n", "4:5", "conv needs `channels`"),
    "a list for a number": (HEAD + "  - conv: {channels: [1,2], kernel: 3}\n", "4:22",
        "channels: expected a whole number, found '[1, 2]'"),
    "a mapping for a number": (HEAD + "  - conv: {channels: {a: 1}, kernel: 3}\n", "4:22",
        "expected a value, found a mapping"),
    "a number for a truth value": (HEAD + "  - conv: {channels: 3, kernel: 3, bias: 1}\n", "4:42",
        "bias: expected true or false, found '1'"),
    "null for a number": (HEAD + "  - conv: {channels: null, kernel: 3}\n", "4:22",
        "channels: expected a whole number, found nothing"),
    "nothing for a number": (HEAD + "  - conv: {channels: , kernel: 3}\n", "4:22",
        "channels: expected a whole number, found nothing"),
    "fields as a list": (HEAD + "  - conv: [3, 3]\n", "4:11", "conv is a mapping (key: value)"),
    "fields as a number": (HEAD + "  - conv: 64\n", "4:11", "conv is a mapping (key: value)"),
    "fields as a truth value": (HEAD + "  - relu: true\n", "4:11",
        "relu is a mapping (key: value)"),
    "two layers in an item": (HEAD + "  - conv: {channels: 3, kernel: 3}\n    relu:\n", "5:5",
        "one layer in an item: 'conv' has a neighbour 'relu'; are its fields indented under it?"),
    "fields not indented": (HEAD + "  - conv:\n    channels: 3\n    kernel: 3\n", "5:5",
        "one layer in an item: 'conv' has a neighbour 'channels'; are its fields indented "
        "under it?"),
    "an empty item": (HEAD + "  -\n", "4:4", "expected a layer: its kind, or kind: {fields}"),
    "a list in a list": (HEAD + "  - [relu]\n", "4:5",
        "expected a layer: its kind, or kind: {fields}"),
    "a number for a layer": (HEAD + "  - 3\n", "4:5", "unknown layer kind '3'" + SEE_SCHEMA),
    "true for a layer": (HEAD + "  - true\n", "4:5",
        "unknown layer kind 'true'; did you mean 'trunc'?"),
    "a misspelled word": (HEAD + "  - conv: {channels: 3, kernel: 3, padding: sam}\n", "4:45",
        "unknown parameter 'sam'; did you mean 'same'?"),
    "three sides of an axis": (
        HEAD + "  - conv: {channels: 3, kernel: 3, padding: [[1,2,3],1]}\n", "4:45",
        "padding: expected [before, after], found '[1, 2, 3]'"),
    "a word in a list": (HEAD + "  - conv: {channels: 3, kernel: 3, padding: [1, same]}\n", "4:45",
        "padding: expected a whole number, found 'same'"),
    "an unknown word": (HEAD + "  - upsample: {factor: 2, mode: cubic}\n", "4:33",
        "unknown parameter 'cubic'; did you mean 'bicubic'?"),
    "a fraction for a factor": (HEAD + "  - pixel_shuffle: {factor: 1.5}\n", "4:29",
        "factor: expected a whole number, found 3/2; round it with floor(…)"),
    "a word for a factor": (HEAD + "  - upsample: {factor: true}\n", "4:24",
        "factor: expected a whole number, found true"),
    "a factor that leaves nothing": (HEAD + "  - upsample: {factor: 0.1}\n", "4:5",
        "a factor of 1/10 leaves nothing of 8"),
    "neither a factor nor a size": (HEAD + "  - upsample: {mode: bilinear}\n", "4:5",
        "takes either `factor` or `size`"),
    "a number for a shape": (HEAD + "  - reshape: {shape: 192}\n", "4:22",
        "shape: expected a list of sizes, found '192'"),
    # ----- expressions -----
    "a division by zero": (HEAD + "  - conv: {channels: 1/0, kernel: 3}\n", "4:22",
        "'1/0' divides by zero"),
    "an unknown name": (HEAD + "  - conv: {channels: width, kernel: 3}\n", "4:22",
        "unknown parameter 'width'; there are no parameters here"),
    "an expression left open": (HEAD + "  - conv: {channels: 3 *, kernel: 3}\n", "4:22",
        "'3 *' is not an expression"),
    "a condition left open": (HEAD + ' - conv: {channels: "a if b", kernel: 1}\n', "4:21",
        "'a if b' is not an expression"),
    "an attribute": (HEAD + '  - conv: {channels: "().__class__", kernel: 3}\n', "4:22",
        "'().__class__'" + NOT_IN_THE_LANGUAGE),
    "an import": (
        HEAD + '  - conv: {channels: "__import__(\'os\').system(\'true\')", kernel: 3}\n', "4:22",
        '"__import__(\'os\').system(\'true\')"' + NOT_IN_THE_LANGUAGE),
    "a fraction": (HEAD + "  - conv: {channels: 3/2, kernel: 3}\n", "4:22",
        "channels: expected a whole number, found 3/2; round it with floor(…)"),
    "an exponent of millions": (HEAD + "  - conv: {channels: 9**9**9, kernel: 3}\n", "4:22",
        "an exponent of 387420489; whole numbers up to 64 work"),
    "a number beyond 64 bits": (HEAD + "  - conv: {channels: 10**64, kernel: 3}\n", "4:22",
        "a number that does not fit in 64 bits"),
    "a product of text": (HEAD + '  - conv: {channels: "\'a\'*99", kernel: 3}\n', "4:22",
        "'a' is not a number"),
    "lists of lists of lists": (TINY + "let: {a: '[1, 1]', b: '[a, a]', c: [b, b]}\n"
        "layers: [conv: {channels: c, kernel: 1}]\n", "3:36", "a list of lists of lists"),
    # ----- names -----
    "a name twice": (HEAD + "  - relu: {name: a}\n  - relu: {name: a}\n", "5:5",
        "an earlier layer is called 'a'" + GIVE_AN_INDEX),
    "a name twice in a repeat": (HEAD + "  - repeat: 2\n    layers: [relu: {name: a}]\n", "5:14",
        "an earlier layer is called 'a'" + GIVE_AN_INDEX),
    "a block's name twice": (TINY + "blocks: {b: {layers: [relu]}}\nlayers:\n  - b: {name: x}\n"
        "  - b: {name: x}\n", "6:5", "an earlier block is called 'x'" + GIVE_AN_INDEX),
    "a layer called as a block": (
        TINY + "blocks: {b: {layers: [relu]}}\nlayers:\n  - b: {name: x}\n"
        "  - relu: {name: x}\n", "6:5",
        "an earlier block is called 'x'" + GIVE_AN_INDEX),
    "a head's name twice": (HEAD + "  - head: {name: h, layers: [relu]}\n"
        "  - head: {name: h, layers: [relu]}\n", "5:5",
        "an earlier block is called 'h'" + GIVE_AN_INDEX),
    "a layer called input": (HEAD + "  - relu: {name: input}\n", "4:5",
        "'input' is what an input of the network is called"),
    "a space in a layer's name": (HEAD + "  - relu: {name: 'a b'}\n", "4:18",
        "'a b' is not a name" + SIGNS),
    "an open brace": (HEAD + "  - relu: {name: 'a{'}\n", "4:18", "'a{' is not a name" + SIGNS),
    "empty braces": (HEAD + "  - relu: {name: 'a{}'}\n", "4:18", "'' is not an expression"),
    "a stray brace": (HEAD + "  - relu: {name: 'a}'}\n", "4:18", "'a}' is not a name" + SIGNS),
    "braces the wrong way round": (HEAD + "  - relu: {name: 'a}1{b'}\n", "4:18",
        "'a}1{b' is not a name" + SIGNS),
    "an unknown name in braces": (HEAD + "  - relu: {name: 'a{i}'}\n", "4:18",
        "unknown parameter 'i'; there are no parameters here"),
    "a fraction in braces": (HEAD + "  - relu: {name: 'a{1/2}'}\n", "4:18", "'a1/2' is not a name"),
    "text in braces": (HEAD + '  - relu: {name: "a{\' x\'}"}\n', "4:18", "'a x' is not a name"),
    "a list in braces": (HEAD + "  - relu: {name: 'a{[1, 2]}'}\n", "4:18",
        "a list in a name is for the `from` of a join, which takes several layers"),
    "two lists in braces": (HEAD + "  - add: {from: 'a{[1, 2]}b{[1, 2]}'}\n", "4:17",
        "more than one list in a name"),
    "an empty list in braces": (HEAD + "  - add: {from: 'a{range(0)}'}\n", "4:17",
        "`from` names no layer: its list is empty"),
    "a join of a list of one": (
        HEAD + "  - relu: {name: a0}\n  - add: {from: 'a{range(1)}'}\n", "5:5",
        "add needs branches, or `from` with two layers or more"),
    "a join of one name with braces": (
        HEAD + "  - relu: {name: a0}\n  - add: {from: 'a{1 - 1}'}\n", "5:5",
        "add needs branches, or `from` with two layers or more"),
    "a list of names of nothing": (HEAD + "  - add: {from: 'a{range(9)}'}\n", "4:17",
        "no earlier layer is called 'a0'"),
    "a list for a name": (HEAD + "  - relu: {name: [a]}\n", "4:18",
        "a name is text, not a list or a mapping"),
    "a name of 500 characters": (HEAD + f"  - relu: {{name: {'a' * 500}}}\n", "4:18",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is not a name" + SIGNS),
    "a name in another script": (TINY + "layers: [{relu: {name: 漢字}}]\n", "3:24",
        "'漢字' is not a name" + SIGNS),
    "a name from a long text": (
        TINY + f"parameters: {{x: {'a' * 200}}}\nlayers: [relu: {{name: '{{x}}'}}]\n", "4:23",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is not a name"),
    "a name of many blocks": (
        TINY + f"blocks: {{b: {{layers: [b: {{name: {'a' * 90}}}]}}}}\nlayers: [b]\n", "3:23",
        "'b1.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'…: a name of more than "
        "400 characters"),
    "from nowhere": (HEAD + "  - relu: {from: nowhere}\n", "4:18",
        "no earlier layer is called 'nowhere'"),
    "from a later layer": (HEAD + "  - relu: {from: b}\n  - relu: {name: b}\n", "4:18",
        "no earlier layer is called 'b'; a later one is, in line 5"),
    "from a later layer, both in a block": (
        TINY + "blocks:\n  b:\n    layers:\n      - relu: {from: r}\n"
        "      - repeat: 2\n        layers: [add: [[relu: {name: r}], []]]\n"
        "layers:\n  - b\n", "6:22",
        "no earlier layer is called 'r'; a later one is, in line 8"),
    "from a layer of a block that comes later in the text": (
        TINY + "layers:\n  - relu: {from: r}\n"
        "blocks: {b: {layers: [relu: {name: r}]}}\n", "4:18",
        "no earlier layer is called 'r'"),
    "from a layer inside a block": (
        TINY + "blocks: {b: {layers: [relu: {name: r}]}}\n"
        "layers:\n  - b: {name: x}\n  - relu: {from: r}\n", "6:18",
        "no earlier layer is called 'r'; did you mean 'x.r'?"),
    "from itself": (HEAD + "  - relu: {name: b, from: b}\n", "4:27",
        "no earlier layer is called 'b'"),
    "from a misspelled layer": (
        HEAD + "  - conv: {name: trunk, channels: 3, kernel: 1}\n  - relu: {from: trnk}\n", "5:18",
        "no earlier layer is called 'trnk'; did you mean 'trunk'?"),
    "from two layers": (HEAD + "  - relu: {from: [input, input]}\n", "4:18",
        "a name is text, not a list or a mapping"),
    "from a training-only layer": (
        HEAD + "  - head: {name: h, training_only: true, layers: [relu: {name: r}]}\n"
        "  - relu: {from: h.r}\n", "5:18",
        "'h.r'" + IN_TRAINING_ONLY),
    "weights of nothing": (HEAD + "  - conv: {channels: 3, kernel: 1, weights: c}\n", "4:45",
        "no earlier layer is called 'c'"),
    "weights of another kind": (
        HEAD + "  - relu: {name: r}\n  - conv: {channels: 3, kernel: 1, weights: r}\n", "5:45",
        "weights of a conv, but 'r' is a relu"),
    "weights of the input": (HEAD + "  - conv: {channels: 3, kernel: 1, weights: input}\n", "4:45",
        "weights of a conv, but 'input' is an input of the network"),
    "weights of a training-only layer": (
        HEAD + "  - head:\n      training_only: true\n      name: h\n"
        "      layers: [conv: {name: r, channels: 3, kernel: 1}]\n"
        "  - conv: {weights: h.r, channels: 3, kernel: 1}\n", "8:21",
        "'h.r'" + IN_TRAINING_ONLY),
    "indices of nothing": (HEAD + "  - max_unpool: {kernel: 2, indices: c}\n", "4:38",
        "no earlier layer is called 'c'"),
    "indices of the input": (HEAD + "  - max_unpool: {kernel: 2, indices: input}\n", "4:38",
        "indices of a max_pool, but 'input' is an input of the network"),
    "indices of no max pool": (
        HEAD + "  - relu: {name: r}\n  - max_unpool: {kernel: 2, indices: r}\n", "5:38",
        "indices of a max_pool, but 'r' is a relu"),
    "indices of a later layer": (HEAD + "  - max_pool: {name: p, kernel: 2}\n"
        "  - max_unpool: {kernel: 2, indices: add1}\n", "5:38",
        "no earlier layer is called 'add1'"),
    "indices for a relu": (
        HEAD + "  - max_pool: {name: p, kernel: 2}\n  - relu: {indices: p}\n", "5:12",
        "relu has no 'indices'; it takes name, from, weights, trainable, checkpoint"),
    "indices for a conv": (HEAD + "  - max_pool: {name: p, kernel: 2}\n"
        "  - conv: {channels: 3, kernel: 1, indices: p}\n", "5:36",
        "conv has no 'indices'; it takes channels, kernel, stride, padding, dilation, groups, "
        "bias, weight_norm, name, from, weights, trainable, checkpoint"),
    "indices for a join": (
        HEAD + "  - max_pool: {name: p, kernel: 2}\n  - add: {from: [p, p], indices: p}\n", "5:25",
        "add has no 'indices'; it takes name, from, weights, trainable, checkpoint, branches"),
    # ----- structure -----
    "a join of nothing": (HEAD + "  - add\n", "4:5",
        "add needs branches, or `from` with two layers or more"),
    "a join without branches": (HEAD + "  - add: []\n", "4:10", "a join without branches"),
    "a join with a name alone": (HEAD + "  - add: {name: a}\n", "4:5",
        "add needs branches, or `from` with two layers or more"),
    "a join of a number": (HEAD + "  - add: 3\n", "4:10", "add is a mapping (key: value)"),
    "branches not in lists": (HEAD + "  - add: [relu, relu]\n", "4:11",
        "a branch is a list (- item)"),
    "repeat -1 times": (HEAD + "  - repeat: -1\n    layers: [relu]\n", "4:13",
        "repeat: expected a number of times, found '-1'"),
    "repeat half a time": (HEAD + "  - repeat: 1/2\n    layers: [relu]\n", "4:13",
        "repeat: expected a number of times, found '1/2'"),
    "repeat a word": (HEAD + "  - repeat: abc\n    layers: [relu]\n", "4:13",
        "unknown parameter 'abc'; there are no parameters here"),
    "repeat nothing": (HEAD + "  - repeat:\n    layers: [relu]\n", "4:12",
        "repeat: expected a number of times, found nothing"),
    "repeat without layers": (HEAD + "  - repeat: 3\n", "4:5", "`repeat` needs `layers`"),
    "repeat a word for layers": (HEAD + "  - repeat: 3\n    layers: relu\n", "5:13",
        "layers is a list (- item)"),
    "if a number": (HEAD + "  - if: 3\n    then: [relu]\n", "4:9",
        "if: '3' is neither true nor false"),
    "if a text": (HEAD + '  - if: "\'a\'"\n    then: [relu]\n', "4:9",
        "if: 'a' is neither true nor false"),
    "if without then": (HEAD + "  - if: true\n", "4:5", "`if` needs `then`"),
    "if with a misspelled then": (HEAD + "  - if: true\n    than: [relu]\n", "5:5",
        "`if` has no 'than'; did you mean 'then'?"),
    "a head as a list": (HEAD + "  - head: [relu]\n  - relu\n", "4:11",
        "head is a mapping (key: value)"),
    "a head without layers": (HEAD + "  - head: {name: a}\n  - relu\n", "4:11",
        "head needs `layers`"),
    "a head maybe for training": (
        HEAD + "  - head: {training_only: maybe, layers: [relu]}\n  - relu\n", "4:27",
        "training_only: expected true or false"),
    # ----- explosions -----
    "a block that calls itself": (TINY + "blocks: {b: {layers: [b]}}\nlayers: [b]\n", "3:23",
        TOO_DEEP),
    "blocks that call each other": (
        TINY + "blocks: {a: {layers: [b]}, b: {layers: [a]}}\nlayers: [a]\n", "3:41",
        TOO_DEEP),
    "a block that calls itself within conditions": (
        TINY + f"blocks: {{b: {{layers: {'[{if: true, then: ' * 24}[b]{'}]' * 24}}}}}\n"
        "layers: [b]\n", "3:455",
        TOO_DEEP),
    "a block that calls itself twice": (
        TINY + "blocks: {b: {parameters: [n], layers: [{if: n > 0, then: [b: {n: n-1}, "
        "b: {n: n-1}], else: [relu]}]}}\nlayers: [b: {n: 30}]\n", "3:59",
        TOO_LARGE),
    "10**9 layers": (HEAD + "  - repeat: 10**9\n    layers: [relu]\n", "4:5", TOO_LARGE),
    "10**9 times nothing": (HEAD + "  - repeat: 10**9\n    layers: []\n", "4:5", TOO_LARGE),
    "20,000 inputs": (HEAD + f"  - concat: {{from: [{'input, ' * 20000}input]}}\n", "4:140014",
        TOO_LARGE),
    "20,000 branches": (HEAD + f"  - concat: [{'[], ' * 20000}[]]\n", "4:5", TOO_LARGE),
    "features of 2**63 - 1": (HEAD + "  - linear: {features: 9223372036854775807}\n", "4:5",
        "an output of more than 2**63 - 1 values"),
    "an upsampling beyond 64 bits": (HEAD + "  - upsample: {factor: 4000000000}\n", "4:5",
        "an output of more than 2**63 - 1 values"),
    # ----- a layer refuses its input -----
    "a window that does not fit": (HEAD + "  - conv: {channels: 3, kernel: 99}\n", "4:5",
        "a window of 99 does not fit in 8"),
    "groups that do not divide": (HEAD + "  - conv: {channels: 4, kernel: 1, groups: 2}\n", "4:5",
        "3 input channels do not divide into 2 groups"),
    "no groups": (HEAD + "  - conv: {channels: 4, kernel: 1, groups: 0}\n", "4:5",
        "3 input channels do not divide into 0 groups"),
    "a sum of unequal channels": (HEAD + "  - add: [[conv: {channels: 4, kernel: 1}], []]\n", "4:5",
        "branches of 4x8x8 and 3x8x8 do not match"),
    "a concatenation of unequal sizes": (
        HEAD + "  - concat: [[max_pool: {kernel: 2}], []]\n", "4:5",
        "branches of 3x4x4 and 3x8x8 do not match"),
    "negative channels": (HEAD + "  - conv: {channels: -3, kernel: 3}\n", "4:5",
        "-3 output channels"),
    "a stride of 0": (HEAD + "  - conv: {channels: 3, kernel: 3, stride: 0}\n", "4:5",
        "a stride of 0"),
    "a kernel of 0": (HEAD + "  - conv: {channels: 3, kernel: 0}\n", "4:5", "a kernel of 0"),
    "three axes for two": (HEAD + "  - conv: {channels: 3, kernel: [3,3,3]}\n", "4:5",
        "kernel has 3 values for 2 spatial axes"),
    "no axes for two": (HEAD + "  - conv: {channels: 3, kernel: []}\n", "4:5",
        "kernel has 0 values for 2 spatial axes"),
    "a probability of 2": (HEAD + "  - dropout: {p: 2}\n", "4:5",
        "p (=2.0) is a probability, between 0 and 1"),
    "weights of another shape": (HEAD + "  - conv: {name: c, channels: 3, kernel: 1}\n"
        "  - conv: {channels: 4, kernel: 1, weights: c}\n", "5:5",
        "shares the weights of c, whose weight is 3x3x1x1; here it would be 4x3x1x1"),
    "an unpooling without indices": (HEAD + "  - max_unpool: {kernel: 2}\n", "4:5",
        "needs `indices`, the name of the max pool that it undoes"),
    "trilinear on a plane": (HEAD + "  - upsample: {factor: 2, mode: trilinear}\n", "4:5",
        "mode 'trilinear' is for 3 spatial axes"),
    "channels that do not make pixels": (HEAD + "  - pixel_shuffle: {factor: 2}\n", "4:5",
        "3 channels do not divide by 2 squared"),
    "channels that do not split": (HEAD + "  - channel_split: {parts: 2, part: 0}\n", "4:5",
        "3 channels do not divide into 2 parts"),
    "channels that are not there": (HEAD + "  - channel_slice: {start: 1, stop: 9}\n", "4:5",
        "stops at 9 of 3 channels"),
    "a shape that does not fill": (HEAD + "  - reshape: {shape: [3, 9]}\n", "4:5",
        "192 values do not fill 3x9"),
    "a shape of -1": (HEAD + "  - reshape: {shape: [-2, 9]}\n", "4:5", "a size of -2"),
    "groups of a norm that do not divide": (HEAD + "  - group_norm: {groups: 2}\n", "4:5",
        "3 channels do not divide into 2 groups"),
    "padding of more than half a window": (HEAD + "  - max_pool: {kernel: 2, padding: 2}\n", "4:5",
        "padding 2 is more than half a kernel of 2"),
    "an output of nothing": (HEAD + "  - adaptive_avg_pool: {output: 0}\n", "4:5",
        "an output size of 0"),
    "a way to scale that is none": (
        "name: t\ninput: [3, 8, 8]\nscaling: {witdh: w}\nlayers: [relu]\n", "3:11",
        "scaling has no 'witdh'; did you mean 'width'?"),
    "scaling by an unknown parameter": (
        "name: t\ninput: [3, 8, 8]\nparameters: {alpha: 1}\nscaling: {width: alhpa}\n"
        "layers: [relu]\n", "4:18", "scaling, width: t has no 'alhpa'; did you mean 'alpha'?"),
    "scaling by a size that is not there": (
        "name: t\ninput: [3, 8, 8]\nscaling: {resolution: [H, L]}\nlayers: [relu]\n", "3:27",
        "scaling, resolution: t has no 'L'; known: C, H, W"),
    "scaling by an item that one variant does not have": (
        "name: t\ninput: [3, 8, 8]\nparameters: {depths: [1, 2]}\n"
        "scaling: {depth: \"depths[1]\"}\nvariants: {a: , b: {depths: [3]}}\nlayers: [relu]\n",
        "4:18", "scaling, depth: depths is '[3]', and has no item 1"),
    "scaling by a text": (
        "name: t\ninput: [3, 8, 8]\nparameters: {kind: B}\nscaling: {width: kind}\n"
        "layers: [relu]\n", "4:18", "scaling, width: kind is 'B', not a number"),
    "scaling by nothing": (
        "name: t\ninput: [3, 8, 8]\nscaling: {depth: []}\nlayers: [relu]\n", "3:18",
        "depth: expected a parameter or a size"),
    "a crop of all": (HEAD + "  - crop: {sides: 4}\n", "4:5", "cropping 4 and 4 off 8"),
    "a convolution of a vector": (
        "name: t\ninput: [3]\nlayers: [conv: {channels: 3, kernel: 1}]\n", "3:10",
        "needs at least one spatial axis, and a vector has none"),
}
# fmt: on


def refusal(text: str) -> ArchcalcError:
    """What is raised on the way from a spec's text to its analysis."""
    with pytest.raises(ArchcalcError) as raised:
        for network in family_of(text).networks.values():
            analyze(build_graph(network))
    return raised.value


def check_message(error: ArchcalcError, place: str | None, fact: str) -> None:
    """A spec's error shows the line and points at the column; a layer's names the place last."""
    if place is None:
        assert str(error) == f"tiny.yaml: {fact}"
    elif isinstance(error, SpecError):
        first, excerpt, caret = str(error).split("\n")
        assert first == f"tiny.yaml:{place}: {fact}"
        assert excerpt.startswith("    ")
        assert caret.strip() == "^"
    else:
        assert str(error).endswith(f", tiny.yaml:{place}: {fact}")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_where_it_is(mistake: str) -> None:
    text, place, fact = MISTAKES[mistake]
    check_message(refusal(text), place, fact)


@pytest.mark.parametrize(("place", "fact"), [("9:10", None), ("3:9", None), ("3:10", "a fact")])
def test_another_place_or_another_fact_would_be_seen(place: str, fact: str | None) -> None:
    error = refusal("name: tiny\ninput: [1]\nlayers: [maxpol]")
    right = "unknown layer kind 'maxpol'; did you mean 'max_pool'?"
    check_message(error, "3:10", right)
    with pytest.raises(AssertionError):
        check_message(error, place, fact or right)


def test_a_right_spec_is_not_refused() -> None:
    with pytest.raises(pytest.fail.Exception):
        refusal(HEAD + "  - relu")
