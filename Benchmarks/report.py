"""The tables of compare.py: times and ratios, what more threads bring, and who did not take part."""
import table


def in_words(threads):
    return "1 thread" if threads == 1 else f"{threads} threads"


def main_table(rows, present):
    peers = [side for side in present if side.family != "caffe-swift"]
    families = list(dict.fromkeys(side.family for side in peers))
    header = ["net", "batch", "ours ms", *(f"{side.name} ms" for side in peers)]
    header += [f"ratio {family}" for family in families]
    header += ["ours MB", *(f"{family} MB" for family in families), "items/s"]
    return table.text(header, [cells(row, peers, families) for row in rows])


def cells(row, peers, families):
    found = [table.milliseconds(row["ms"].get(side.name)) or "-" for side in peers]
    shares = [
        table.ratio(**row["ratio"][family]) if family in row["ratio"] else "-" for family in families]
    memory = [row["peak_mb"].get(row["fastest"].get(family), "-") for family in families]
    return [
        row["net"], row["batch"], table.milliseconds(row["ms"]["caffe-swift"]), *found, *shares,
        row["peak_mb"]["caffe-swift"], *memory, f"{row['items_per_second']:.1f}"]


def scaling_table(rows):
    """How many times as fast more threads are, for us and for the fastest variant of each family."""
    by_net = {}
    for row in rows:
        by_net.setdefault(row["net"], {})[row["threads"]] = row
    first, *others = sorted({row["threads"] for row in rows})
    families = list(dict.fromkeys(["caffe-swift"] + [f for row in rows for f in row["fastest"]]))
    steps = [(family, count) for count in others for family in families]
    lines = [
        [net] + [speed_up(found[first], found[count], family) for family, count in steps]
        for net, found in by_net.items() if len(found) > len(others)]
    return table.text(["net"] + [f"{family} {first}→{count}" for family, count in steps], lines)


def speed_up(one, many, family):
    times = [
        row["ms"][row["fastest"].get(family, family)]
        for row in (one, many) if row["fastest"].get(family, family) in row["ms"]]
    return f"{times[0] / times[1]:.2f}×" if len(times) == 2 else "-"


def declined(rows):
    """Each reason once, with the nets it holds for."""
    reasons = {}
    for row in rows:
        for name, reason in row["declined"].items():
            reasons.setdefault((name, reason), {})[row["net"]] = None
    return [f"{name} declined {', '.join(on)}: {reason}" for (name, reason), on in reasons.items()]


def show(rows, present, options):
    for mode in options.modes:
        for threads in options.threads:
            chosen = [row for row in rows if (row["mode"], row["threads"]) == (mode, threads)]
            if chosen:
                print(f"\n{mode}, {in_words(threads)}\n")
                print(main_table(chosen, present))
        chosen = [row for row in rows if row["mode"] == mode]
        if len({row["threads"] for row in chosen}) > 1:
            print(f"\n{mode}: how many times as fast with more threads\n")
            print(scaling_table(chosen))
    unequal = dict.fromkeys(row["not_compared"] for row in rows if row["not_compared"])
    for sentence in [*unequal, *declined(rows)]:
        print(f"\n{sentence}")
    if any(row["ratio"] for row in rows):
        print(
            "\nratio: the peer's fastest time of a round over ours, the median of the rounds (least–"
            "largest); above 1 caffe-swift is faster")
    if any("BVLC Caffe" in row["ratio"] for row in rows) and "training" in options.modes:
        print("BVLC Caffe in training: forward and backward on both sides, since it times no update")
