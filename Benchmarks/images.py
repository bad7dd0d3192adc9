#!/usr/bin/env python3
"""How many JPEGs a core decodes, resizes and crops in a second, beside Pillow.

    swift build -c release
    /path/to/python-with-pillow-and-numpy Benchmarks/images.py [--rounds 5] [--images 2000] [--json FILE]

Both sides read the same 256x256 JPEGs of about 25 KB, in one thread, and take turns in every round, so
that a busy machine disturbs both alike: ours are an ImageData layer with one worker, Pillow's are those of
torchvision's usual loader (Image.open, convert to RGB, resize, crop, a float array by numpy, channel by
channel). Either gives batches of 3 x 224 x 224 floats, scaled by 1/255.

    crop           the picture as it is, a crop of 224
    resize, crop   resized to 240x240 before, bilinear

Speeds are images in a second of processor time, the median of the rounds; a first pass over a part of the
images is subtracted, and with it what starting the program and filling the prefetched batches took.
Pillow averages over all pixels when it makes a picture smaller, Caffe and OpenCV look at four: a different
result, which costs Pillow more.
"""
import argparse, json, os, resource, statistics, subprocess, sys, tempfile

BATCH, SIDE, CROP, RESIZED, FILES = 50, 256, 224, 240, 200
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CASES = {"crop": None, "resize, crop": RESIZED}


def make_pictures(folder):
    """Pictures with as much detail as photographs have: noise of all sizes, the coarser the stronger."""
    import numpy
    from PIL import Image
    random = numpy.random.default_rng(1)
    total = 0
    with open(f"{folder}/list.txt", "w") as lines:
        for number in range(FILES):
            picture = numpy.full((SIDE, SIDE, 3), 128.0)
            for side, strength in [(4, 60), (16, 30), (64, 15), (256, 7)]:
                noise = random.normal(size=(side, side, 3)) * 40 + 128
                noise = Image.fromarray(noise.clip(0, 255).astype("uint8"))
                noise = numpy.asarray(noise.resize((SIDE, SIDE), Image.Resampling.BICUBIC), "float64")
                picture += (noise - 128) / 40 * strength
            path = f"{folder}/{number}.jpg"
            Image.fromarray(picture.clip(0, 255).astype("uint8")).save(path, quality=90)
            total += os.path.getsize(path)
            lines.write(f"{path} {number % 10}\n")
    return total / FILES


def processor_seconds(command):
    """Of a command and its threads."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(program, folder, resized, images):
    size = f"new_height: {resized} new_width: {resized}" if resized else ""
    net = f"{folder}/net.prototxt"
    with open(net, "w") as file:
        file.write(
            'layer { name: "data" type: "ImageData" top: "data" top: "label" '
            f"transform_param {{ crop_size: {CROP} scale: {1 / 255} }} data_param {{ workers: 1 }} "
            f'image_data_param {{ source: "{folder}/list.txt" batch_size: {BATCH} {size} }} }}\n')
    return processor_seconds(
        [program, "time", "--model", net, "--iterations", str(images // BATCH)])


def pillow(folder, resized, images):
    return processor_seconds(
        [sys.executable, __file__, "--load", folder, "--resized", str(resized or 0),
         "--images", str(images)])


def load(folder, resized, images):
    """Pillow's side: as many images as are asked for, batch by batch."""
    import numpy
    from PIL import Image
    with open(f"{folder}/list.txt") as lines:
        paths = [line.rsplit(" ", 1)[0] for line in lines]
    random = numpy.random.default_rng(1)
    batch = numpy.empty((BATCH, 3, CROP, CROP), "float32")
    for number in range(images):
        with Image.open(paths[number % len(paths)]) as file:
            picture = file.convert("RGB")
        if resized:
            picture = picture.resize((resized, resized), Image.Resampling.BILINEAR)
        left, top = (int(random.integers(0, side - CROP + 1)) for side in picture.size)
        picture = picture.crop((left, top, left + CROP, top + CROP))
        numpy.multiply(
            numpy.asarray(picture).transpose(2, 0, 1), numpy.float32(1 / 255),
            out=batch[number % BATCH])


def measure(options, folder):
    """Images in a second of processor time: case -> (ours, Pillow's), of each round."""
    few = options.images // 5 // BATCH * BATCH
    speeds = {case: ([], []) for case in CASES}
    for _ in range(options.rounds):
        for case, resized in CASES.items():
            sides = [lambda n: ours(options.program, folder, resized, n),
                     lambda n: pillow(folder, resized, n)]
            for side, found in zip(sides, speeds[case]):
                found.append((options.images - few) / (side(options.images) - side(few)))
    return speeds


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--images", type=int, default=2000, help=f"a multiple of {5 * BATCH}")
    options.add_argument("--program", default=f"{ROOT}/.build/release/caffe-swift")
    options.add_argument("--json", help="write all speeds to this file")
    options.add_argument("--load", help=argparse.SUPPRESS)
    options.add_argument("--resized", type=int, help=argparse.SUPPRESS)
    options = options.parse_args()
    if options.load:
        return load(options.load, options.resized, options.images)
    if options.images <= 0 or options.images % (5 * BATCH):
        sys.exit(f"--images must be a multiple of {5 * BATCH}")
    import PIL
    from PIL import features
    with tempfile.TemporaryDirectory() as folder:
        size = make_pictures(folder)
        speeds = measure(options, folder)
    print(f"{FILES} JPEGs of {SIDE}x{SIDE}, {size / 1024:.0f} KiB each; {options.images} images in each of "
          f"{options.rounds} rounds; Pillow {PIL.__version__}, libjpeg-turbo "
          f"{features.version('libjpeg_turbo')}; images in a second of processor time")
    print(f"{'':16}{'caffe-swift':>12}{'Pillow':>10}{'ratio':>8}  (least to most)")
    for case, (mine, theirs) in speeds.items():
        ratios = sorted(a / b for a, b in zip(mine, theirs))
        print(f"{case:16}{statistics.median(mine):12.0f}{statistics.median(theirs):10.0f}"
              f"{statistics.median(ratios):8.2f}  ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"bytes": size, "images": options.images, "pillow": PIL.__version__,
                       "speeds": {case: {"caffe-swift": a, "pillow": b}
                                  for case, (a, b) in speeds.items()}}, file, indent=1)


if __name__ == "__main__":
    main()
