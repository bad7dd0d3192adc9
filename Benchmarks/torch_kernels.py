#!/usr/bin/env python3
"""Times one kernel of kernels.py in PyTorch and prints a JSON object: variant -> mean milliseconds.

    /path/to/python-with-torch Benchmarks/torch_kernels.py KERNEL [--threads N] [--iterations N]

Pictures are tried in PyTorch's two orders of values: `PyTorch` is its usual one (as Caffe's),
`channels-last` the one that its convolutions prefer.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional

from kernels import KERNELS

WARM_UP = 3


def learned(*shape):
    return nn.Parameter(torch.randn(shape) * 0.01)


# Each makes a function of the input, and a list of what it learns.


def convolution(shape, outputs, size, stride, padding, groups, bias):
    weight = learned(outputs, shape[1] // groups, size, size)
    shift = learned(outputs) if bias else None
    parameters = [weight] + ([shift] if bias else [])
    return parameters, lambda x, weight, shift=None: functional.conv2d(
        x, weight, shift, stride, padding, groups=groups)


def maximum_pooling(shape, size, stride, padding):
    return [], lambda x: functional.max_pool2d(x, size, stride, padding, ceil_mode=True)


def average_pooling(shape, size, stride, padding):
    return [], lambda x: functional.avg_pool2d(x, size, stride, padding, ceil_mode=True)


def global_pooling(shape):
    return [], lambda x: functional.adaptive_avg_pool2d(x, 1)


def lrn(shape):
    return [], lambda x: functional.local_response_norm(x, 5, alpha=1e-4, beta=0.75)


def batch_norm(shape):
    mean, variance = torch.zeros(shape[1]), torch.ones(shape[1])
    return [learned(shape[1]), learned(shape[1])], lambda x, scale, shift: functional.batch_norm(
        x, mean, variance, scale, shift, training=True)


def relu(shape):
    return [], functional.relu


def dropout(shape):
    return [], lambda x: functional.dropout(x, 0.5, training=True)


def inner_product(shape, outputs):
    return [learned(outputs, shape[1]), learned(outputs)], functional.linear


def softmax(shape):
    return [], lambda x: functional.softmax(x, dim=1)


def lstm(shape, outputs):
    module = nn.LSTM(shape[2], outputs)
    module.bias_hh_l0.requires_grad_(False)  # Caffe's has one bias
    return list(module.parameters()), lambda x, *parameters: module(x)[0]


OPERATIONS = {
    made.__name__: made for made in (
        convolution, maximum_pooling, average_pooling, global_pooling, lrn, batch_norm, relu, dropout,
        inner_product, softmax, lstm)}


def ordered(values, order):
    """The values as a leaf in this order; what has not four axes has only one."""
    if values.dim() != 4:
        return values
    return values.detach().contiguous(memory_format=order).requires_grad_(values.requires_grad)


def times(kernel, order, iterations):
    parameters, operation = OPERATIONS[kernel.operation](kernel.shape, **kernel.settings)
    parameters = [ordered(p, order) for p in parameters]
    x = ordered(torch.randn(kernel.shape), order).requires_grad_(not kernel.first)
    gradient = torch.ones_like(operation(x, *parameters))  # in the order of the result
    forward, backward = [], []
    for _ in range(WARM_UP + iterations):
        for leaf in (x, *parameters):
            leaf.grad = None
        began = time.perf_counter()
        result = operation(x, *parameters)
        middle = time.perf_counter()
        result.backward(gradient)
        forward.append((middle - began) * 1e3)
        backward.append((time.perf_counter() - middle) * 1e3)
    return {
        "forward_ms": statistics.mean(forward[WARM_UP:]),
        "backward_ms": statistics.mean(backward[WARM_UP:])}


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("kernel", choices=KERNELS)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--iterations", type=int, default=20)
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    kernel = KERNELS[options.kernel]
    orders = {"PyTorch": torch.contiguous_format}
    if kernel.of_pictures:
        orders["channels-last"] = torch.channels_last
    print(json.dumps({
        name: times(kernel, order, options.iterations) for name, order in orders.items()}))


if __name__ == "__main__":
    main()
