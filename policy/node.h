/*
 * The text of a YAML file as a tree, with the place of everything. The YAML is the plain part that
 * JSON has, too: no anchors, aliases, tags or directives, one document.
 */
#ifndef NSGATE_NODE_H
#define NSGATE_NODE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/base/arena.h"
#include "policy/base/err.h"
#include "policy/place.h"

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
	const char *text; /* NODE_TEXT */
	const struct node *key; /* of an entry of a map: its key, a NODE_TEXT */
	struct node *first; /* of a list's items, or a map's values; NULL = it is empty */
	struct node *next; /* in the same list or map */
	uint32_t line, column; /* of its first character, from 1; of a text, behind the quote */
	enum node_kind kind;
	bool is_null; /* NODE_TEXT: nothing, or ~ or null without quotes */
	bool is_start_only; /* see struct place */
};

/* An empty one is all zero. */
struct node_tree {
	struct arena arena;
	struct node *root; /* NULL = there is nothing */
};

void node_tree_done(struct node_tree *tree);

/*
 * Reads @length bytes. Whatever the text holds: its depth and the number of its nodes have a limit.
 * @name is the file's in messages. Returns 0, -EINVAL ("name:LINE: column N: expected …"), -ENOMEM.
 */
int node_tree_read(struct node_tree *tree, const char *text, size_t length, const char *name,
		   struct err *err);

#define NODE_ORIGIN_SIZE (PATH_MAX + 64)

/* "name:LINE" is written to @origin, which the place points to. */
struct place node_place(const struct node *node, const char *name, char origin[NODE_ORIGIN_SIZE]);

/* "name:LINE: column N: expected @expected, got …". Returns -EINVAL. */
int node_unexpected(const struct node *node, const char *name, const char *expected,
		    struct err *err);

#endif
