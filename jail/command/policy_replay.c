/*
 * nsgate policy replay: judges the records of an audit log again, under another policy.
 *
 * A connection's record says less than the connection did: nothing of a request is in it, so a rule
 * with scheme=, method= or path= is taken for one that may apply, as it is before anything is sent.
 */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/command/audit_reader.h"
#include "jail/command/policy.h"
#include "jail/command/trial.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"
#include "policy/name.h"
#include "proxy/audit/tell.h"

#define LINE_SIZE 4096

static const struct option_row rows[] = {
	POLICY_ROWS,
	HELP_ROW,
	{ 0 },
};

static const struct option_table table = {
	.command = "nsgate policy replay",
	.usage =
		"Usage: nsgate policy replay [options] AUDIT\n\n"
		"Judges each record of the audit log AUDIT again, under the policy that the options\n"
		"say, and prints what would change.",
	.rows = rows,
	.ending = "Exit status: 0 when nothing changes, 1 when something does, 2 for a mistake.",
};

/* Records that change in the same way. */
struct change {
	char *text; /* owned; what they share */
	uint64_t first; /* sequence */
	char jail[AUDIT_JAIL_SIZE]; /* of the first */
	size_t count;
};

struct replay {
	struct settings settings;
	struct change **changes; /* owned, and each of them; in the order of the first */
	size_t change_count;
	void *by_text; /* tsearch() tree over the same */
	char jail[AUDIT_JAIL_SIZE]; /* the first one's */
	bool has_jails; /* several */
	size_t record_count, same_count, denied_count, allowed_count, skipped_count;
};

/* ---- judging again ---- */

/*
 * Was it the hosts file that led to this address? The log does not say; but the name was let
 * through to an address that the guard refuses, and the rule has no address.
 */
static enum addr_source source_of(const struct audit_entry *entry)
{
	bool has_cidr = entry->rule && strstr(entry->rule, "cidr=");

	return entry->is_allowed && entry->rule && !has_cidr ? ADDR_FROM_HOSTS_FILE : ADDR_FROM_DNS;
}

static struct verdict judge_connection(const struct settings *settings, const char *name,
				       const struct audit_entry *entry)
{
	const struct addr *addr = entry->refused.family ? &entry->refused : &entry->dialed;
	const struct policy *policy = &settings->policy;
	struct verdict verdict;

	if (settings_is_proxied(settings, name))
		return policy_judge_proxied(policy, name, entry->port);
	verdict = policy_judge_name(policy, name, entry->port);
	if (!verdict.is_allowed || !addr->family)
		return verdict;
	return policy_judge_address(policy, name, addr, entry->port, source_of(entry));
}

/* As the run did, as far as the record says it. False: it does not say the path. */
static bool judge_request(const struct policy *policy, const char *name,
			  const struct audit_entry *entry, struct verdict *verdict_out)
{
	const struct addr *addr = name ? &entry->dialed : &entry->address;
	char path[LINE_SIZE];

	if (!audit_entry_path(entry, path, sizeof(path)))
		return false;
	*verdict_out =
		policy_judge_http(policy, name, addr->family ? addr : NULL, entry->port,
				  name ? source_of(entry) : ADDR_FROM_CLIENT, entry->method, path);
	return true;
}

/* False: the record does not say enough, or denies for a reason that is none of ours. */
static bool judge(const struct settings *settings, const struct audit_entry *entry,
		  struct verdict *verdict_out)
{
	const struct policy *policy = &settings->policy;
	char name[NAME_SIZE];

	if (!entry->is_allowed && audit_entry_reason(entry) == REASONS)
		return false;
	if (entry->name && name_canonical(entry->name, strlen(entry->name), name) < 0)
		return false;
	if (entry->method && entry->port && (entry->name || entry->address.family))
		return judge_request(policy, entry->name ? name : NULL, entry, verdict_out);
	if (entry->is_query && entry->name)
		*verdict_out = policy_judge_query(policy, name);
	else if (entry->name && entry->port)
		*verdict_out = judge_connection(settings, name, entry);
	else if (entry->address.family && entry->port)
		*verdict_out = policy_judge_address(policy, NULL, &entry->address, entry->port,
						    ADDR_FROM_CLIENT);
	else
		return false;
	return true;
}

/*
 * Would be decided the same way under any rules? Denied for malformed TLS, no name behind an address
 * and the like; or allowed by no rule, as the jail's own localhost is.
 */
static bool is_beyond_rules(const struct audit_entry *entry)
{
	enum reason reason = audit_entry_reason(entry);

	if (entry->is_allowed)
		return !entry->rule;
	return reason != REASONS && reason != REASON_DENY_RULE && !tell_has_remedy(reason);
}

/* ---- what changes ---- */

static int compare(const void *a, const void *b)
{
	const struct change *left = a, *right = b;

	return strcmp(left->text, right->text);
}

static void change_free(struct change *change)
{
	free(change->text);
	free(change);
}

/* A change of its own, or one more of the same. */
static int add(struct replay *replay, const char *text, const struct audit_entry *entry)
{
	struct change *change = calloc(1, sizeof(*change)), **grown, **slot;

	grown = reallocarray(replay->changes, replay->change_count + 1, sizeof(struct change *));
	if (grown)
		replay->changes = grown;
	if (!change || !grown || !(change->text = strdup(text))) {
		free(change);
		return -ENOMEM;
	}
	slot = (struct change **)tsearch(change, &replay->by_text, compare);
	if (!slot || *slot != change) {
		change_free(change);
		if (slot)
			(*slot)->count++;
		return slot ? 0 : -ENOMEM;
	}
	change->first = entry->sequence;
	change->count = 1;
	(void)strcpy(change->jail, entry->jail); /* the reader takes no longer one */
	grown[replay->change_count++] = change;
	return 0;
}

static int note(struct replay *replay, const struct audit_entry *entry,
		const struct verdict *verdict)
{
	char text[LINE_SIZE], answer[LINE_SIZE / 2], target[LINE_SIZE / 2];
	const char *rule = strchr(trial_answer(verdict, answer, sizeof(answer)), '\'');

	if (entry->is_allowed)
		replay->denied_count++;
	else
		replay->allowed_count++;
	(void)snprintf(text, sizeof(text), "%s -> %s (%s): %s%s%s",
		       entry->is_allowed ? "allow" : "deny", verdict->is_allowed ? "allow" : "deny",
		       reason_code(verdict->reason),
		       audit_entry_target(entry, target, sizeof(target)), rule ? ", " : "",
		       rule ? rule : "");
	return add(replay, text, entry);
}

static int take(struct replay *replay, const struct audit_entry *entry)
{
	struct verdict verdict;

	if (replay->record_count++ == 0)
		(void)strcpy(replay->jail, entry->jail);
	else if (strcmp(replay->jail, entry->jail) != 0)
		replay->has_jails = true;
	if (is_beyond_rules(entry)) {
		replay->same_count++;
		return 0;
	}
	if (!judge(&replay->settings, entry, &verdict)) {
		replay->skipped_count++;
		return 0;
	}
	if (verdict.is_allowed != entry->is_allowed)
		return note(replay, entry, &verdict);
	replay->same_count++;
	return 0;
}

/* ---- the answer ---- */

static void print_change(const struct replay *replay, const struct change *change)
{
	char jail[AUDIT_JAIL_SIZE * 4];

	(void)printf("seq %llu: %s", (unsigned long long)change->first, change->text);
	if (change->count > 1)
		(void)printf(", %zu times", change->count);
	if (replay->has_jails)
		(void)printf(", first in jail %s", audit_text(change->jail, jail, sizeof(jail)));
	(void)putchar('\n');
}

static void print(const struct replay *replay)
{
	for (size_t i = 0; i < replay->change_count; i++)
		print_change(replay, replay->changes[i]);
	(void)printf(
		"%zu records: %zu the same, %zu allow -> deny, %zu deny -> allow, %zu cannot be "
		"judged\n",
		replay->record_count, replay->same_count, replay->denied_count,
		replay->allowed_count, replay->skipped_count);
}

static int read_log(struct replay *replay, const char *path, struct err *err)
{
	struct audit_reader reader AUTO(audit_reader_close) = { 0 };
	struct audit_entry entry;
	int rc = audit_reader_open(&reader, path, err);

	if (rc < 0)
		return rc;
	while ((rc = audit_reader_next(&reader, &entry, err)) > 0) {
		if (take(replay, &entry) < 0)
			return err_set(err, ENOMEM, "read %s", path);
	}
	if (reader.foreign_count)
		log_warn("%s: %zu lines are no records of decisions", path, reader.foreign_count);
	return rc;
}

static void leave(void *change)
{
	(void)change; /* the array owns it */
}

static void replay_done(struct replay *replay)
{
	tdestroy(replay->by_text, leave);
	for (size_t i = 0; i < replay->change_count; i++)
		change_free(replay->changes[i]);
	free(replay->changes);
	settings_done(&replay->settings);
}

static int run(const struct policy_options *options, const char *path)
{
	struct replay replay AUTO(replay_done) = { 0 };
	struct err err;

	settings_init(&replay.settings);
	if (policy_options_load(options, NULL, &replay.settings, &err) < 0 ||
	    read_log(&replay, path, &err) < 0)
		return policy_mistake(&err);
	print(&replay);
	return replay.change_count ? POLICY_NO : POLICY_YES;
}

int policy_replay_main(char **argv)
{
	struct policy_options options AUTO(policy_options_done) = { 0 };
	struct err err;
	int words, rc = options_read_all(&table, argv, &options, &words, &err);

	if (rc == OPTIONS_DONE)
		return POLICY_YES;
	if (rc == OPTIONS_RUN && words != 1)
		rc = err_bad(&err, "policy replay: expected AUDIT, got %d words", words);
	else if (rc == OPTIONS_RUN && options.part_count == 0)
		rc = err_bad(&err, "policy replay: expected a policy: --policy, --profile, --allow "
				   "or --deny");
	if (rc < 0)
		return policy_mistake(&err);
	return run(&options, argv[0]);
}
