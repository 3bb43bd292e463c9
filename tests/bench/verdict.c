/*
 * verdict ROUNDS - what a verdict costs with 10 and with 100 000 rules
 *
 * Both policies are made of the same kinds of rules, and both are asked the same kinds of requests:
 * names that a rule spells out, names below a pattern, names nobody knows, addresses, each at the
 * stages a connection has. The two are measured in turn, ROUNDS times, and the medians count.
 * "warm" asks 1000 requests over and over, as a program does; "cold" has a request for every rule, so
 * that each verdict's rules come from far away.
 *
 * Prints "NAME NUMBER" lines: ns a verdict, ms to parse and to compile, bytes a rule, texts included.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/policy.h"

#define FEW	 10
#define MANY	 100000
#define WARM	 1000
#define COLD	 100000
#define VERDICTS 200000 /* a measurement */

struct question {
	char name[64]; /* "" = an address alone */
	struct addr addr;
	uint16_t port;
	unsigned char stage;
};

static void die(const char *what)
{
	fprintf(stderr, "verdict: %s\n", what);
	exit(1);
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static unsigned below(unsigned count)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % count;
}

/* Rule number @i; of ten, six are names, two patterns, two blocks. */
static void write_rule(unsigned i, char *out, size_t size)
{
	switch (i % 10) {
	case 3:
		snprintf(out, size, "domain=*.zone%u.example.org", i);
		break;
	case 4:
		snprintf(out, size, "domain=api.*.zone%u.example.org port=443", i);
		break;
	case 5:
		snprintf(out, size, "cidr=20.%u.%u.0/24", i >> 8 & 0xff, i & 0xff);
		break;
	case 6:
		snprintf(out, size, "cidr=2600:%x::/48 port=22,443", i & 0xffff);
		break;
	case 7:
		snprintf(out, size, "domain=db%u.example.net cidr=20.0.0.0/8 port=5432", i);
		break;
	default:
		snprintf(out, size, "domain=host%u.example.com port=443", i);
	}
}

/* A request that rule number @i answers; or, one time in four, one that none does. */
static void make_request(unsigned i, unsigned number, struct question *request)
{
	char address[ADDR_TEXT_MAX] = "20.1.1.1";

	*request = (struct question) { .port = 443, .stage = (unsigned char)(number % 3) };
	if (number % 4 == 3) {
		snprintf(request->name, sizeof(request->name), "unknown%u.example.com", i);
	} else {
		switch (i % 10) {
		case 3:
			snprintf(request->name, sizeof(request->name), "www.zone%u.example.org", i);
			break;
		case 4:
			snprintf(request->name, sizeof(request->name), "api.eu.zone%u.example.org",
				 i);
			break;
		case 5:
			snprintf(address, sizeof(address), "20.%u.%u.9", i >> 8 & 0xff, i & 0xff);
			break;
		case 6:
			snprintf(address, sizeof(address), "2600:%x::9", i & 0xffff);
			break;
		case 7:
			snprintf(request->name, sizeof(request->name), "db%u.example.net", i);
			request->port = 5432;
			break;
		default:
			snprintf(request->name, sizeof(request->name), "host%u.example.com", i);
		}
	}
	if (addr_parse(address, &request->addr) < 0)
		die("an address of our own");
}

static struct question *make_requests(unsigned rules, unsigned count)
{
	struct question *requests = calloc(count, sizeof(*requests));

	if (!requests)
		die("memory");
	for (unsigned i = 0; i < count; i++)
		make_request(below(rules), i, &requests[i]);
	return requests;
}

static bool ask(const struct policy *policy, const struct question *request)
{
	if (!request->name[0])
		return policy_judge_address(policy, NULL, &request->addr, request->port,
					    ADDR_FROM_CLIENT)
			.is_allowed;
	switch (request->stage) {
	case 0:
		return policy_judge_query(policy, request->name).is_allowed;
	case 1:
		return policy_judge_name(policy, request->name, request->port).is_allowed;
	}
	return policy_judge_address(policy, request->name, &request->addr, request->port,
				    ADDR_FROM_DNS)
		.is_allowed;
}

/* ns a verdict. Three of four are to be allowed, or something else is measured. */
static double measure(const struct policy *policy, const struct question *requests, unsigned count)
{
	unsigned allowed = 0, at = 0;
	double start = now_ns(), took;

	for (unsigned i = 0; i < VERDICTS; i++) {
		allowed += ask(policy, &requests[at]);
		at = at + 1 == count ? 0 : at + 1;
	}
	took = now_ns() - start;
	if (allowed < VERDICTS / 2 || allowed > VERDICTS * 9 / 10)
		die("the requests do not fit the policy");
	return took / VERDICTS;
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void make_policy(struct policy *policy, unsigned rules, double *parse_ms, double *compile_ms)
{
	double start = now_ns(), parsed;
	struct err err;

	policy_init(policy);
	for (unsigned i = 0; i < rules; i++) {
		char rule[128];

		write_rule(i, rule, sizeof(rule));
		if (policy_allow(policy, rule, place_of("--allow"), &err) < 0)
			die(err.text);
	}
	if (policy_deny(policy, "domain=*.evil.example", place_of("--deny"), &err) < 0 ||
	    policy_deny(policy, "cidr=20.9.9.0/24", place_of("--deny"), &err) < 0)
		die(err.text);
	parsed = now_ns();
	if (policy_compile(policy, &err) < 0)
		die(err.text);
	*parse_ms = (parsed - start) / 1e6;
	*compile_ms = (now_ns() - parsed) / 1e6;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *numbers, unsigned count)
{
	qsort(numbers, count, sizeof(*numbers), compare);
	return numbers[count / 2];
}

/* Both in turn, so that whatever else the machine does hits both. */
static void compare_policies(const char *kind, const struct policy policies[2],
			     struct question *requests[2], unsigned count, unsigned rounds)
{
	double *ns[2] = { calloc(rounds, sizeof(double)), calloc(rounds, sizeof(double)) };

	if (!ns[0] || !ns[1])
		die("memory");
	for (unsigned round = 0; round < rounds; round++) {
		for (int i = 0; i < 2; i++)
			ns[i][round] = measure(&policies[i], requests[i], count);
	}
	printf("%s_10 %.1f\n%s_100000 %.1f\n", kind, median(ns[0], rounds), kind,
	       median(ns[1], rounds));
	for (int i = 0; i < 2; i++) {
		free(requests[i]);
		free(ns[i]);
	}
}

int main(int argc, char **argv)
{
	int rounds = argc == 2 ? atoi(argv[1]) : 0;
	struct policy policies[2];
	struct question *requests[2];
	double parse_ms, compile_ms;
	size_t before;

	if (rounds <= 0 || rounds > 10000)
		die("usage: verdict ROUNDS");
	make_policy(&policies[0], FEW, &parse_ms, &compile_ms);
	before = heap_bytes();
	make_policy(&policies[1], MANY, &parse_ms, &compile_ms);
	printf("bytes_a_rule %.1f\nparse_ms %.1f\ncompile_ms %.1f\n",
	       (double)(heap_bytes() - before) / MANY, parse_ms, compile_ms);
	for (int i = 0; i < 2; i++)
		requests[i] = make_requests(i ? MANY : FEW, WARM);
	compare_policies("warm", policies, requests, WARM, (unsigned)rounds);
	for (int i = 0; i < 2; i++)
		requests[i] = make_requests(i ? MANY : FEW, COLD);
	compare_policies("cold", policies, requests, COLD, (unsigned)rounds);
	policy_done(&policies[0]);
	policy_done(&policies[1]);
	return 0;
}
