#!/usr/bin/env python3
"""What a measurement was made on: processor, cores, instruction set, load, versions of libraries.

    Benchmarks/machine.py CAFFE-SWIFT [TORCH-PYTHON]

prints one JSON object. What cannot be found out is null.
"""
import ctypes
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

# Flag of /proc/cpuinfo -> name, the widest first.
INSTRUCTION_SETS = {
    "amx_tile": "AMX", "avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sse4_2": "SSE4.2",
    "sve2": "SVE2", "sve": "SVE", "asimd": "NEON",
}

TORCH_FACTS = """
import json, re, torch
found = re.search(r"(?:oneDNN|MKL-DNN) v([\\d.]+)", torch.__config__.show())
print(json.dumps({
    "version": torch.__version__, "onednn": found and found.group(1),
    "instruction_set": torch.backends.cpu.get_cpu_capability()}))
"""


def cpu_fields():
    """The fields of the first processor."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in first.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def instruction_set(fields):
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    return next((name for flag, name in INSTRUCTION_SETS.items() if flag in flags), None)


def linked(program, name):
    """Where the library of this name is that the program loads."""
    run = subprocess.run(["ldd", program], capture_output=True, text=True)
    found = re.search(rf"{name}\S* => (\S+)", run.stdout)
    return found and found.group(1)


def onednn_version(program):
    class Version(ctypes.Structure):
        _fields_ = [("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int)]

    path = linked(program, "libdnnl")
    if not path:
        return None
    call = ctypes.CDLL(path).dnnl_version
    call.restype = ctypes.POINTER(Version)
    version = call().contents
    return f"{version.major}.{version.minor}.{version.patch}"


def openblas_version(program):
    path = linked(program, "libopenblas")
    if not path:
        return None
    call = ctypes.CDLL(path).openblas_get_config
    call.restype = ctypes.c_char_p
    return call().decode().removeprefix("OpenBLAS ").strip()


def torch_facts(python):
    """None where there is no torch, or no Python."""
    if not python:
        return None
    try:
        run = subprocess.run([python, "-c", TORCH_FACTS], capture_output=True, text=True)
    except OSError:
        return None
    return json.loads(run.stdout) if run.returncode == 0 else None


def facts(program, python=None):
    fields = cpu_fields()
    return {
        "cpu": fields.get("model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "instruction_set": instruction_set(fields),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 2),
        "onednn": onednn_version(program),
        "openblas": openblas_version(program),
        "torch": torch_facts(python),
    }


def asked(program, python=None):
    """The facts, from a process of its own: libraries that are loaded for their versions would count
    as memory of the programs that the caller starts."""
    command = [sys.executable, __file__, program] + ([python] if python else [])
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def sentences(found):
    """The facts for people."""
    torch = found["torch"]
    peer = (
        f"PyTorch {torch['version']} (oneDNN {torch['onednn']}, {torch['instruction_set']})"
        if torch else "no PyTorch")
    lines = [
        f"{found['cpu']}, {found['cores']} cores, {found['instruction_set']}, "
        f"{found['memory_gb']} GB, {found['system']}",
        f"caffe-swift with oneDNN {found['onednn']}, OpenBLAS {found['openblas']}; {peer}",
    ]
    if found["load"] > 0.3:
        lines.append(f"load before the start {found['load']}: other programs take part of these times")
    return lines


if __name__ == "__main__":
    print(json.dumps(facts(*sys.argv[1:3])))
