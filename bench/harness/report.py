"""The result as text for a terminal, and as Markdown for docs/benchmarks.md."""
from harness.case import NATIVE, OURS

BEGIN, END = "<!-- begin: bench/report -->", "<!-- end: bench/report -->"


def figure(value):
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def cells(row):
    """contender, median, spread, ratio, peak, runs: or the reason why there is none."""
    if "median" not in row:
        return [row["contender"], row.get("why_not", "was not run"), "", "", "", ""]
    ratio = f"{row['ratio']:.2f}" if row["ratio"] is not None else ""
    label = row["contender"] + (f" (then: {row['why_not']})" if "why_not" in row else "")
    return [label, figure(row["median"]), f"{figure(row['min'])}..{figure(row['max'])}", ratio,
            f"{max(0, row['peak_mb']):.1f}", str(len(row["figures"]))]


def bounds(case):
    """What the project promises of itself in this case, and whether it holds."""
    medians = {row["contender"]: row["median"] for row in case["rows"] if "median" in row}
    lines = []
    for label, most in case["bounds"].items():
        if label not in medians:
            continue
        ours = medians.get(OURS)
        slack = case.get("slack_ms", 0)
        kept = ours is not None and ours <= most * medians[label] + slack
        verdict = "no figure" if ours is None else \
            f"{'kept' if kept else 'MISSED'}, {ours / medians[label]:.2f}"
        more = f" + {slack:g} ms" if slack else ""
        lines.append(f"bound: {OURS} at most {most:g} x {label.removeprefix('floor: ')}{more}: "
                     f"{verdict}")
    return lines


def requests(case):
    """What the contenders sent in one run, over HTTP."""
    sent = [f"{row['contender']} {row['requests']:,}" for row in case["rows"] if "requests" in row]
    return ["requests: " + ", ".join(sent)] if sent else []


def sums(cases):
    """For each group that was run: what all its cases take together, and whether that holds."""
    groups = {}
    for case in cases:
        if case.get("group"):
            groups.setdefault(case["group"], []).append(case)
    lines = []
    for name, members in groups.items():
        medians = [{"floor" if row["floor"] else row["contender"]: row.get("median")
                    for row in case["rows"]} for case in members]
        ours, native, floor = ([known.get(who) for known in medians]
                               for who in (OURS, NATIVE, "floor"))
        if None in [*ours, *native, *floor]:
            lines.append(f"{name}, all {len(members)}: a figure is missing")
            continue
        kept = sum(ours) <= sum(native) + sum(floor)
        lines.append(f"{name}, all {len(members)}: {OURS} {figure(sum(ours))} ms, native SQLite "
                     f"{figure(sum(native))} ms, floor {figure(sum(floor))} ms; bound: {OURS} at "
                     f"most native SQLite + floor: {'kept' if kept else 'MISSED'}, "
                     f"{sum(ours) / (sum(native) + sum(floor)):.2f}")
    return lines


def heads(case):
    return ["contender", case["unit"], "min..max", "x floor", "peak MB", "runs"]


def as_text(case):
    table = [heads(case), *map(cells, case["rows"])]
    widths = [max(len(line[i]) for line in table if i == 0 or line[2]) for i in range(6)]
    lines = [f"{case['name']}: {case['title']}"]
    for line in table:
        label, rest = line[0].ljust(widths[0]), line[1:]
        if line[2]:
            rest = [text.rjust(width) for text, width in zip(rest, widths[1:])]
        lines.append("  " + "  ".join([label, *rest]).rstrip())
    lines += [f"  {line}" for line in [*requests(case), *bounds(case), *case["problems"]]]
    return "\n".join(lines) + "\n"


def meta_lines(meta):
    versions = ", ".join(f"{name} {version}" for name, version in meta["versions"].items())
    return [f"{meta['when']}, commit {meta['commit']}; {meta['machine']}; "
            f"load {meta['load'][0]:.2f} before, {meta['load'][1]:.2f} after",
            versions,
            f"{meta['rows']:,} rows, {meta['keys']:,} keys, {meta['rounds']} rounds after one to "
            f"warm up, at most {meta['limit_s']:g} s a run; {meta['settings']}"]


def as_markdown(result):
    lines = ["- " + line for line in meta_lines(result["meta"])]
    for case in result["cases"]:
        lines += ["", f"### {case['name']}", "", f"{case['title']}.", ""]
        lines.append("| " + " | ".join(heads(case)) + " |")
        lines.append("|---|" + "--:|" * 5)
        for row in case["rows"]:
            bold = "**" if row["contender"] == OURS else ""
            first, *rest = [text.replace("|", "\\|").replace("\n", " ") for text in cells(row)]
            lines.append("| " + " | ".join([f"{bold}{first}{bold}", *rest]) + " |")
        for line in [*bounds(case), *case["problems"]]:
            lines += ["", line + "."]
    for line in sums(result["cases"]):
        lines += ["", line + "."]
    return "\n".join(lines) + "\n"


def into_page(page, result):
    """The page with its part between the marks made anew."""
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError(f'the page lacks "{BEGIN}" or "{END}"')
    return f"{before}{BEGIN}\n{as_markdown(result)}{END}{after}"
