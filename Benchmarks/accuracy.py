#!/usr/bin/env python3
"""Whether a net learns as much whichever code multiplies: accuracy on Fashion-MNIST's 10,000 test pictures.

    scripts/fashion-mnist .build/release/caffe-swift
    Benchmarks/accuracy.py .build/release/caffe-swift [NET...] [--iterations 2000] [--ways ONEDNN,BF16]
                           [--json FILE]

Trains LeNet, the two CIFAR-10 nets and a ResNet of 20 layers (He et al. 2016, section 4.2), on Fashion-MNIST
instead of their own pictures, from one seed: on each engine, by the built-in rules (which have tiles of their own,
"winograd" in `caffe-swift time --table`), without fusion, with measured choices, and in bfloat16 (with measured
choices not everywhere). A way that this machine does not have is told in the program's words.
"""
import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nets
import table

DATA = nets.ROOT / "data/fashion-mnist"
NAMES = ["lenet", "cifar_quick", "cifar_full", "resnet20"]
WAYS = {
    "CAFFE": ["--engine", "CAFFE"],
    "ONEDNN": ["--engine", "ONEDNN", "--choices", "none"],
    "rules": ["--choices", "none"],
    "rules no fusion": ["--choices", "none", "--no-fusion"],
    "measured choices": [],
    "BF16": ["--precision", "BF16", "--choices", "none"],
    "BF16 measured choices": ["--precision", "BF16"],
    "BF16 imitated by CAFFE": ["--precision", "BF16", "--engine", "CAFFE"],
}


def data_layer(phase, batch):
    part = {"TRAIN": "train", "TEST": "test"}[phase]
    return (
        f'layer {{ name: "data" type: "Data" top: "data" top: "label" include {{ phase: {phase} }} '
        f"transform_param {{ scale: 0.00390625 }} "
        f'data_param {{ source: "{DATA}/{part}_lmdb" batch_size: {batch} backend: LMDB }} }}')


def resnet20():
    """The layers of a residual net for small pictures: three stages of three blocks."""
    layers = []

    def add(kind, name, bottoms, top, more=""):
        bottom = " ".join(f'bottom: "{x}"' for x in bottoms)
        layers.append(f'layer {{ name: "{name}" type: "{kind}" {bottom} top: "{top}" {more} }}')
        return top

    def convolution(name, bottom, outputs, kernel, stride, rectified):
        add("Convolution", name, [bottom], name,
            f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} stride: {stride} "
            f'pad: {kernel // 2} bias_term: false weight_filler {{ type: "msra" }} }}')
        add("BatchNorm", f"{name}_norm", [name], name)
        add("Scale", f"{name}_scale", [name], name, "scale_param { bias_term: true }")
        return add("ReLU", f"{name}_relu", [name], name) if rectified else name

    blob = convolution("first", "data", 16, 3, 1, True)
    for stage, outputs in enumerate([16, 32, 64]):
        for block in range(3):
            name, stride = f"s{stage}b{block}", 2 if stage and not block else 1
            inner = convolution(f"{name}a", blob, outputs, 3, stride, True)
            inner = convolution(f"{name}b", inner, outputs, 3, 1, False)
            if stride == 2:
                blob = convolution(f"{name}s", blob, outputs, 1, stride, False)
            blob = add("Eltwise", name, [blob, inner], name)
            add("ReLU", f"{name}_relu", [name], name)
    add("Pooling", "pool", [blob], "pool", "pooling_param { pool: AVE global_pooling: true }")
    add("InnerProduct", "scores", ["pool"], "scores",
        'inner_product_param { num_output: 10 weight_filler { type: "xavier" } }')
    add("SoftmaxWithLoss", "loss", ["scores", "label"], "loss")
    return layers


def layers_and_batch(name):
    if name == "resnet20":
        return resnet20(), 64
    net = nets.NETS[name]
    source = nets.layers_of((nets.ROOT / net.source).read_text())
    return [x for x in source if nets.kind(x) != "Data"], net.batch


def write_solver(folder, name, iterations):
    layers, batch = layers_and_batch(name)
    if not any(nets.kind(x) == "Accuracy" for x in layers):
        loss = next(x for x in layers if nets.kind(x) == "SoftmaxWithLoss")
        scores = nets.values(loss, "bottom")[0]
        layers.append(
            f'layer {{ name: "accuracy" type: "Accuracy" bottom: "{scores}" bottom: "label" '
            f'top: "accuracy" include {{ phase: TEST }} }}')
    path = folder / f"{name}.prototxt"
    nets.write_net(path, name, [data_layer("TRAIN", batch), data_layer("TEST", 100), *layers])
    solver = folder / f"{name}.solver.prototxt"
    policy = 'lr_policy: "inv"\ngamma: 0.0001\npower: 0.75'
    if name == "resnet20":  # at a high rate what BatchNorm keeps for testing lags behind
        steps = (f"stepvalue: {iterations * part // 10}" for part in (6, 8))
        policy = 'lr_policy: "multistep"\ngamma: 0.1\n' + "\n".join(steps)
    solver.write_text(
        f'net: "{path}"\nbase_lr: 0.01\n{policy}\n'
        f"momentum: 0.9\nweight_decay: 0.0005\nmax_iter: {iterations}\ndisplay: {iterations}\n"
        f"test_iter: 100\ntest_interval: {iterations}\ntest_initialization: false\n"
        f'snapshot_prefix: "{folder}/unused"\nsnapshot_after_train: false\nrandom_seed: 1\n')
    return solver


def train(program, solver, arguments):
    """The accuracy at the end, or why there is none."""
    run = subprocess.run(
        [program, "train", "--solver", solver, *arguments], capture_output=True, text=True)
    if run.returncode != 0:
        return None, run.stderr.strip().splitlines()[-1]
    return float(re.findall(r"accuracy = ([\d.]+)", run.stderr)[-1]), None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("nets", nargs="*")
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--ways", help="of: " + ", ".join(WAYS) + "; all by default")
    parser.add_argument("--json")
    options = parser.parse_args()
    names = options.nets or NAMES
    for name in names:
        if name not in NAMES:
            sys.exit(f"no net '{name}'; there are {', '.join(NAMES)}")
    ways = options.ways.split(",") if options.ways else list(WAYS)
    for way in ways:
        if way not in WAYS:
            sys.exit(f"no way '{way}'; there are {'; '.join(WAYS)}")
    if not (DATA / "train_lmdb").exists():
        sys.exit(f"no {DATA}/train_lmdb: scripts/fashion-mnist makes it")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            solver = write_solver(Path(folder), name, options.iterations)
            for way in ways:
                accuracy, refusal = train(options.program, solver, WAYS[way])
                found.setdefault(way, {})[name] = accuracy
                print(f"{name}, {way}: {refusal or accuracy}", file=sys.stderr, flush=True)
    rows = [
        [way, *(f"{100 * x:.2f}" if (x := by_net[name]) is not None else "–" for name in names)]
        for way, by_net in found.items()]
    print(table.text([f"accuracy in %, {options.iterations} iterations", *names], rows))
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
