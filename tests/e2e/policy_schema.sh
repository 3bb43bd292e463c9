#!/bin/bash
# The JSON Schema of policies takes what the loader takes, and refuses plain mistakes; so do the examples in the documents.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
netns_run "$@"
need_nsgate
"$PYTHON" -c 'import jsonschema, yaml' 2>/dev/null || skip 'no python3-jsonschema and python3-yaml: scripts/install-packages test'

cat >validate.py <<'END'
import json, sys
import jsonschema, yaml
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
checker = jsonschema.Draft202012Validator(schema)
for path in sys.argv[2:]:
    errors = [error.message for error in checker.iter_errors(yaml.safe_load(open(path)))]
    print(path, "invalid" if errors else "valid", *errors)
END
expect() # valid|invalid FILE...: by the loader, and by the schema
{
	local file status=0

	[[ $1 == valid ]] || status=2
	for file in "${@:2}"; do
		run "$NSGATE" policy check "$file"
		expect_eq "$STATUS" "$status" "$(<"$file")"
	done
	run "$PYTHON" validate.py "$TEST_ROOT/docs/policy.schema.json" "${@:2}"
	expect_eq "$STATUS" 0 'the schema itself'
	expect_eq "$(cut -d' ' -f2 <<<"$OUT" | sort -u)" "$1" "$OUT"
}

# ---- every example in the documents, and every profile
awk '/^```yaml$/ { inside = 1; file = "example" (++count) ".yaml"; next }
	/^```/ { inside = 0 }
	inside { print >file }' "$TEST_ROOT"/docs/*.md "$TEST_ROOT"/README.md
examples=(example*.yaml)
[[ ${#examples[@]} -ge 2 ]] || fail "only ${#examples[@]} examples in the documents"
expect valid "${examples[@]}" "$TEST_ROOT"/policy/profiles/*.yaml

# ---- every key once; only what is not available is left out
cat >whole.yaml <<'END'
version: 1
profiles: [npm]
include: [included.yaml]
network:
  allow: ["domain=**.a.test port=80,8000-8100", "domain=b.test cidr=10.0.0.0/8 \t port=1"]
  deny: [cidr=192.0.2.1]
  tls: auto
  dns: real
  dns-types: [SRV, MX, TXT]
  publish: ["127.0.0.1:3000:3000", 8080, "8080:80", "[::1]:80"]
  upstream-proxy: socks5://[2001:db8::1]:1080
  upstream-proxy-credentials: /etc/nsgate/credentials
filesystem:
  write: [.]
  overlay: ["~"]
  hide: [~/.ssh]
  bind: [/usr:/mnt]
  ro-bind: [/usr]
  tmpfs: [/x:64m]
limits: {time: 30m, open-files: 4096}
seccomp: default
audit: {file: audit.jsonl, on-failure: count}
END
echo 'version: 1' >included.yaml
expect valid whole.yaml
keys=$(jq -r '.properties | to_entries[] | if .value.properties then .key as $group | .value.properties | to_entries[] |
	select(.value.not | not) | "\($group).\(.key)" else .key end' "$TEST_ROOT/docs/policy.schema.json" | sort)
expect_eq "$("$PYTHON" -c 'import yaml
for key, value in yaml.safe_load(open("whole.yaml")).items():
    for name in value if isinstance(value, dict) else [None]:
        print(f"{key}.{name}" if name else key)' | sort)" "$keys" 'keys of whole.yaml'

# ---- one mistake each
count=0
while IFS= read -r line; do
	count=$((count + 1))
	printf 'version: 1\n%s\n' "$line" >"bad$count.yaml"
done <<'END'
netwrk: {}
network: open
network:
network: {alow: []}
network: {allow: domain=a.test}
network: {allow: [{domain: a.test}]}
network: {allow: [a.test]}
network: {allow: [domain=]}
network: {allow: ["dmain=a.test"]}
network: {allow: [" domain=a.test"]}
network: {dns: fake}
network: {dns: [real]}
network: {dns-types: [A]}
network: {publish: ["a:b"]}
network: {upstream-proxy: "proxy.test:3128"}
network: {upstream-proxy: "http://me:secret@proxy.test:1"}
filesystem: {overlay: [~]}
filesystem: {write: [""]}
filesystem: {protect: [.git]}
limits: {time: 30}
limits: {open-files: many}
limits: {memory: 2G}
seccomp: off
audit: audit.jsonl
audit: {file: null}
audit: {on-failure: ignore}
profiles: [npn]
profiles: npm
include: included.yaml
allow: [domain=a.test]
END
expect invalid bad*.yaml
printf 'network: {}\n' >no_version.yaml
printf 'version: 2\n' >version.yaml
expect invalid no_version.yaml version.yaml
