#!/usr/bin/env python3
"""Times the benchmark nets in caffe-swift and its peers, in turn, and prints tables of ratios.

    Benchmarks/compare.py [NET...] [--training | --inference] [--rounds N] [--iterations N]
        [--threads 1,2] [--variants eager,channels-last,compile] [--quick] [--json FILE]
        [--program CAFFE-SWIFT] [--torch-python PYTHON] [--caffe CAFFE]

scripts/benchmark builds the program, finds the peers and calls this; Benchmarks/README.md tells how to
read the tables.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
import nets
import report
import sides
import table

MODES = ("training", "inference")


def progress(text):
    print(text, file=sys.stderr, flush=True)


# Whether both sides compute the same.


def our_count(program, files, mode):
    """How many values our net learns."""
    model, phase = (files["train"], "TRAIN") if mode == "training" else (files["deploy"], "TEST")
    output = subprocess.run(
        [program, "summary", model, "--phase", phase, "--json"], check=True, capture_output=True,
        text=True).stdout
    totals = json.loads(output)["totals"]
    return totals["parameters"] - totals["fixed_parameters"]


def torch_counts(python):
    output = subprocess.run(
        [python, sides.HERE / "torch_nets.py"], check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def comparable(present, net, mode, ours, theirs):
    """The sides that have the same number of parameters as we, and a sentence for those that do not."""
    if ours == theirs:
        return present, None
    sentence = (
        f"{net} ({mode}): not compared with PyTorch, whose module learns {theirs:,} values; "
        f"the net of caffe-swift learns {ours:,}")
    return [side for side in present if side.family != "PyTorch"], sentence


# Measuring.


def measure(present, net, files, mode, threads, options):
    """Side -> its results, one a round; side -> why it has none. Every other round goes backwards."""
    results, refusals = {}, {}
    for turn in range(options.rounds):
        for side in present[:: 1 if turn % 2 == 0 else -1]:
            if side.name in refusals:
                continue
            try:
                result = side.measure(
                    net, files, mode, threads, iterations(net, options), options.limit)
            except sides.Refusal as refusal:
                if side.family == "caffe-swift":
                    raise SystemExit(f"{net} ({mode}): caffe-swift failed: {refusal}")
                refusals[side.name] = str(refusal)
                results.pop(side.name, None)
                progress(f"{net} {mode}, {report.in_words(threads)}, {side.name}: declined: {refusal}")
                continue
            results.setdefault(side.name, []).append(result)
            progress(
                f"{net} {mode}, {report.in_words(threads)}, round {turn + 1}, {side.name}: "
                f"{table.milliseconds(result['iteration_ms'])} ms")
    return results, refusals


def iterations(net, options):
    return options.iterations or (2 if options.quick else nets.NETS[net].iterations)


# What follows from the measurements.


def ratios(ours, peers, fields):
    """Each round's time of the fastest peer over ours: median, least, largest."""
    def total(result):
        return sum(result[field] for field in fields)

    rounds = [
        min(total(result) for result in results) / total(own)
        for own, *results in zip(ours, *peers)]
    return {"median": statistics.median(rounds), "low": min(rounds), "high": max(rounds)}


def median(results, field="iteration_ms"):
    return statistics.median(result[field] for result in results)


def record(net, mode, threads, present, results, refusals):
    """What the JSON has of a net: a row of the table, with all that it is made of."""
    ours = results["caffe-swift"]
    row = {
        "net": net, "mode": mode, "threads": threads, "batch": nets.NETS[net].batch,
        "ms": {name: median(found) for name, found in results.items()},
        "peak_mb": {name: round(median(found, "peak_mb")) for name, found in results.items()},
        "items_per_second": nets.NETS[net].batch / median(ours) * 1e3,
        "ratio": {}, "fastest": {}, "declined": refusals, "rounds": results,
    }
    for family in ("PyTorch", "BVLC Caffe"):
        names = [side.name for side in present if side.family == family and side.name in results]
        if not names:
            continue
        without_update = family == "BVLC Caffe" and mode == "training"
        fields = ("forward_ms", "backward_ms") if without_update else ("iteration_ms",)
        row["ratio"][family] = ratios(ours, [results[name] for name in names], fields)
        row["fastest"][family] = min(names, key=row["ms"].get)
    return row


# The command.


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], prog="scripts/benchmark")
    cores = len(os.sched_getaffinity(0))
    both = parser.add_mutually_exclusive_group()
    parser.add_argument("nets", nargs="*", metavar="NET", help=f"{', '.join(nets.NETS)}; all if none")
    both.add_argument("--training", action="store_const", dest="modes", const=("training",))
    both.add_argument("--inference", action="store_const", dest="modes", const=("inference",))
    parser.add_argument("--rounds", type=positive, help="how often each side has its turn (3)")
    parser.add_argument("--iterations", type=positive, help="in each turn, after a warm-up")
    parser.add_argument(
        "--threads", type=counts, default=sorted({1, cores}), help=f"such as 1,{cores} (the default)")
    parser.add_argument("--variants", type=variants, help=f"of PyTorch: {','.join(sides.VARIANTS)}")
    parser.add_argument(
        "--quick", action="store_true",
        help="1 round of 2 iterations, no torch.compile: whether everything runs, not how fast")
    parser.add_argument("--limit", type=positive, default=900, help="seconds of a turn (900)")
    parser.add_argument("--json", help="write all measurements to this file")
    parser.add_argument("--program", default=f"{nets.ROOT}/.build/release/caffe-swift")
    parser.add_argument("--torch-python", help="a Python that has torch")
    parser.add_argument("--caffe", help="BVLC Caffe's program")
    options = parser.parse_args()
    options.modes = options.modes or MODES
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.variants = options.variants or (
        [v for v in sides.VARIANTS if not (options.quick and v == "compile")])
    return options


def positive(text):
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return int(text)


def counts(text):
    return sorted({positive(part) for part in text.split(",")})


def variants(text):
    for part in text.split(","):
        if part not in sides.VARIANTS:
            raise argparse.ArgumentTypeError(f"'{part}' is none of {', '.join(sides.VARIANTS)}")
    return text.split(",")


def sides_of(options):
    present = [sides.Ours(options.program)]
    if options.torch_python:
        present += [sides.Torch(options.torch_python, variant) for variant in options.variants]
    if options.caffe:
        present.append(sides.Caffe(options.caffe))
    return present


def rows_of(options, chosen, present, theirs, folder):
    """A row for each net, mode and number of threads, as soon as it is measured."""
    for net in chosen:
        files = nets.write(options.program, net, folder)
        for mode in options.modes:
            ours = our_count(options.program, files, mode)
            turns, unequal = present, None
            if theirs:
                turns, unequal = comparable(present, net, mode, ours, theirs[net][mode])
                if unequal:
                    progress(unequal)
            for threads in options.threads:
                results, refusals = measure(turns, net, files, mode, threads, options)
                row = record(net, mode, threads, turns, results, refusals)
                yield row | {"parameters": ours, "not_compared": unequal}
        for file in Path(folder).glob(f"{net}.*"):
            file.unlink()


def main():
    options = parse()
    chosen = nets.named(options.nets)
    found = machine.asked(options.program, options.torch_python)
    print("\n".join(machine.sentences(found)))
    print(f"rounds: {options.rounds}, threads: {', '.join(map(str, options.threads))}", flush=True)
    present = sides_of(options)
    theirs = torch_counts(options.torch_python) if options.torch_python else {}
    rows, stopped = [], False
    with tempfile.TemporaryDirectory(prefix="caffe-swift-benchmark-") as folder:
        try:
            for row in rows_of(options, chosen, present, theirs, folder):
                rows.append(row)
                write(options.json, found, options, rows)
        except KeyboardInterrupt:
            stopped = True
    report.show(rows, present, options)
    if stopped:
        sys.exit("benchmark: stopped; the tables have the nets that were finished")


def write(path, found, options, rows):
    """After every net, so that a long run that is stopped leaves what it has."""
    if path:
        run = {"machine": found, "rounds": options.rounds, "threads": options.threads, "rows": rows}
        Path(path).write_text(json.dumps(run, indent=1) + "\n")


if __name__ == "__main__":
    main()
