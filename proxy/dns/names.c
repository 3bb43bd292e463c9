/*
 * The pool of names. See names.h.
 *
 * Two ways in: an array by number, and libc's balanced tree by name. A tree and not a hash: the
 * jail picks the names, and no choice of names makes a tree slow.
 */
#include "proxy/dns/names.h"

#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policy/net_plan.h"

struct numbered {
	uint32_t number;
	char name[]; /* the tree's key points here */
};

struct names {
	struct numbered **entries; /* owned, by number */
	void *tree; /* owned; keys are the entries' names */
	uint32_t count, room, max;
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void keep(void *key)
{
	(void)key; /* the array owns it */
}

struct names *names_new(uint32_t max)
{
	struct names *names = calloc(1, sizeof(*names));

	if (names)
		names->max = max;
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	tdestroy(names->tree, keep);
	for (uint32_t i = 0; i < names->count; i++)
		free(names->entries[i]);
	free(names->entries);
	free(names);
}

static int make_room(struct names *names)
{
	uint32_t room = names->room ? names->room * 2 : 64;
	struct numbered **grown;

	if (names->count == names->max)
		return -ENOSPC;
	if (names->count < names->room)
		return 0;
	grown = reallocarray(names->entries, room, sizeof(struct numbered *));
	if (!grown)
		return -ENOMEM;
	names->entries = grown;
	names->room = room;
	return 0;
}

static int add(struct names *names, const char *name)
{
	size_t size = strlen(name) + 1;
	struct numbered *entry;
	int rc = make_room(names);

	if (rc < 0)
		return rc;
	entry = malloc(sizeof(*entry) + size);
	if (!entry)
		return -ENOMEM;
	entry->number = names->count;
	memcpy(entry->name, name, size);
	if (!tsearch(entry->name, &names->tree, compare)) {
		free(entry);
		return -ENOMEM;
	}
	names->entries[names->count++] = entry;
	return 0;
}

int names_number(struct names *names, const char *name, uint32_t *number_out)
{
	const char *const *found = tfind(name, &names->tree, compare);
	const struct numbered *entry;
	int rc;

	if (!found) {
		rc = add(names, name);
		if (rc < 0)
			return rc;
		*number_out = names->count - 1;
		return 0;
	}
	entry = (const struct numbered *)(*found - offsetof(struct numbered, name));
	*number_out = entry->number;
	return 0;
}

const char *names_get(const struct names *names, uint32_t number)
{
	return number < names->count ? names->entries[number]->name : NULL;
}

bool names_are_synthetic(const struct names *names, uint32_t number, enum dns_mode mode)
{
	const char *name = names_get(names, number);

	switch (mode) {
	case DNS_SYNTHETIC:
		return true;
	case DNS_REAL:
		return name && strcmp(name, NET_PLAN_HOST_NAME) == 0;
	case DNS_DUMMY:
	case DNS_MODES:
		break;
	}
	return false;
}
