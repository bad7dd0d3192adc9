"""Who is timed: caffe-swift, PyTorch's variants, BVLC Caffe. Each measurement is a process of its own.

A side's `measure` returns the milliseconds of an iteration and of its passes, and the most memory that
the process had; or raises Refusal with the reason, for what a side cannot do.
"""
import json
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

VARIANTS = ("eager", "channels-last", "compile")  # of PyTorch; torch_peer.py says what they are
HERE = Path(__file__).resolve().parent


class Refusal(Exception):
    """Why a side gives no figure."""


def run(command, threads, seconds):
    """Standard output, standard error, peak MiB of the process; a Refusal if it fails or takes longer."""
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | {name: str(threads) for name in limits}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=output, stderr=errors, env=environment,
            start_new_session=True)
        status, peak = wait(process, seconds)
        output.seek(0), errors.seek(0)
        texts = output.read(), errors.read()
    if status != 0:
        raise Refusal(reason(texts[1], status))
    return *texts, peak


def wait(process, seconds):
    """Like `process.wait`, with the process's memory; ends its group after so many seconds, and when we
    are interrupted."""
    def expire(*_):
        raise Refusal(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss // 1024


def reason(errors, status):
    """The last line with words in it, which is where programs say what is wrong."""
    lines = [line.strip() for line in errors.splitlines() if re.search(r"\w{3}", line)]
    return lines[-1][:200] if lines else f"ended with status {status}"


class Ours:
    name = family = "caffe-swift"

    def __init__(self, program):
        self.program = program

    def measure(self, net, files, mode, threads, iterations, seconds):
        command = [self.program, "time", "--iterations", iterations, "--json", "-"]
        if mode == "training":
            command += ["--solver", files["solver"]]
        else:
            command += ["--model", files["deploy"], "--inference"]
        output, _, _ = run(command, threads, seconds)
        result = json.loads(output)
        passes = {name: value for name, value in result.items() if name.endswith("_ms")}
        return {"iteration_ms": result["forward_ms"]} | passes | {"peak_mb": result["peak_mb"]}


class Torch:
    family = "PyTorch"

    def __init__(self, python, variant):
        self.python, self.variant = python, variant
        self.name = f"PyTorch {variant}"

    def measure(self, net, files, mode, threads, iterations, seconds):
        output, _, _ = run(
            [self.python, HERE / "torch_peer.py", net, mode, self.variant,
             "--threads", threads, "--iterations", iterations], threads, seconds)
        return json.loads(output.splitlines()[-1])


class Caffe:
    """`caffe time` knows forward and backward, not the update of a training iteration."""

    name = family = "BVLC Caffe"

    def __init__(self, program):
        self.program = program

    def measure(self, net, files, mode, threads, iterations, seconds):
        model, phase = ("train", "TRAIN") if mode == "training" else ("deploy", "TEST")
        output, errors, peak = run(
            [self.program, "time", "-model", files[model], "-phase", phase,
             "-iterations", iterations], threads, seconds)
        forward = self.average("Forward", output + errors)
        result = {"iteration_ms": forward, "forward_ms": forward, "peak_mb": peak}
        if mode == "training":
            backward = self.average("Backward", output + errors)
            result |= {"backward_ms": backward, "iteration_ms": forward + backward}
        return result

    @staticmethod
    def average(which, log):
        found = re.search(rf"Average {which} pass: ([\d.e+-]+) ms", log)
        if not found:
            raise Refusal(f"its log does not tell the average {which.lower()} pass")
        return float(found.group(1))
