"""Figures that are known from elsewhere: worked out by hand, printed, or torch's own."""

from __future__ import annotations

import pytest

from archcalc import activation_bytes, analyze

# ----- the inception module, naive and with bottlenecks (CS231n, lecture 9) -----

# On 28x28x256; no biases are counted. Positions: 28 x 28 = 784.
#   1x1, 128:             784 x 128 x 1 x 1 x 256 =  25,690,112
#   3x3, 192:             784 x 192 x 3 x 3 x 256 = 346,816,512
#   5x5, 96:              784 x  96 x 5 x 5 x 256 = 481,689,600
NAIVE = {"1x1": 25_690_112, "3x3": 346_816_512, "5x5": 481_689_600, "pool": 0, "output": 0}

# With 1x1 convolutions of 64 before the 3x3 and the 5x5, and behind the pool:
#   1x1, 128:             784 x 128 x 1 x 1 x 256 =  25,690,112
#   1x1, 64, three times: 784 x  64 x 1 x 1 x 256 =  12,845,056
#   3x3, 192, on 64:      784 x 192 x 3 x 3 x  64 =  86,704,128
#   5x5, 96, on 64:       784 x  96 x 5 x 5 x  64 = 120,422,400
BOTTLENECK = {
    "1x1": 25_690_112,
    "3x3_reduce": 12_845_056,
    "3x3": 86_704_128,
    "5x5_reduce": 12_845_056,
    "5x5": 120_422_400,
    "pool": 0,
    "pool_proj": 12_845_056,
    "output": 0,
}


@pytest.mark.parametrize(
    ("name", "macs", "total", "channels"),
    [
        # 128 + 192 + 96 + the pool's 256; 128 + 192 + 96 + 64.
        ("inception_naive", NAIVE, 854_196_224, 672),
        ("inception_bottleneck", BOTTLENECK, 271_351_808, 480),
    ],
)
def test_an_inception_module_takes_so_many_macs(
    name: str, macs: dict[str, int], total: int, channels: int
) -> None:
    analysis = analyze(name)
    assert {layer.name: layer.macs for layer in analysis.layers} == macs
    assert analysis.totals.macs == total == sum(macs.values())
    assert analysis.layer("output").output.shape == (channels, 28, 28)


def test_the_printed_358_million_count_the_3x3_twice() -> None:
    assert 271_351_808 + BOTTLENECK["3x3"] == 358_055_936


# ----- VGG-16, row by row (CS231n, lecture 9) -----

# The row's name here, its output, its values, its weights without biases.
VGG16 = [
    ("input", (3, 224, 224), 224 * 224 * 3, 0),
    ("conv1_1", (64, 224, 224), 224 * 224 * 64, 3 * 3 * 3 * 64),
    ("conv1_2", (64, 224, 224), 224 * 224 * 64, 3 * 3 * 64 * 64),
    ("pool1", (64, 112, 112), 112 * 112 * 64, 0),
    ("conv2_1", (128, 112, 112), 112 * 112 * 128, 3 * 3 * 64 * 128),
    ("conv2_2", (128, 112, 112), 112 * 112 * 128, 3 * 3 * 128 * 128),
    ("pool2", (128, 56, 56), 56 * 56 * 128, 0),
    ("conv3_1", (256, 56, 56), 56 * 56 * 256, 3 * 3 * 128 * 256),
    ("conv3_2", (256, 56, 56), 56 * 56 * 256, 3 * 3 * 256 * 256),
    ("conv3_3", (256, 56, 56), 56 * 56 * 256, 3 * 3 * 256 * 256),
    ("pool3", (256, 28, 28), 28 * 28 * 256, 0),
    ("conv4_1", (512, 28, 28), 28 * 28 * 512, 3 * 3 * 256 * 512),
    ("conv4_2", (512, 28, 28), 28 * 28 * 512, 3 * 3 * 512 * 512),
    ("conv4_3", (512, 28, 28), 28 * 28 * 512, 3 * 3 * 512 * 512),
    ("pool4", (512, 14, 14), 14 * 14 * 512, 0),
    ("conv5_1", (512, 14, 14), 14 * 14 * 512, 3 * 3 * 512 * 512),
    ("conv5_2", (512, 14, 14), 14 * 14 * 512, 3 * 3 * 512 * 512),
    ("conv5_3", (512, 14, 14), 14 * 14 * 512, 3 * 3 * 512 * 512),
    ("pool5", (512, 7, 7), 7 * 7 * 512, 0),
    ("fc6", (4096,), 4096, 7 * 7 * 512 * 4096),
    ("fc7", (4096,), 4096, 4096 * 4096),
    ("fc8", (1000,), 1000, 4096 * 1000),
]


@pytest.mark.parametrize(("row", "output", "values", "weights"), VGG16)
def test_vgg16_has_the_rows_of_the_lecture(
    row: str, output: tuple[int, ...], values: int, weights: int
) -> None:
    analysis = analyze("vgg16")
    if row == "input":
        assert (analysis.input.shape, analysis.input.values) == (output, values)
        return
    layer = analysis.layer(row)
    assert (layer.output.shape, layer.activation_values, layer.weights) == (output, values, weights)


def test_vgg16_has_22_rows_and_no_other_layer_with_weights() -> None:
    analysis = analyze("vgg16")
    assert len(VGG16) == 22
    assert analysis.totals.weights == sum(weights for *_, weights in VGG16) == 138_344_128


def test_vgg16_adds_up() -> None:
    totals = analyze("vgg16").totals
    # Biases: 2 x 64 + 2 x 128 + 3 x 256 + 6 x 512 + 2 x 4096 + 1000 = 13,416.
    assert totals.biases == 13_416
    assert totals.params == 138_357_544
    # Of the convolutions, weights times positions: 86,704,128 + 1,849,688,064 + 924,844,032
    # + 1,849,688,064 + 924,844,032 + 2 x 1,849,688,064 + 924,844,032 + 2 x 1,849,688,064
    # + 3 x 462,422,016 = 15,346,630,656; fc6 to fc8 as their weights, 123,633,664.
    assert totals.macs == 15_346_630_656 + 123_633_664 == 15_470_264_320
    assert totals.flops == 30_940_528_640


def test_the_activations_that_the_lecture_lists_are_61_megabytes_and_not_96() -> None:
    lecture = activation_bytes(analyze("vgg16")).lecture
    assert lecture == 4 * sum(values for _, _, values, _ in VGG16) == 4 * 15_237_608 == 60_950_432


# r grows by (k - 1) j at each layer, j by the stride. In stages of two 3x3: + 2 x 2 j; of three:
# + 3 x 2 j; the pool behind: + j.
#   stage 1, j = 1:  1 + 4 + 1 = 6        stage 4, j = 8:  44 + 48 + 8 = 100
#   stage 2, j = 2:  6 + 8 + 2 = 16       stage 5, j = 16: 100 + 96 + 16 = 212
#   stage 3, j = 4:  16 + 24 + 4 = 44
@pytest.mark.parametrize(
    ("pool", "field", "jump"),
    [("pool1", 6, 2), ("pool2", 16, 4), ("pool3", 44, 8), ("pool4", 100, 16), ("pool5", 212, 32)],
)
def test_the_pools_of_vgg16_see_so_far(pool: str, field: int, jump: int) -> None:
    layer = analyze("vgg16").layer(pool)
    assert (layer.receptive_field, layer.jump) == ((field, field), (jump, jump))


def test_the_last_pool_of_vgg16_starts_90_pixels_before_the_image() -> None:
    # One pixel of padding at each convolution: 2 x 1 + 2 x 2 + 3 x 4 + 3 x 8 + 3 x 16 = 90.
    assert analyze("vgg16").layer("pool5").offset == (-90, -90)


# ----- AlexNet (CS231n, lecture 9) -----


def test_the_first_convolution_of_alexnet() -> None:
    # (227 - 11)/4 + 1 = 55; (11 x 11 x 3) x 96 = 34,848.
    conv1 = analyze("alexnet").layer("conv1")
    assert conv1.output.shape == (96, 55, 55)
    assert (conv1.weights, conv1.biases) == (34_848, 96)


@pytest.mark.parametrize(
    ("layer", "output"),
    [
        ("pool1", (96, 27, 27)),  # (55 - 3)/2 + 1
        ("conv2", (256, 27, 27)),  # (27 - 5 + 2 x 2)/1 + 1
        ("pool2", (256, 13, 13)),  # (27 - 3)/2 + 1
        ("conv3", (384, 13, 13)),
        ("conv4", (384, 13, 13)),
        ("conv5", (256, 13, 13)),
        ("pool5", (256, 6, 6)),  # (13 - 3)/2 + 1
        ("fc6", (4096,)),
        ("fc8", (1000,)),
    ],
)
def test_the_sizes_of_alexnet(layer: str, output: tuple[int, ...]) -> None:
    assert analyze("alexnet").layer(layer).output.shape == output


# ----- LeNet-5 (LeCun et al. 1998) -----


def test_the_parameters_of_lenet5() -> None:
    # C1: 6 (25 + 1) = 156. C3: 16 (6 x 25 + 1) = 2,416. C5: 120 (16 x 25 + 1) = 48,120.
    # F6: 84 (120 + 1) = 10,164. Output: 10 (84 + 1) = 850.
    params = {layer.name: layer.params for layer in analyze("lenet5").layers if layer.params}
    assert params == {"C1": 156, "C3": 2416, "C5": 48_120, "F6": 10_164, "output": 850}


def test_the_parameters_of_lenet5_as_published() -> None:
    # S2: 6 coefficients and 6 biases; C3: 6 maps see 3 of S2's maps, 9 see 4, 1 sees 6:
    # 25 (6 x 3 + 9 x 4 + 6) + 16 = 1,516; S4: 16 and 16.
    analysis = analyze("lenet5_1998")
    blocks = {
        name: sum(x.params for x in analysis.layers if x.name.startswith(name + "."))
        for name in ("S2", "C3", "S4")
    }
    assert blocks == {"S2": 12, "C3": 1516, "S4": 32}


# ----- what torchvision's models have -----

# The `num_params` in the metadata of torchvision's weights (torchvision/models/*.py).
TORCHVISION = {
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "alexnet_torchvision": 61_100_840,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "wrn_50_2": 68_883_240,
    "resnext50_32x4d": 25_028_904,
    "resnext101_32x8d": 88_791_336,
    "resnext101_64x4d": 83_455_272,
    "densenet121": 7_978_856,
    "densenet161": 28_681_000,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "squeezenet1_0": 1_248_424,
    "squeezenet1_1": 1_235_496,
    "googlenet_torchvision": 6_624_904,
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_a_network_has_the_parameters_of_torchvisions(name: str) -> None:
    assert analyze(name).totals.params == TORCHVISION[name]


# The paper's Table 1 for alpha = 1 has 4.2M and 569M mult-adds; by hand, convolution by
# convolution: 568.7M and, with the classifier, 4,231,976 learned values.
def test_mobilenet_has_the_parameters_of_the_paper() -> None:
    totals = analyze("mobilenet_v1").totals
    assert totals.params == 4_231_976
    assert round(totals.macs / 1e6) == 569


@pytest.mark.parametrize(("alpha", "millions"), [(1, 4.2), (0.75, 2.6), (0.5, 1.3), (0.25, 0.5)])
def test_mobilenet_shrinks_as_the_paper_says(alpha: float, millions: float) -> None:
    assert round(analyze("mobilenet_v1", alpha=alpha).totals.params / 1e6, 1) == millions


# The stem sees 11 pixels at a jump of 4; each 3x3 adds twice the jump that it stands at.
# Stride in a stage's first 3x3: 11 + 3 x 8 + (8 + 3 x 16) + (16 + 5 x 32) + (32 + 2 x 64) = 427.
# In its last, as TF-Slim: 11 + 3 x 8 + 4 x 16 + 6 x 32 + 3 x 64 = 483, which
# google-research/receptive_field prints for resnet_v1_50.
@pytest.mark.parametrize(("name", "field"), [("resnet50", 427), ("resnet50_slim", 483)])
def test_resnet50_sees_so_far(name: str, field: int) -> None:
    assert analyze(name).layer("layer4.2.relu").receptive_field == (field, field)


def test_a_figure_that_is_off_by_one_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        test_vgg16_has_the_rows_of_the_lecture("fc8", (1000,), 1000, 4096 * 1000 + 1)
