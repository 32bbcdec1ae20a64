"""Count the tests of a report: prints "PASSED FAILED". A skipped test counts as failed, since a
part that is missing must show; so does a program that ended badly or reported no test at all.

    count.py junit FILE      pytest's XML report
    count.py meson FILE      meson's testlog.json, whose tests print TAP
"""
import json
import re
import sys
import xml.etree.ElementTree as xml


def junit(path):
    passed = failed = 0
    for case in xml.parse(path).iter("testcase"):
        bad = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        if "skipped" in bad:
            print(f"FAILED {case.get('name')}: skipped", file=sys.stderr)
        passed += not bad
        failed += bool(bad)
    return passed, failed


def meson(path):
    passed = failed = 0
    for line in open(path):
        test = json.loads(line)
        good = len(re.findall(r"^ok \d+(?!.*# SKIP)", test.get("stdout") or "", re.M))
        bad = len(re.findall(r"^(?:not ok|ok \d+.*# SKIP)", test.get("stdout") or "", re.M))
        if bad == 0 and (test["result"] != "OK" or good == 0):
            bad = 1  # it crashed, hung, or tested nothing
        if bad > 0:
            print(f"FAILED {test['name']}: {test['result']}\n{test.get('stdout') or ''}"
                  f"{test.get('stderr') or ''}", file=sys.stderr)
        passed += good
        failed += bad
    return passed, failed


if __name__ == "__main__":
    try:
        print(*{"junit": junit, "meson": meson}[sys.argv[1]](sys.argv[2]))
    except (OSError, ValueError, xml.ParseError) as error:
        sys.exit(f"count.py: {error}")
