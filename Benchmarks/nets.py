#!/usr/bin/env python3
"""The benchmark nets: what they are, and the files that caffe-swift and Caffe need to run them.

    Benchmarks/nets.py FOLDER [NET...]

writes for each net NET.train.prototxt, NET.solver.prototxt, NET.deploy.prototxt and NET.h5 into FOLDER.
Layers come from prototxt/ (two nets that only the benchmark has are in Benchmarks/nets). Only data
layers are our own: normally distributed pictures and random classes, or random symbols, in HDF5 files
that caffe-swift itself writes.
"""
import argparse
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class BenchmarkNet:
    """What both sides must agree upon."""

    source: str  # the train_test prototxt, from the root of the project
    data: tuple  # shape of the net's input
    label: tuple
    classes: int
    batch: int  # items (pictures, sequences) that a pass works through
    iterations: int  # how many make a measurement of some seconds
    symbols: bool = False  # whether the input holds numbers of symbols instead of pictures


def pictures(source, batch, shape, classes, iterations):
    return BenchmarkNet(source, (batch, *shape), (batch,), classes, batch, iterations)


NETS = {
    "lenet": pictures("prototxt/lenet/lenet_train_test.prototxt", 64, (1, 28, 28), 10, 60),
    "cifar_quick": pictures(
        "prototxt/cifar10_quick/cifar10_quick_train_test.prototxt", 100, (3, 32, 32), 10, 20),
    "cifar_full": pictures(
        "Benchmarks/nets/cifar10_full_train_test.prototxt", 100, (3, 32, 32), 10, 20),
    "alexnet": pictures("prototxt/alexnet/alexnet_train_test.prototxt", 32, (3, 227, 227), 1000, 5),
    "googlenet": pictures(
        "prototxt/googlenet/googlenet_train_test.prototxt", 32, (3, 224, 224), 1000, 4),
    "resnet50": pictures(
        "prototxt/resnet50/resnet50_train_test.prototxt", 16, (3, 224, 224), 1000, 4),
    "vgg16": pictures("prototxt/vgg16/vgg16_train_test.prototxt", 8, (3, 224, 224), 1000, 3),
    "lstm": BenchmarkNet(
        "Benchmarks/nets/lstm_train_test.prototxt", (64, 32), (64, 32), 128, 32, 10, symbols=True),
}


def named(names):
    """The nets of these names, all if there are none; says which exist if one does not."""
    for name in names:
        if name not in NETS:
            raise SystemExit(f"no benchmark net '{name}'; there are {', '.join(NETS)}")
    return {name: NETS[name] for name in names or NETS}


# Layers of a prototxt, as text. Files of the project begin and end a layer at the start of a line.


def layers_of(text):
    return re.findall(r"(?ms)^layer \{$.*?^\}$", text)


def values(layer, field):
    """The strings of a field that a layer may repeat, such as its bottoms."""
    return re.findall(rf'\b{field}: "([^"]*)"', layer)


def kind(layer):
    return values(layer, "type")[0]  # fillers have types too, further down


def of_phase(layers, phase):
    """Without data layers, and without those that the other phase alone has."""
    other = {"TRAIN": "TEST", "TEST": "TRAIN"}[phase]
    return [x for x in layers if kind(x) != "Data" and not re.search(rf"\bphase: {other}\b", x)]


def with_softmax(layers):
    """The net for use: its last loss becomes Softmax; what does not lead there is left out."""
    losses = [i for i, layer in enumerate(layers) if kind(layer) == "SoftmaxWithLoss"]
    loss = layers[losses[-1]]
    scores = values(loss, "bottom")[0]
    parameter = re.search(r"softmax_param \{[^}]*\}", loss)
    kept, needed = [], {scores}
    for layer in reversed(layers[: losses[-1]]):
        if needed.isdisjoint(values(layer, "top")):
            continue
        needed.update(values(layer, "bottom"))
        kept.append(kept_finite(layer))
    softmax = f'type: "Softmax" bottom: "{scores}" top: "prob" {parameter.group() if parameter else ""}'
    return kept[::-1] + [f'layer {{ name: "prob" {softmax} }}']


def kept_finite(layer):
    """BatchNorm that has seen no training divides by the root of 0 + eps: with 1 it is the identity,
    as in PyTorch, and values stay finite through fifty layers."""
    if kind(layer) != "BatchNorm":
        return layer
    return layer[: layer.rindex("}")] + "  batch_norm_param { eps: 1 }\n}"


# Files.


def shape(dims):
    return "shape { " + " ".join(f"dim: {d}" for d in dims) + " }"


def dummy(top, dims, filler):
    return (
        f'layer {{ name: "{top}" type: "DummyData" top: "{top}" dummy_data_param '
        f"{{ {shape(dims)} data_filler {{ {filler} }} }} }}")


def whole_numbers(top, dims, count):
    """Layers that make random whole numbers below `count`: which of so many values is the largest."""
    axis = len(dims)
    return [
        dummy(f"{top}_scores", (*dims, count), 'type: "gaussian"'),
        f'layer {{ name: "{top}_best" type: "ArgMax" bottom: "{top}_scores" top: "{top}_best" '
        f"argmax_param {{ axis: {axis} }} }}",
        f'layer {{ name: "{top}" type: "Reshape" bottom: "{top}_best" top: "{top}" '
        f"reshape_param {{ {shape(dims)} }} }}",
    ]


def write_data(program, net, path):
    """An HDF5 file with `data` and `label`, by way of a net that ends in HDF5Output."""
    if net.symbols:
        data = whole_numbers("data", net.data, net.classes)
    else:
        data = [dummy("data", net.data, 'type: "gaussian" std: 1')]
    output = (
        f'layer {{ name: "file" type: "HDF5Output" bottom: "data" bottom: "label" '
        f'hdf5_output_param {{ file_name: "{path}" }} }}')
    description = path.with_suffix(".data.prototxt")
    layers = data + whole_numbers("label", net.label, net.classes) + [output]
    description.write_text("\n".join(layers) + "\n")
    command = [program, "time", "--model", description, "--phase", "TEST", "--iterations", "1"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0 or not path.exists():
        raise SystemExit(f"cannot write {path}: {run.stderr.strip()[-500:]}")
    path.with_suffix(".list").write_text(f"{path}\n")


def hdf5_layer(name, net, folder, tops):
    tops = " ".join(f'top: "{top}"' for top in tops)
    return (
        f'layer {{ name: "data" type: "HDF5Data" {tops} hdf5_data_param '
        f'{{ source: "{folder}/{name}.list" batch_size: {net.data[0]} }} }}')


def write_net(path, name, layers):
    path.write_text("\n".join([f'name: "{name}"', *layers]) + "\n")


def write_solver(path, net_path):
    path.write_text(
        f'net: "{net_path}"\nbase_lr: 0.0001\nlr_policy: "fixed"\nmomentum: 0.9\n'
        f'weight_decay: 0.0005\nmax_iter: 1000000\nrandom_seed: 1\n'
        f'snapshot_prefix: "{path.parent}/unused"\nsnapshot_after_train: false\n')


def write(program, name, folder):
    """All files of a net; returns them by what they are for."""
    net, folder = NETS[name], Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "train": folder / f"{name}.train.prototxt",
        "solver": folder / f"{name}.solver.prototxt",
        "deploy": folder / f"{name}.deploy.prototxt",
    }
    write_data(program, net, folder / f"{name}.h5")
    layers = layers_of((ROOT / net.source).read_text())
    data = hdf5_layer(name, net, folder, ("data", "label"))
    write_net(files["train"], name, [data] + of_phase(layers, "TRAIN"))
    write_solver(files["solver"], files["train"])
    data = hdf5_layer(name, net, folder, ("data",))
    write_net(files["deploy"], name, [data] + with_softmax(of_phase(layers, "TEST")))
    return files


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("folder")
    options.add_argument("nets", nargs="*")
    options.add_argument("--program", default=f"{ROOT}/.build/release/caffe-swift")
    options = options.parse_args()
    for name in named(options.nets):
        for file in write(options.program, name, options.folder).values():
            print(file)


if __name__ == "__main__":
    main()
