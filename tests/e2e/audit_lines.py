#!/usr/bin/python3
"""Is each line of an audit file a record that the schema allows, and is none missing unsaid?

audit_lines.py FILE SCHEMA [HALF-LINES]: prints "JAILS RECORDS". HALF-LINES is how many lines may be cut.
"""
import json
import sys

import jsonschema


def fail(message, line):
    sys.exit(f"{sys.argv[1]}: {message}: {line[:600]!r}")


def pairs(items):
    keys = [key for key, _ in items]
    assert len(keys) == len(set(keys)), f"a field twice: {keys}"
    return dict(items)


with open(sys.argv[2], encoding="utf-8") as file:
    checker = jsonschema.Draft202012Validator(json.load(file))
checker.check_schema(checker.schema)
with open(sys.argv[1], "rb") as file:
    data = file.read()
halves = int(sys.argv[3]) if len(sys.argv) > 3 else 0
following, records = {}, 0
for line in data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n"):
    if any(byte < 0x20 or byte > 0x7e for byte in line):
        fail("not printable ASCII", line)
    try:
        record = json.loads(line, object_pairs_hook=pairs)
    except ValueError:
        halves -= 1
        if halves < 0:
            fail("not JSON", line)
        continue
    for error in checker.iter_errors(record):
        fail(error.message, line)
    expected = following.get(record["jail"], 0) + record.get("lost", 0)
    if record["seq"] != expected:
        fail(f"not number {expected}", line)
    following[record["jail"]] = expected + 1
    records += 1
print(len(following), records)
