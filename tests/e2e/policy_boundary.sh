#!/bin/bash
# Every row of boundary's own rules and requests gets its verdict from the command line, in boundary's dialect.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
real_network # nothing is connected to
need_nsgate

cat >"$T/rows.py" <<'END'
import ast, re, subprocess, sys
nsgate, header = sys.argv[1:]
row = re.compile(r'\{ \{ (?P<rules>.*?) \}, (?P<method>"[^"]*"), (?P<url>"[^"]*"), (?P<outcome>ALLOW|DENY|REFUSED), (?:SAME|ALLOW|DENY) \},$')
groups, count = {}, 0
for line in open(header):
    line = line.strip()
    if not line.startswith("{ {"):
        continue
    match = row.match(line)
    assert match, f"not understood: {line}"
    rules = () if match["rules"] == "NULL" else tuple(ast.literal_eval(f"[{match['rules']}]"))
    groups.setdefault(rules, []).append((ast.literal_eval(match["method"]), ast.literal_eval(match["url"]), match["outcome"]))
    count += 1
wrong = 0
for rules, rows in groups.items():
    options = [word for rule in rules for word in ("--allow", rule)]
    run = subprocess.run([nsgate, "policy", "test", *options, "--dialect", "boundary", "--batch"], text=True,
                         input="".join(f"{method} {url}\n" for method, url, _ in rows), capture_output=True)
    answers = [line.split()[0].upper() for line in run.stdout.splitlines()]
    if run.returncode == 2 and not answers and run.stderr:
        answers = ["REFUSED"] * len(rows)
    elif run.returncode != 0:
        answers = [f"status {run.returncode}"] * len(rows)
    expected = [outcome for _, _, outcome in rows]
    if answers != expected:
        wrong += 1
        print(f"{rules} {rows}: {answers}, {run.stderr}")
print(f"{count} rows, {wrong} wrong")
END
run "$PYTHON" "$T/rows.py" "$NSGATE" "$TEST_ROOT/tests/unit/boundary_rules.h"
expect_match "$STATUS/$OUT/$ERR" '^0/1[0-9][0-9] rows, 0 wrong/$' "boundary's rows"
[[ ${OUT%% *} -ge 102 ]] || fail "only ${OUT%% *} rows"
