#!/usr/bin/env python3
"""Whether training keeps its memory over ten epochs, for each way to read data.

    swift build -c release
    /path/to/python-with-pillow-numpy-h5py Benchmarks/memory.py [--epochs 10] [--json FILE]

A small net is trained on data that this script makes: an LMDB of 60,000 records, shuffled, with two
workers; 3000 JPEGs, shuffled, decoded by two workers; an HDF5 file of 90 MB, several times the pieces of
16 MB that are read at once, in order and shuffled. After each epoch there is the process's resident memory,
VmRSS, and the part of it that is no file, RssAnon: the pages of a mapped database belong to the first alone.

Exits with 1 if either is more than 4 MiB larger after the last epoch than after the first.
"""
import argparse, json, os, re, signal, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORDS, SIDE, PICTURES, ROWS, COLUMNS, BATCH = 60_000, 28, 3000, 30_000, 784, 50
MARGIN = 4

TRANSFORM = "transform_param { scale: 0.00390625 %s }"
# name -> records, the data layer's type and fields
SOURCES = {
    "Data (LMDB)": (
        RECORDS, "Data", TRANSFORM % ""
        + f" data_param {{ source: 'lmdb' backend: LMDB batch_size: {BATCH} shuffle: true workers: 2 }}"),
    "ImageData": (
        PICTURES, "ImageData", TRANSFORM % "crop_size: 96 mirror: true"
        + " data_param { workers: 2 } image_data_param { source: 'list.txt' new_height: 112 new_width: 112"
        f" batch_size: {BATCH} shuffle: true }}"),
    "HDF5Data": (
        ROWS, "HDF5Data", f"hdf5_data_param {{ source: 'rows.txt' batch_size: {BATCH} }}"),
    "HDF5Data, shuffled": (
        ROWS, "HDF5Data", f"hdf5_data_param {{ source: 'rows.txt' batch_size: {BATCH} shuffle: true }}"),
}


def make_data(program, folder):
    import h5py, numpy
    from PIL import Image
    random = numpy.random.default_rng(1)
    images = random.integers(0, 256, (RECORDS, SIDE, SIDE), "uint8")
    labels = random.integers(0, 10, RECORDS).astype("uint8")
    for name, values in [("images.idx", images), ("labels.idx", labels)]:
        with open(f"{folder}/{name}", "wb") as file:
            file.write(bytes([0, 0, 8, values.ndim]))
            file.write(numpy.array(values.shape, ">i4").tobytes() + values.tobytes())
    subprocess.run(
        [program, "convert-mnist", "images.idx", "labels.idx", "lmdb"], cwd=folder, check=True,
        stderr=subprocess.DEVNULL)
    with open(f"{folder}/list.txt", "w") as lines:
        for number in range(PICTURES):
            small = Image.fromarray(random.integers(0, 256, (16, 16, 3), "uint8"))
            small.resize((128, 128)).save(f"{folder}/{number}.jpg")
            lines.write(f"{folder}/{number}.jpg {number % 10}\n")
    with h5py.File(f"{folder}/rows.h5", "w") as file:
        file["data"] = random.random((ROWS, COLUMNS), "float32")
        file["label"] = random.integers(0, 10, (ROWS, 1)).astype("float32")
    with open(f"{folder}/rows.txt", "w") as lines:
        lines.write(f"{folder}/rows.h5\n")


def resident(process):
    """VmRSS and RssAnon, in MiB."""
    with open(f"/proc/{process.pid}/status") as file:
        sizes = dict(re.findall(r"(VmRSS|RssAnon):\s+(\d+) kB", file.read()))
    return [round(int(sizes[name]) / 1024, 1) for name in ("VmRSS", "RssAnon")]


def train(program, folder, name, epochs):
    """The memory after each epoch."""
    records, kind, fields = SOURCES[name]
    each = records // BATCH
    with open(f"{folder}/net.prototxt", "w") as file:
        file.write(
            f"layer {{ name: 'd' type: '{kind}' top: 'data' top: 'label' {fields} }}\n"
            "layer { name: 'ip' type: 'InnerProduct' bottom: 'data' top: 'ip' inner_product_param "
            "{ num_output: 10 weight_filler { type: 'xavier' } } }\n"
            "layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip' bottom: 'label' top: 'loss' }\n")
    with open(f"{folder}/solver.prototxt", "w") as file:
        # The run is stopped after the last epoch that counts, while it still has its memory.
        file.write(
            f"net: 'net.prototxt' base_lr: 0.001 lr_policy: 'fixed' random_seed: 1 display: {each} "
            f"max_iter: {each * (epochs + 1)} snapshot_after_train: false snapshot_prefix: 'x'\n")
    sizes = []
    with subprocess.Popen(
            [program, "train", "--solver", "solver.prototxt"], cwd=folder, stderr=subprocess.PIPE,
            text=True) as process:
        for line in process.stderr:
            found = re.search(r"\] Iteration (\d+) .*loss = ", line)
            if found and int(found[1]) > 0 and len(sizes) < epochs:
                sizes.append(resident(process))
                if len(sizes) == epochs:
                    process.send_signal(signal.SIGINT)
    if process.returncode or len(sizes) != epochs:
        sys.exit(f"{name}: status {process.returncode}, {len(sizes)} of {epochs} epochs")
    return sizes


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--epochs", type=int, default=10)
    options.add_argument("--program", default=f"{ROOT}/.build/release/caffe-swift")
    options.add_argument("--json", help="write the memory after every epoch to this file")
    options = options.parse_args()
    grown, found = [], {}
    print(f"{'MiB, VmRSS (RssAnon)':22}{'after epoch 1':>18}{f'after {options.epochs}':>18}{'most':>8}")
    with tempfile.TemporaryDirectory() as folder:
        make_data(options.program, folder)
        for name in SOURCES:
            sizes = found[name] = train(options.program, folder, name, options.epochs)
            first, last = ("{0:.1f} ({1:.1f})".format(*sizes[at]) for at in (0, -1))
            print(f"{name:22}{first:>18}{last:>18}{max(size[0] for size in sizes):8.1f}")
            if any(b > a + MARGIN for a, b in zip(sizes[0], sizes[-1])):
                grown.append(name)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)
    if grown:
        sys.exit(f"memory grew: {', '.join(grown)}")


if __name__ == "__main__":
    main()
