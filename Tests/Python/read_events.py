"""Reads TensorBoard's events of a folder with the `tensorboard` package and prints what they hold as JSON."""

import json
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(
    sys.argv[1], size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0}
)
events.Reload()
tags = events.Tags()


def histogram(event):
    value = event.histogram_value
    return {"step": event.step, "num": value.num, "sum": value.sum, "buckets": sum(value.bucket)}


def image(event):
    png = event.encoded_image_string
    assert png[:8] == b"\x89PNG\r\n\x1a\n", png[:8]
    size = list(struct.unpack(">II", png[16:24]))
    assert size == [event.width, event.height], (size, event.width, event.height)
    return {"step": event.step, "size": size}


graph = events.Graph() if tags["graph"] else None
json.dump(
    {
        "scalars": {t: [[e.step, e.value] for e in events.Scalars(t)] for t in tags["scalars"]},
        "histograms": {t: [histogram(e) for e in events.Histograms(t)] for t in tags["histograms"]},
        "images": {t: [image(e) for e in events.Images(t)] for t in tags["images"]},
        "graph": {n.name: [n.op, list(n.input)] for n in graph.node} if graph else {},
    },
    sys.stdout,
)
