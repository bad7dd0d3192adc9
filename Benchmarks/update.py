#!/usr/bin/env python3
"""How fast a solver's update is, beside the machine's copy speed and PyTorch's optimizers.

    swift build -c release
    /path/to/python-with-torch Benchmarks/update.py [--rounds 3] [--steps 15]

Everybody updates the same 60 million parameters (four square matrices and their biases) on as many
threads, taking turns in every round, so that a busy machine disturbs all alike. For each there is the
median time of an update, and how many bytes that moves: each value of a buffer that is read or written
counts 4 bytes, so a momentum step with clearing of gradients (w, g, h read and written) is 24 bytes a
parameter. The copy reads and writes one buffer: 8 bytes a value.

Without torch only the first two lines appear.
"""
import argparse, ctypes, json, os, statistics, subprocess, tempfile, threading, time

SIDE, LAYERS = 3873, 4
COUNT = LAYERS * (SIDE * SIDE + SIDE)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# type -> solver fields, buffers read or written by our update
OURS = {
    "SGD": ("type: 'SGD' momentum: 0.9", 6),
    "Adam": ("type: 'Adam' momentum: 0.9", 8),
    "AdamW": ("type: 'AdamW' momentum: 0.9", 8),
}


def solver_text(fields):
    layers = [
        "layer { name: 'in' type: 'DummyData' top: 'x0' dummy_data_param "
        f"{{ shape {{ dim: 1 dim: {SIDE} }} data_filler {{ type: 'constant' value: 0.01 }} }} }}"
    ]
    for i in range(LAYERS):
        loss = " loss_weight: 1" if i == LAYERS - 1 else ""
        layers.append(
            f"layer {{ name: 'ip{i}' type: 'InnerProduct' bottom: 'x{i}' top: 'x{i + 1}'{loss} "
            f"inner_product_param {{ num_output: {SIDE} weight_filler {{ type: 'constant' value: 1e-4 }} }} }}"
        )
    net = "\n".join(layers)
    return f"base_lr: 1e-6 lr_policy: 'fixed' weight_decay: 5e-4 {fields}\nnet_param {{\n{net}\n}}\n"


def ours(program, fields, steps):
    """Milliseconds of an update, the median that `caffe-swift time` gives."""
    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(solver_text(fields))
        file.flush()
        run = subprocess.run(
            [program, "time", "--solver", file.name, "--iterations", str(steps), "--json", "-"],
            check=True, capture_output=True, text=True)
    return json.loads(run.stdout)["update_ms"]


def median_ms(step, steps):
    times = []
    for _ in range(steps + 2):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times[2:])


class Copier:
    """memcpy of COUNT floats in as many threads as the others use."""

    def __init__(self, threads):
        self.bytes = COUNT * 4
        self.source, self.target = (ctypes.create_string_buffer(self.bytes) for _ in range(2))
        self.threads = threads

    def part(self, index):
        share = self.bytes // self.threads
        a, b = (ctypes.addressof(x) + index * share for x in (self.target, self.source))
        ctypes.memmove(a, b, share)  # lets go of Python's lock

    def __call__(self):
        threads = [threading.Thread(target=self.part, args=(i,)) for i in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def rivals(torch):
    """name -> (make an optimizer of these parameters, buffers its step reads or writes)."""
    def make(kind, **settings):
        return lambda parameters: kind(parameters, lr=1e-6, weight_decay=5e-4, **settings)
    return {
        f"torch {name} {how}": (make(kind, **settings, **{how: True}), buffers)
        for name, kind, settings, buffers in [
            ("SGD", torch.optim.SGD, {"momentum": 0.9}, 5),
            ("Adam", torch.optim.Adam, {}, 7),
            ("AdamW", torch.optim.AdamW, {}, 7),
        ]
        for how in ("fused", "foreach")
    }


def torch_parameters(torch):
    shapes = [(SIDE, SIDE), (SIDE,)] * LAYERS
    parameters = [torch.nn.Parameter(torch.full(shape, 1e-4)) for shape in shapes]
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 1e-2)
    return parameters


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--steps", type=int, default=15)
    options.add_argument("--program", default=f"{ROOT}/.build/release/caffe-swift")
    options = options.parse_args()
    try:
        import torch
    except ImportError:
        torch = None
    threads = len(os.sched_getaffinity(0))
    copier = Copier(threads)
    times, buffers = {"copy": []}, {"copy": 2}
    for _ in range(options.rounds):
        times["copy"].append(median_ms(copier, options.steps))
        for name, (fields, moved) in OURS.items():
            buffers[f"caffe-swift {name}"] = moved
            times.setdefault(f"caffe-swift {name}", []).append(
                ours(options.program, fields, options.steps))
        if torch is None:
            continue
        torch.set_num_threads(threads)
        for name, (make, moved) in rivals(torch).items():
            optimizer = make(torch_parameters(torch))
            buffers[name] = moved
            times.setdefault(name, []).append(median_ms(optimizer.step, options.steps))
            del optimizer
    print(f"{COUNT / 1e6:.1f} M parameters, {threads} threads, {options.rounds} rounds of {options.steps}")
    speed = lambda name: buffers[name] * 4 * COUNT / statistics.median(times[name]) / 1e6
    print(f"{'':24}{'ms':>8}{'GB/s':>8}{'of copy':>9}")
    for name in times:
        print(f"{name:24}{statistics.median(times[name]):8.1f}{speed(name):8.1f}{speed(name) / speed('copy'):9.0%}")


if __name__ == "__main__":
    main()
