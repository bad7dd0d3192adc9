#!/usr/bin/env python3
"""The benchmark nets as PyTorch modules, layer for layer those of the prototxt files.

    /path/to/python-with-torch Benchmarks/torch_nets.py

prints how many values each learns, in training and in use, without making them. A module gives scores
of classes; in training GoogLeNet gives those of its auxiliary classifiers too, so that all of them are
tuples of (scores, weight of the loss).
"""
import json

import torch
from torch import nn
from torch.nn import functional


def convolution(inputs, outputs, size, **settings):
    return [nn.Conv2d(inputs, outputs, size, **settings), nn.ReLU(inplace=True)]


def dense(inputs, outputs, dropout):
    return [nn.Linear(inputs, outputs), nn.ReLU(inplace=True), nn.Dropout(dropout)]


def maximum(size, stride, padding=0):
    return nn.MaxPool2d(size, stride, padding, ceil_mode=True)


def average(size, stride):
    return nn.AvgPool2d(size, stride, ceil_mode=True)


class OneLoss(nn.Module):
    """Layers one after the other, and a single loss above them."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        scores = self.layers(x)
        return ((scores, 1.0),) if self.training else scores


def lenet():
    return OneLoss(
        nn.Conv2d(1, 20, 5), maximum(2, 2), nn.Conv2d(20, 50, 5), maximum(2, 2), nn.Flatten(),
        nn.Linear(50 * 4 * 4, 500), nn.ReLU(inplace=True), nn.Linear(500, 10))


def cifar_quick():
    return OneLoss(
        nn.Conv2d(3, 32, 5, padding=2), maximum(3, 2), nn.ReLU(inplace=True),
        *convolution(32, 32, 5, padding=2), average(3, 2),
        *convolution(32, 64, 5, padding=2), average(3, 2),
        nn.Flatten(), nn.Linear(64 * 4 * 4, 64), nn.Linear(64, 10))


def cifar_full():
    def norm():
        return nn.LocalResponseNorm(3, alpha=5e-5, beta=0.75)

    return OneLoss(
        nn.Conv2d(3, 32, 5, padding=2), maximum(3, 2), nn.ReLU(inplace=True), norm(),
        *convolution(32, 32, 5, padding=2), average(3, 2), norm(),
        *convolution(32, 64, 5, padding=2), average(3, 2),
        nn.Flatten(), nn.Linear(64 * 4 * 4, 10))


def alexnet():
    def norm():
        return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)

    return OneLoss(
        *convolution(3, 96, 11, stride=4), norm(), maximum(3, 2),
        *convolution(96, 256, 5, padding=2, groups=2), norm(), maximum(3, 2),
        *convolution(256, 384, 3, padding=1),
        *convolution(384, 384, 3, padding=1, groups=2),
        *convolution(384, 256, 3, padding=1, groups=2), maximum(3, 2), nn.Flatten(),
        *dense(256 * 6 * 6, 4096, 0.5), *dense(4096, 4096, 0.5), nn.Linear(4096, 1000))


def vgg16():
    layers, inputs = [], 3
    for outputs, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            layers += convolution(inputs, outputs, 3, padding=1)
            inputs = outputs
        layers.append(maximum(2, 2))
    return OneLoss(
        *layers, nn.Flatten(), *dense(512 * 7 * 7, 4096, 0.5), *dense(4096, 4096, 0.5),
        nn.Linear(4096, 1000))


def normalised(inputs, outputs, size, stride=1):
    """A convolution with its BatchNorm; the padding keeps the size at stride 1."""
    return [
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class Bottleneck(nn.Module):
    """A residual block. As in the prototxt, the first 1x1 convolution is the one with the stride."""

    def __init__(self, inputs, middle, stride, projects):
        super().__init__()
        outputs = 4 * middle
        self.branch = nn.Sequential(
            *normalised(inputs, middle, 1, stride), nn.ReLU(inplace=True),
            *normalised(middle, middle, 3), nn.ReLU(inplace=True),
            *normalised(middle, outputs, 1))
        self.shortcut = (
            nn.Sequential(*normalised(inputs, outputs, 1, stride)) if projects else nn.Identity())

    def forward(self, x):
        return functional.relu_(self.branch(x).add_(self.shortcut(x)))


def resnet50():
    layers = [*normalised(3, 64, 7, 2), nn.ReLU(inplace=True), maximum(3, 2)]
    inputs = 64
    for middle, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            first = block == 0
            layers.append(Bottleneck(inputs, middle, stride if first else 1, projects=first))
            inputs = 4 * middle
    return OneLoss(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class Inception(nn.Module):
    """Windows of 1x1, 3x3 and 5x5 and a pooling side by side, joined along the channels."""

    def __init__(self, inputs, one, three, five, pool):
        super().__init__()
        self.branches = nn.ModuleList([
            nn.Sequential(*convolution(inputs, one, 1)),
            nn.Sequential(
                *convolution(inputs, three[0], 1), *convolution(*three, 3, padding=1)),
            nn.Sequential(*convolution(inputs, five[0], 1), *convolution(*five, 5, padding=2)),
            nn.Sequential(maximum(3, 1, 1), *convolution(inputs, pool, 1)),
        ])

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class GoogLeNet(nn.Module):
    """Nine inception modules; two auxiliary classifiers, in training only, count 0.3 each."""

    def __init__(self):
        super().__init__()

        def norm():
            return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)

        self.below = nn.Sequential(
            *convolution(3, 64, 7, stride=2, padding=3), maximum(3, 2), norm(),
            *convolution(64, 64, 1), *convolution(64, 192, 3, padding=1), norm(), maximum(3, 2),
            Inception(192, 64, (96, 128), (16, 32), 32),
            Inception(256, 128, (128, 192), (32, 96), 64), maximum(3, 2),
            Inception(480, 192, (96, 208), (16, 48), 64))
        self.between = nn.Sequential(
            Inception(512, 160, (112, 224), (24, 64), 64),
            Inception(512, 128, (128, 256), (24, 64), 64),
            Inception(512, 112, (144, 288), (32, 64), 64))
        self.above = nn.Sequential(
            Inception(528, 256, (160, 320), (32, 128), 128), maximum(3, 2),
            Inception(832, 256, (160, 320), (32, 128), 128),
            Inception(832, 384, (192, 384), (48, 128), 128),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(1024, 1000))
        self.helpers = nn.ModuleList([self.helper(512), self.helper(528)])

    @staticmethod
    def helper(inputs):
        return nn.Sequential(
            average(5, 3), *convolution(inputs, 128, 1), nn.Flatten(),
            *dense(128 * 4 * 4, 1024, 0.7), nn.Linear(1024, 1000))

    def eval(self):
        """For use, and no more for training: the auxiliary classifiers go."""
        self.helpers = nn.ModuleList()
        return super().eval()

    def forward(self, x):
        first = self.below(x)
        second = self.between(first)
        scores = self.above(second)
        if not self.training:
            return scores
        return ((self.helpers[0](first), 0.3), (self.helpers[1](second), 0.3), (scores, 1.0))


class CharacterLSTM(nn.Module):
    """Caffe's LSTM has one bias; the second one of PyTorch's stays 0 and does not learn."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(128, 128)
        self.lstm = nn.LSTM(128, 512)
        self.predict = nn.Linear(512, 128)
        nn.init.zeros_(self.lstm.bias_hh_l0).requires_grad_(False)

    def forward(self, symbols):
        hidden, _ = self.lstm(self.embed(symbols))
        scores = self.predict(hidden).flatten(0, 1)  # steps x sequences
        return ((scores, 1.0),) if self.training else scores


MODULES = {
    "lenet": lenet,
    "cifar_quick": cifar_quick,
    "cifar_full": cifar_full,
    "alexnet": alexnet,
    "googlenet": GoogLeNet,
    "resnet50": resnet50,
    "vgg16": vgg16,
    "lstm": CharacterLSTM,
}


def module(name, mode):
    """The net for `training`, or for `inference`: without dropout, statistics of batches, helpers."""
    net = MODULES[name]()
    return net.train() if mode == "training" else net.eval()


def learned(net):
    return sum(x.numel() for x in net.parameters() if x.requires_grad)


def counts():
    """net -> mode -> values that it learns; on a device that holds no values."""
    with torch.device("meta"):
        return {
            name: {mode: learned(module(name, mode)) for mode in ("training", "inference")}
            for name in MODULES}


if __name__ == "__main__":
    print(json.dumps(counts()))
