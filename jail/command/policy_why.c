/* nsgate policy why: a record of an audit log, in words. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jail/command/audit_reader.h"
#include "jail/command/policy.h"
#include "policy/base/auto.h"
#include "policy/base/log.h"
#include "policy/base/text.h"
#include "proxy/audit/tell.h"

#define TEXT_SIZE   1100 /* of any one text of a record */
#define TARGET_SIZE 2048
#define OTHERS_MAX  20 /* lines about other records */
#define JAILS_MAX   20 /* named when one has to be chosen */

static const struct option_row rows[] = {
	{ .name = "jail",
	  .value = "ID",
	  .help = "the run, where the log has several",
	  .parse = policy_option_jail,
	  .group = "Options" },
	HELP_ROW,
	{ 0 },
};

static const struct option_table table = {
	.command = "nsgate policy why",
	.usage = "Usage: nsgate policy why [--jail ID] AUDIT SEQ\n\n"
		 "Explains the record with the number SEQ in the audit log AUDIT: what was asked,\n"
		 "what was decided and why, what would allow it, and what else was denied to the\n"
		 "same name.",
	.rows = rows,
	.ending = "Exit status: 0, 1 when there is no such record, 2 for a mistake.",
};

struct search {
	const char *path, *jail; /* jail: NULL = any */
	unsigned long sequence;
};

/* The jails that have such a record. */
struct found {
	char jails[JAILS_MAX][AUDIT_JAIL_SIZE];
	size_t count; /* may be more than are kept */
	size_t foreign_count;
};

static bool is_wanted(const struct search *search, const struct audit_entry *entry)
{
	return entry->sequence == search->sequence &&
	       (!search->jail || strcmp(entry->jail, search->jail) == 0);
}

/* ---- one record ---- */

static void print_line(const char *label, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print_line(const char *label, const char *format, ...)
{
	va_list args;

	(void)printf("%-10s", label);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)putchar('\n');
}

static void print_text(const char *label, const char *text)
{
	char escaped[TEXT_SIZE];

	if (text)
		print_line(label, "%s", audit_text(text, escaped, sizeof(escaped)));
}

static void print_address(const char *label, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (addr->family)
		print_line(label, "%s (%s)", addr_format(addr, text),
			   addr_class_name(addr_classify(addr)));
}

static void print_verdict(const struct audit_entry *entry)
{
	enum reason reason = audit_entry_reason(entry);
	char code[64];

	print_line("verdict:", "%s, %s: %s", entry->is_allowed ? "allowed" : "denied",
		   audit_text(entry->reason, code, sizeof(code)),
		   reason == REASONS ? "not a reason of this nsgate" : reason_text(reason));
}

static void print_rule(const struct audit_entry *entry)
{
	char rule[TEXT_SIZE], origin[TEXT_SIZE];

	if (entry->rule)
		print_line("rule:", "'%s' at %s", audit_text(entry->rule, rule, sizeof(rule)),
			   entry->rule_origin
				   ? audit_text(entry->rule_origin, origin, sizeof(origin))
				   : "?");
	else
		print_line("rule:", "none");
}

static void print_remedy(const struct audit_entry *entry)
{
	const struct addr *addr = entry->name ? &entry->refused : &entry->address;
	enum reason reason = audit_entry_reason(entry);
	char name[TEXT_SIZE], hint[TARGET_SIZE], path[TEXT_SIZE];

	if (entry->is_allowed)
		return;
	if (reason == REASON_DENY_RULE)
		print_line("to allow:", "change that rule: no allow rule beats it");
	else if (tell_has_remedy(reason) && audit_entry_path(entry, path, sizeof(path)))
		print_line("to allow:", "--allow '%s'",
			   policy_hint_http(
				   entry->name ? audit_text(entry->name, name, sizeof(name)) : NULL,
				   addr->family ? addr : NULL, entry->port, entry->method, path,
				   hint, sizeof(hint)));
	else if (tell_has_remedy(reason) && (entry->name || addr->family))
		print_line("to allow:", "--allow '%s'",
			   policy_hint(
				   entry->name ? audit_text(entry->name, name, sizeof(name)) : NULL,
				   addr->family ? addr : NULL, entry->port, hint, sizeof(hint)));
	else
		print_line("to allow:", "no rule would");
}

static void print_entry(const struct audit_entry *entry)
{
	char jail[TEXT_SIZE], target[TARGET_SIZE];

	print_line("record:", "%llu of jail %s", (unsigned long long)entry->sequence,
		   audit_text(entry->jail, jail, sizeof(jail)));
	print_text("when:", entry->time);
	print_line("asked:", "%s", audit_entry_target(entry, target, sizeof(target)));
	print_address("address:", &entry->address);
	print_address("dialed:", &entry->dialed);
	print_address("refused:", &entry->refused);
	print_text("TLS name:", entry->sni);
	print_verdict(entry);
	print_text("failed:", entry->error);
	print_rule(entry);
	print_remedy(entry);
}

/* ---- the log ---- */

static void add_jail(struct found *found, const char *jail)
{
	for (size_t i = 0; i < found->count && i < JAILS_MAX; i++) {
		if (strcmp(found->jails[i], jail) == 0)
			return;
	}
	if (found->count < JAILS_MAX)
		(void)strcpy(found->jails[found->count], jail);
	found->count++;
}

static int refuse_several(const struct search *search, const struct found *found, struct err *err)
{
	char jail[AUDIT_JAIL_SIZE * 4];

	(void)err_bad(err, "%s: %zu jails have a record %lu: choose one with --jail", search->path,
		      found->count, search->sequence);
	for (size_t i = 0; i < found->count && i < JAILS_MAX; i++)
		(void)err_hint(err, "%s", audit_text(found->jails[i], jail, sizeof(jail)));
	return -EINVAL;
}

static int find(struct audit_reader *reader, const struct search *search, struct found *found,
		struct err *err)
{
	struct audit_entry entry;
	int rc;

	while ((rc = audit_reader_next(reader, &entry, err)) > 0) {
		if (is_wanted(search, &entry))
			add_jail(found, entry.jail);
	}
	found->foreign_count = reader->foreign_count;
	return rc == 0 && found->count > 1 ? refuse_several(search, found, err) : rc;
}

/* Prints the record, and copies its name, if it has one, into *@name_out (heap, the caller's). */
static int explain(struct audit_reader *reader, const struct search *search, char **name_out,
		   struct err *err)
{
	struct audit_entry entry;
	int rc = audit_reader_rewind(reader, err);

	if (rc < 0)
		return rc;
	while ((rc = audit_reader_next(reader, &entry, err)) > 0) {
		if (!is_wanted(search, &entry))
			continue;
		print_entry(&entry);
		if (entry.name && !(*name_out = strdup(entry.name)))
			return err_set(err, ENOMEM, "read %s", search->path);
		return 0;
	}
	return rc;
}

/* What else of that name was denied in that jail. */
static int print_others(struct audit_reader *reader, const struct search *search, const char *name,
			struct err *err)
{
	char target[TARGET_SIZE], reason[64], label[32];
	struct audit_entry entry;
	size_t count = 0;
	int rc = audit_reader_rewind(reader, err);

	if (rc < 0)
		return rc;
	while ((rc = audit_reader_next(reader, &entry, err)) > 0) {
		if (entry.is_allowed || !entry.name || strcmp(entry.name, name) != 0 ||
		    strcmp(entry.jail, search->jail) != 0 || entry.sequence == search->sequence)
			continue;
		(void)snprintf(label, sizeof(label), "%s", count ? "" : "also:");
		if (count++ < OTHERS_MAX)
			print_line(label, "denied %llu %s (%s)", (unsigned long long)entry.sequence,
				   audit_entry_target(&entry, target, sizeof(target)),
				   audit_text(entry.reason, reason, sizeof(reason)));
	}
	if (count > OTHERS_MAX)
		print_line("", "and %zu more", count - OTHERS_MAX);
	return rc;
}

static void warn_foreign(const struct search *search, size_t count)
{
	if (count)
		log_warn("%s: %zu lines are no records of decisions", search->path, count);
}

/* @search is for one jail. */
static int tell(struct audit_reader *reader, const struct search *search)
{
	char *name AUTO(heap_release) = NULL;
	struct err err;

	if (explain(reader, search, &name, &err) < 0 ||
	    (name && print_others(reader, search, name, &err) < 0))
		return policy_mistake(&err);
	return POLICY_YES;
}

static int why(const struct search *search)
{
	struct audit_reader reader AUTO(audit_reader_close) = { 0 };
	struct found found = { 0 };
	struct search one = *search;
	struct err err;

	if (audit_reader_open(&reader, search->path, &err) < 0 ||
	    find(&reader, search, &found, &err) < 0)
		return policy_mistake(&err);
	warn_foreign(search, found.foreign_count);
	if (found.count == 0) {
		log_error("%s: no record %lu%s%s", search->path, search->sequence,
			  search->jail ? " of jail " : "", search->jail ? search->jail : "");
		return POLICY_NO;
	}
	one.jail = found.jails[0];
	return tell(&reader, &one);
}

int policy_why_main(char **argv)
{
	struct policy_options options AUTO(policy_options_done) = { 0 };
	struct search search = { 0 };
	struct err err;
	int words, rc = options_read_all(&table, argv, &options, &words, &err);

	if (rc == OPTIONS_DONE)
		return POLICY_YES;
	if (rc == OPTIONS_RUN && words != 2)
		rc = err_bad(&err, "policy why: expected AUDIT SEQ, got %d words", words);
	else if (rc == OPTIONS_RUN && text_number(argv[1], INT64_MAX, &search.sequence) < 0)
		rc = err_bad(&err, "policy why: %s: expected the number of a record", argv[1]);
	if (rc < 0)
		return policy_mistake(&err);
	search.path = argv[0];
	search.jail = options.jail;
	return why(&search);
}
