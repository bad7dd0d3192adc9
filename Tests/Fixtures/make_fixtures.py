"""Makes the foreign and hostile files of this folder (h5py 3, numpy); run here to make them anew."""
import h5py
import numpy as np

with h5py.File("foreign.h5", "w") as f:
    for kind in "u1 i1 i2 u2 i4 u4 i8 f2 f4 f8 >f4 >i4".split():
        f["numbers/" + kind] = np.array([1, 2, 100], kind)
    f["scalar"] = 0.25
    f["fixed"] = np.bytes_("fixed text")
    f["variable"] = "variable ☕"
    f.attrs["fixed"] = np.bytes_("fixed text")
    f.attrs["variable"] = "variable ☕"
    f.create_dataset("compressed zeros", data=np.zeros((1000, 1000), "f4"), compression="gzip")
    f["soft"] = h5py.SoftLink("/numbers/f4")

with h5py.File("hostile.h5", "w") as f:
    f["external link"] = h5py.ExternalLink("foreign.h5", "/numbers/f4")
    f["external group"] = h5py.ExternalLink("foreign.h5", "/numbers")
    f["soft to external"] = h5py.SoftLink("/external group/f4")
    f.create_dataset("external storage", (4,), "f4", external=[("foreign.h5", 0, 16)])
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("foreign.h5", "numbers/f4", (3,))
    f.create_virtual_dataset("virtual", layout)
    f.create_group("group")
    f["text"] = "words"
    f["records"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
    f.create_dataset("lists", (2,), h5py.vlen_dtype(np.float32))
    f["null"] = h5py.Empty("f4")
    f.create_dataset("never written", (2**40, 2), "f4", chunks=(64, 2))
    f.create_dataset("overflowing", (2**40, 2**40), "f4", chunks=(64, 2))
    f.create_dataset("huge chunk", (2**29,), "f4", chunks=(2**29,), compression="gzip")
    f.attrs["many"] = np.zeros(3, "f4")

with h5py.File("loop.h5", "w") as f:
    group = f.create_group("data")
    group["ip"] = group

with h5py.File("compact.h5", "w") as f:
    inside = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    inside.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((331,))
    values = h5py.h5d.create(f.id, b"x", h5py.h5t.IEEE_F32LE, space, inside)
    values.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ones(331, "f4"))

# Pictures whose pixels are known: 3 x 2, and a JPEG of one gray.
import io
from PIL import Image as Picture

rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[1, 2, 3], [40, 50, 60], [255, 255, 255]]], "u1")
alpha = np.array([[0, 128, 255], [7, 8, 9]], "u1")
Picture.fromarray(rgb).save("rgb.png")
Picture.fromarray(np.dstack([rgb, alpha])).save("rgba.png")
Picture.fromarray(rgb).quantize(8).save("palette.png", transparency=0)
Picture.fromarray(rgb[..., 0]).save("gray.png")
Picture.fromarray(np.dstack([rgb[..., 0], alpha])).save("gray-alpha.png")
Picture.fromarray(rgb[..., 0].astype("u2") * 256 + 255).save("gray16.png")
Picture.fromarray(rgb[..., 0] > 39).save("bits.png")
Picture.fromarray(np.full((9, 17), 77, "u1")).save("gray.jpg", quality=100)
Picture.fromarray(np.full((9, 17, 3), 77, "u1")).save("color.jpg", quality=100)
Picture.fromarray(np.full((9, 17, 4), 128, "u1"), "CMYK").save("cmyk.jpg", quality=100)

# A LevelDB as Caffe leaves a small one: all 3 records are in its log, none in a table.
import ctypes
import pathlib
import shutil

shutil.rmtree("leveldb-log", ignore_errors=True)
level = ctypes.CDLL("libleveldb.so.1d")
for name in "leveldb_options_create", "leveldb_writeoptions_create", "leveldb_open":
    getattr(level, name).restype = ctypes.c_void_p
options = ctypes.c_void_p(level.leveldb_options_create())
level.leveldb_options_set_create_if_missing(options, 1)
error = ctypes.c_char_p()
database = ctypes.c_void_p(level.leveldb_open(options, b"leveldb-log", ctypes.byref(error)))
write = ctypes.c_void_p(level.leveldb_writeoptions_create())
for key, value in (b"a", b"first"), (b"c", b"third"), (b"b", b"second"):
    sizes = [ctypes.c_size_t(len(part)) for part in (key, value)]
    level.leveldb_put(database, write, key, sizes[0], value, sizes[1], ctypes.byref(error))
level.leveldb_close(database)
for name in "LOCK", "LOG":
    pathlib.Path("leveldb-log", name).unlink()
