#!/usr/bin/env python3
"""Times single layers, forward and backward, in caffe-swift and PyTorch, in turn.

    Benchmarks/kernels.py [KERNEL...] [--rounds N] [--iterations N] [--threads N] [--quick]
        [--json FILE] [--program CAFFE-SWIFT] [--torch-python PYTHON]

Geometries are those of the benchmark nets. A layer of pictures stands between two small 1x1
convolutions, as in a net, so that its input and gradients come in the order of values that
convolutions prefer; only its own passes count. `caffe-swift time --model` gives means, so means are
taken on both sides.
"""
import argparse
import json
import os
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import machine
import nets
import sides
import table


@dataclass(frozen=True)
class Kernel:
    """One layer of Caffe, or several that PyTorch has as one, and what both sides run it on."""

    shape: tuple
    layers: tuple  # (type, parameters), one upon the other
    operation: str  # one of torch_kernels.OPERATIONS
    settings: dict = field(default_factory=dict)  # its arguments
    outputs: int = 0  # channels of the result; 0: those of the input
    first: bool = False  # reads the data: no gradient for its bottom, nothing before it

    @property
    def of_pictures(self):
        return len(self.shape) == 4


FILLERS = 'weight_filler { type: "msra" }'


def convolution(shape, outputs, size, stride=1, padding=0, groups=1, bias=True, first=False):
    parameters = (
        f"convolution_param {{ num_output: {outputs} kernel_size: {size} stride: {stride} "
        f"pad: {padding} group: {groups} bias_term: {str(bias).lower()} {FILLERS} }}")
    settings = {
        "outputs": outputs, "size": size, "stride": stride, "padding": padding, "groups": groups,
        "bias": bias}
    return Kernel(
        shape, (("Convolution", parameters),), "convolution", settings, outputs, first)


def pooling(shape, method, size, stride, padding=0):
    parameters = (
        f"pooling_param {{ pool: {method} kernel_size: {size} stride: {stride} pad: {padding} }}")
    settings = {"size": size, "stride": stride, "padding": padding}
    operation = {"MAX": "maximum_pooling", "AVE": "average_pooling"}[method]
    return Kernel(shape, (("Pooling", parameters),), operation, settings)


def global_pooling(shape):
    parameters = "pooling_param { pool: AVE global_pooling: true }"
    return Kernel(shape, (("Pooling", parameters),), "global_pooling")


def inner_product(shape, outputs):
    parameters = f"inner_product_param {{ num_output: {outputs} {FILLERS} }}"
    return Kernel(
        shape, (("InnerProduct", parameters),), "inner_product", {"outputs": outputs}, outputs)


LRN = (("LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"),)
BATCH_NORM = (("BatchNorm", ""), ("Scale", "scale_param { bias_term: true }"))
LSTM = (("LSTM", f"recurrent_param {{ num_output: 512 {FILLERS} }}"),)

KERNELS = {
    "conv-lenet-2": convolution((64, 20, 12, 12), 50, 5),
    "conv-cifar-2": convolution((100, 32, 16, 16), 32, 5, padding=2),
    "conv-alexnet-1": convolution((32, 3, 227, 227), 96, 11, stride=4, first=True),
    "conv-alexnet-2": convolution((32, 96, 27, 27), 256, 5, padding=2, groups=2),
    "conv-vgg-1": convolution((8, 64, 224, 224), 64, 3, padding=1),
    "conv-vgg-5": convolution((8, 512, 14, 14), 512, 3, padding=1),
    "conv-resnet-1": convolution((16, 3, 224, 224), 64, 7, 2, 3, bias=False, first=True),
    "conv-resnet-1x1": convolution((16, 64, 56, 56), 256, 1, bias=False),
    "conv-resnet-1x1-s2": convolution((16, 256, 56, 56), 128, 1, stride=2, bias=False),
    "conv-resnet-3x3": convolution((16, 128, 28, 28), 128, 3, padding=1, bias=False),
    "conv-depthwise": convolution((16, 256, 28, 28), 256, 3, padding=1, groups=256),
    "pool-max-2": pooling((8, 64, 224, 224), "MAX", 2, 2),
    "pool-max-3": pooling((32, 96, 55, 55), "MAX", 3, 2),
    "pool-max-3-s1": pooling((32, 480, 14, 14), "MAX", 3, 1, 1),
    "pool-ave-3": pooling((100, 32, 16, 16), "AVE", 3, 2),
    "pool-global": global_pooling((16, 2048, 7, 7)),
    "lrn": Kernel((32, 96, 55, 55), LRN, "lrn"),
    "batch-norm": Kernel((16, 256, 56, 56), BATCH_NORM, "batch_norm"),
    "relu": Kernel((16, 256, 56, 56), (("ReLU", ""),), "relu"),
    "dropout": Kernel((32, 4096), (("Dropout", "dropout_param { dropout_ratio: 0.5 }"),), "dropout"),
    "inner-product-fc6": inner_product((32, 9216), 4096),
    "inner-product-fc8": inner_product((32, 4096), 1000),
    "softmax": Kernel((256, 1000), (("Softmax", ""),), "softmax"),
    "softmax-pixels": Kernel((4, 21, 128, 128), (("Softmax", ""),), "softmax"),
    "lstm": Kernel((64, 32, 128), LSTM, "lstm", {"outputs": 512}, 512),
}


# Our side: a net around the layer.


def layer(name, kind, bottoms, parameters=""):
    bottoms = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return f'layer {{ name: "{name}" type: "{kind}" {bottoms} top: "{name}" {parameters} }}'


def neighbour(name, bottom, channels):
    parameters = f"convolution_param {{ num_output: {channels} kernel_size: 1 {FILLERS} }}"
    return layer(name, "Convolution", [bottom], parameters)


def net_around(kernel):
    """Data, the layer, and a sum as loss, whose gradient is 1 everywhere."""
    placed = kernel.of_pictures and kernel.operation != "softmax"
    channels_before = 8 if placed and not kernel.first else kernel.shape[1]
    data = (kernel.shape[0], channels_before, *kernel.shape[2:])
    lines = [f'name: "kernel" force_backward: {str(not kernel.first).lower()}']
    lines.append(nets.dummy("data", data, 'type: "gaussian" std: 1'))
    below = "data"
    if placed and not kernel.first:
        lines.append(neighbour("before", below, kernel.shape[1]))
        below = "before"
    extra = []
    if kernel.operation == "lstm":
        lines.append(nets.dummy("cont", kernel.shape[:2], 'type: "constant" value: 1'))
        extra = ["cont"]
    for index, (kind, parameters) in enumerate(kernel.layers):
        lines.append(layer(f"kernel{index}", kind, [below, *extra], parameters))
        below = f"kernel{index}"
    if placed:
        lines.append(neighbour("after", below, 8))
        below = "after"
    lines.append(layer("sum", "Reduction", [below], "loss_weight: 1"))
    return "\n".join(lines) + "\n"


def ours(program, kernel, threads, iterations, limit):
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(net_around(kernel))
        file.flush()
        output, _, _ = sides.run(
            [program, "time", "--model", file.name, "--iterations", iterations, "--json", "-"],
            threads, limit)
    found = [x for x in json.loads(output)["layers"] if x["name"].startswith("kernel")]
    return {
        "forward_ms": sum(x["forward_ms"] for x in found),
        "backward_ms": sum(x["backward_ms"] for x in found),
        "code": " ".join(filter(None, (found[0]["engine"], found[0].get("implementation")))),
        "layout": found[0]["layout"],
        "conversions": sum(x["conversions"] for x in found),
    }


def theirs(python, name, threads, iterations, limit):
    """Variant -> times; PyTorch runs all variants in one process."""
    output, _, _ = sides.run(
        [python, sides.HERE / "torch_kernels.py", name, "--threads", threads,
         "--iterations", iterations], threads, limit)
    return json.loads(output.splitlines()[-1])


# Rounds and the table.


def total(times):
    return times["forward_ms"] + times["backward_ms"]


def measure(name, options):
    """All rounds of a kernel, and what follows from them."""
    rounds, declined = [], None
    for turn in range(options.rounds):
        found = {"caffe-swift": ours(
            options.program, KERNELS[name], options.threads, options.iterations, options.limit)}
        if options.torch_python and not declined:
            try:
                found |= theirs(
                    options.torch_python, name, options.threads, options.iterations, options.limit)
            except sides.Refusal as refusal:
                declined = str(refusal)
        rounds.append(found)
    row = {"kernel": name, "shape": KERNELS[name].shape, "declined": declined, "rounds": rounds}
    compared = [found for found in rounds if len(found) > 1]
    if compared:
        shares = [
            min(total(times) for side, times in found.items() if side != "caffe-swift")
            / total(found["caffe-swift"]) for found in compared]
        row["ratio"] = {
            "median": statistics.median(shares), "low": min(shares), "high": max(shares)}
    return row


def times_of(row, side):
    """Forward and backward, as text: medians over the rounds."""
    found = [x[side] for x in row["rounds"] if side in x]
    if not found:
        return "-"
    passes = (statistics.median(x[f"{name}_ms"] for x in found) for name in ("forward", "backward"))
    return " + ".join(map(table.milliseconds, passes))


def cells(row, variants):
    first = row["rounds"][0]["caffe-swift"]
    code = first["code"] + (f", {first['layout']}" if first["layout"] != "plain" else "")
    code += f", {first['conversions']} conversions" if first["conversions"] else ""
    return [
        row["kernel"], "×".join(map(str, row["shape"])), times_of(row, "caffe-swift"),
        *(times_of(row, variant) for variant in variants),
        *([table.ratio(**row["ratio"]) if "ratio" in row else "-"] if variants else []), code]


def show(rows):
    variants = list(dict.fromkeys(
        side for row in rows for x in row["rounds"] for side in x if side != "caffe-swift"))
    header = ["kernel", "input", "ours ms", *(f"{variant} ms" for variant in variants)]
    header += (["ratio"] if variants else []) + ["our code"]
    print("\nforward + backward\n")
    print(table.text(header, [cells(row, variants) for row in rows]))
    for row in rows:
        if row["declined"]:
            print(f"\nPyTorch declined {row['kernel']}: {row['declined']}")
    if variants:
        print(
            "\nratio: both passes of PyTorch's faster order of values over ours, the median of the "
            "rounds (least–largest); above 1 caffe-swift is faster")


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], prog="scripts/benchmark --kernels")
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=", ".join(KERNELS))
    parser.add_argument("--rounds", type=int, help="how often each side has its turn (3)")
    parser.add_argument("--iterations", type=int, help="in each turn, after a warm-up (20)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true", help="1 round of 2 iterations")
    parser.add_argument("--limit", type=int, default=300, help="seconds of a turn (300)")
    parser.add_argument("--json", help="write all measurements to this file")
    parser.add_argument("--program", default=f"{nets.ROOT}/.build/release/caffe-swift")
    parser.add_argument("--torch-python", help="a Python that has torch")
    options = parser.parse_args()
    for name in options.kernels:
        if name not in KERNELS:
            parser.error(f"no kernel '{name}'; there are {', '.join(KERNELS)}")
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.iterations = options.iterations or (2 if options.quick else 20)
    return options


def main():
    options = parse()
    found = machine.asked(options.program, options.torch_python)
    print("\n".join(machine.sentences(found)))
    print(f"rounds: {options.rounds}, iterations: {options.iterations}, threads: {options.threads}")
    rows = []
    for name in options.kernels or KERNELS:
        rows.append(measure(name, options))
        if options.json:
            run = {"machine": found, "threads": options.threads, "rows": rows}
            Path(options.json).write_text(json.dumps(run, indent=1) + "\n")
    show(rows)


if __name__ == "__main__":
    main()
