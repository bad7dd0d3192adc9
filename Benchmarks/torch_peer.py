#!/usr/bin/env python3
"""Times one benchmark net in PyTorch, in one variant, and prints one JSON object.

    /path/to/python-with-torch Benchmarks/torch_peer.py NET training|inference VARIANT \\
        [--threads N] [--iterations N]

Variants: `eager`, `channels-last` (input and weights in that order of values) and `compile`
(torch.compile). What a variant cannot run ends with PyTorch's own error.

Training is forward with loss, backward, and a step of SGD with momentum and weight decay in PyTorch's
fastest form (fused). Inference is forward and softmax of the net in use, in torch.inference_mode.
"""
import argparse
import json
import resource
import statistics
import time

import torch
from torch.nn import functional

import nets
import torch_nets
from sides import VARIANTS

WARM_UP = 3


def input_of(net):
    if net.symbols:
        return torch.randint(net.classes, net.data)
    return torch.randn(net.data)


def in_variant(module, x, variant):
    if variant == "channels-last":
        order = torch.channels_last
        return module.to(memory_format=order), x.contiguous(memory_format=order)
    if variant == "compile":
        return torch.compile(module), x
    return module, x


def loss_of(outputs, labels):
    return sum(weight * functional.cross_entropy(scores, labels) for scores, weight in outputs)


class Stopwatch:
    """Milliseconds between moments of an iteration, by the names of what ended."""

    def __init__(self):
        self.laps = {}

    def begin(self):
        self.began = self.last = time.perf_counter()

    def lap(self, name, since=None):
        now = time.perf_counter()
        self.laps.setdefault(name, []).append((now - (since or self.last)) * 1e3)
        self.last = now

    def end(self):
        self.lap("iteration", since=self.began)

    def figures(self, of):
        return {f"{name}_ms": of(times[WARM_UP:]) for name, times in self.laps.items()}


def train(run, parameters, x, labels, iterations):
    optimizer = torch.optim.SGD(parameters, lr=1e-4, momentum=0.9, weight_decay=5e-4, fused=True)
    watch = Stopwatch()
    for _ in range(WARM_UP + iterations):
        watch.begin()
        loss = loss_of(run(x), labels)
        watch.lap("forward")
        loss.backward()
        watch.lap("backward")
        optimizer.step()
        optimizer.zero_grad()
        watch.lap("update")
        watch.end()
    return watch.figures(statistics.median)


def infer(run, x, iterations):
    """A mean, which is what `caffe-swift time --model` gives."""
    watch = Stopwatch()
    with torch.inference_mode():
        for _ in range(WARM_UP + iterations):
            watch.begin()
            functional.softmax(run(x), dim=1)
            watch.lap("forward")
            watch.end()
    return watch.figures(statistics.mean)


def measure(name, mode, variant, iterations):
    torch.manual_seed(1)
    net, module = nets.NETS[name], torch_nets.module(name, mode)
    run, x = in_variant(module, input_of(net), variant)
    if mode == "inference":
        return infer(run, x, iterations)
    labels = torch.randint(net.classes, net.label).flatten()
    parameters = [p for p in module.parameters() if p.requires_grad]
    return train(run, parameters, x, labels, iterations)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("net", choices=nets.NETS)
    options.add_argument("mode", choices=("training", "inference"))
    options.add_argument("variant", choices=VARIANTS)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--iterations", type=int, default=5)
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    began = time.perf_counter()
    result = measure(options.net, options.mode, options.variant, options.iterations)
    result["seconds"] = time.perf_counter() - began  # with compilation
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
