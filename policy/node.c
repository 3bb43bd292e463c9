/*
 * YAML as a tree. See node.h.
 *
 * libyaml's events are taken rather than its documents: they are refused as they come, before
 * an alias can unfold into more than was written, and the tree is no deeper than the limit.
 */
#include "policy/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "policy/base/auto.h"

#define DEPTH_MAX 8 /* a policy has three */
#define NODES_MAX ((size_t)1 << 20)

/* A list or map that is not complete yet. */
struct level {
	struct node *node;
	struct node **end; /* where its next item goes */
	struct node *key; /* read, its value not yet */
};

struct builder {
	struct node_tree *tree;
	const char *text;
	size_t length;
	const char *name;
	size_t node_count, depth;
	struct level levels[DEPTH_MAX];
	bool has_document;
};

void node_tree_done(struct node_tree *tree)
{
	arena_done(&tree->arena);
	tree->root = NULL;
}

/* ---- messages ---- */

struct place node_place(const struct node *node, const char *name, char origin[NODE_ORIGIN_SIZE])
{
	(void)snprintf(origin, NODE_ORIGIN_SIZE, "%s:%u", name, node->line);
	return (struct place) { origin, node->column, node->is_start_only };
}

int node_unexpected(const struct node *node, const char *name, const char *expected,
		    struct err *err)
{
	char origin[NODE_ORIGIN_SIZE];
	struct place place = node_place(node, name, origin);

	switch (node->kind) {
	case NODE_TEXT:
		return place_unexpected(place, node->text, 0, strlen(node->text), expected, err);
	case NODE_LIST:
		return err_bad(err, "%s: column %zu: expected %s, got a list", origin, place.column,
			       expected);
	case NODE_MAP:
		return err_bad(err, "%s: column %zu: expected %s, got keys", origin, place.column,
			       expected);
	}
	return -EINVAL;
}

/* libyaml counts characters. */
static size_t byte_of(const struct builder *builder, size_t character)
{
	size_t at = 0;

	for (; at < builder->length; at++) {
		if (((unsigned char)builder->text[at] & 0xc0) != 0x80 && character-- == 0)
			break;
	}
	return at;
}

/* What stands at byte @at, to the end of the line, is not what was expected. */
static int refuse(const struct builder *builder, size_t line, size_t column, size_t at,
		  const char *expected, struct err *err)
{
	const char *rest = builder->text + at;
	size_t length = 0;
	char origin[NODE_ORIGIN_SIZE];

	while (at + length < builder->length && !memchr("\r\n", rest[length], 2))
		length++;
	(void)snprintf(origin, sizeof(origin), "%s:%zu", builder->name, line + 1);
	return place_unexpected((struct place) { origin, column + 1, true }, rest, 0, length,
				expected, err);
}

static int refuse_mark(const struct builder *builder, const yaml_mark_t *mark, const char *expected,
		       struct err *err)
{
	return refuse(builder, mark->line, mark->column, byte_of(builder, mark->index), expected,
		      err);
}

/* The bytes are no text: libyaml knows where, but not in which line. */
static int refuse_bytes(const struct builder *builder, const yaml_parser_t *parser, struct err *err)
{
	size_t at = parser->problem_offset, line = 0, line_start = 0;

	if (at > builder->length)
		at = builder->length;
	for (size_t i = 0; i < at; i++) {
		if (builder->text[i] == '\n') {
			line++;
			line_start = i + 1;
		}
	}
	(void)refuse(builder, line, at - line_start, at, "UTF-8 text", err);
	return err_hint(err, "%s", parser->problem);
}

static int explain(const struct builder *builder, const yaml_parser_t *parser, struct err *err)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return err_set(err, ENOMEM, "read %s", builder->name);
	if (parser->error == YAML_READER_ERROR)
		return refuse_bytes(builder, parser, err);
	(void)refuse_mark(builder, &parser->problem_mark, "YAML", err);
	if (!parser->context)
		return err_hint(err, "%s", parser->problem);
	return err_hint(err, "%s %s, which begins in line %zu", parser->problem, parser->context,
			parser->context_mark.line + 1);
}

/* ---- the tree ---- */

/* Puts @node where the next thing belongs: a map's keys and values take turns. */
static int place_node(struct builder *builder, struct node *node, const yaml_event_t *event,
		      struct err *err)
{
	struct level *level = builder->depth ? &builder->levels[builder->depth - 1] : NULL;

	if (!level) {
		builder->tree->root = node;
		return 0;
	}
	if (level->node->kind == NODE_MAP && !level->key) {
		if (node->kind != NODE_TEXT)
			return refuse_mark(builder, &event->start_mark, "a key", err);
		level->key = node;
		return 0;
	}
	node->key = level->key;
	level->key = NULL;
	*level->end = node;
	level->end = &node->next;
	return 0;
}

/* NULL: it cannot be, and @err says why. */
static struct node *add(struct builder *builder, enum node_kind kind, const yaml_event_t *event,
			struct err *err)
{
	struct node *node;

	if (++builder->node_count > NODES_MAX) {
		(void)refuse_mark(builder, &event->start_mark, "the end: this is too much", err);
		return NULL;
	}
	node = arena_take(&builder->tree->arena, sizeof(*node));
	if (!node) {
		err_set(err, ENOMEM, "read %s", builder->name);
		return NULL;
	}
	*node = (struct node) {
		.kind = kind,
		.line = (uint32_t)event->start_mark.line + 1,
		.column = (uint32_t)event->start_mark.column + 1,
	};
	return place_node(builder, node, event, err) < 0 ? NULL : node;
}

static size_t count_characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

static bool is_null(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++) {
		if (strcmp(text, nulls[i]) == 0)
			return true;
	}
	return false;
}

static int add_text(struct builder *builder, const yaml_event_t *event, struct err *err)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	yaml_scalar_style_t style = event->data.scalar.style;
	bool is_plain = style == YAML_PLAIN_SCALAR_STYLE;
	bool is_quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
			 style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	struct node *node;
	char *copy;

	if (memchr(value, '\0', length))
		return refuse_mark(builder, &event->start_mark, "text without a NUL", err);
	copy = arena_take(&builder->tree->arena, length + 1);
	if (!copy)
		return err_set(err, ENOMEM, "read %s", builder->name);
	memcpy(copy, value, length + 1); /* libyaml ends it with a NUL */
	node = add(builder, NODE_TEXT, event, err);
	if (!node)
		return -err->code;
	node->text = copy;
	node->is_null = is_plain && is_null(copy);
	/* An escape or a fold only ever makes the text shorter than what is written. */
	node->is_start_only = event->end_mark.index - event->start_mark.index !=
			      count_characters(copy) + (is_quoted ? 2 : 0);
	node->column += is_quoted && !node->is_start_only;
	return 0;
}

static int open_level(struct builder *builder, enum node_kind kind, const yaml_event_t *event,
		      struct err *err)
{
	struct node *node;

	if (builder->depth == DEPTH_MAX)
		return refuse_mark(builder, &event->start_mark, "fewer levels", err);
	node = add(builder, kind, event, err);
	if (!node)
		return -err->code;
	builder->levels[builder->depth++] = (struct level) { node, &node->first, NULL };
	return 0;
}

/* Names for a part of the file, and types: what is written is all there is. */
static int check_plain(const struct builder *builder, const yaml_event_t *event,
		       const yaml_char_t *anchor, const yaml_char_t *tag, struct err *err)
{
	if (anchor)
		return refuse_mark(builder, &event->start_mark, "no anchor", err);
	if (tag)
		return refuse_mark(builder, &event->start_mark, "no tag", err);
	return 0;
}

/* Does a line end in front of byte @at? YAML has more ends than \n. */
static bool is_line_start(const struct builder *builder, size_t at)
{
	static const char *const ends[] = { "\n", "\r", "\xc2\x85", "\xe2\x80\xa8",
					    "\xe2\x80\xa9" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t length = strlen(ends[i]);

		if (at >= length && memcmp(builder->text + at - length, ends[i], length) == 0)
			return true;
	}
	return at == 0;
}

/* Before libyaml sees them: it compares each with all others. */
static int check_directives(const struct builder *builder, struct err *err)
{
	const char *end = builder->text + builder->length, *found = builder->text;
	size_t line = 0;

	while ((found = memchr(found, '%', (size_t)(end - found)))) {
		size_t at = (size_t)(found++ - builder->text);

		if (!is_line_start(builder, at))
			continue;
		for (size_t i = 0; i < at; i++)
			line += builder->text[i] == '\n';
		return refuse(builder, line, 0, at, "no directive", err);
	}
	return 0;
}

static int open_document(struct builder *builder, const yaml_event_t *event, struct err *err)
{
	if (builder->has_document)
		return refuse_mark(builder, &event->start_mark, "the end: one document", err);
	builder->has_document = true;
	return 0;
}

static int take(struct builder *builder, const yaml_event_t *event, struct err *err)
{
	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		return open_document(builder, event, err);
	case YAML_ALIAS_EVENT:
		return refuse_mark(builder, &event->start_mark, "no alias", err);
	case YAML_SCALAR_EVENT:
		if (check_plain(builder, event, event->data.scalar.anchor, event->data.scalar.tag,
				err) < 0)
			return -err->code;
		return add_text(builder, event, err);
	case YAML_SEQUENCE_START_EVENT:
		if (check_plain(builder, event, event->data.sequence_start.anchor,
				event->data.sequence_start.tag, err) < 0)
			return -err->code;
		return open_level(builder, NODE_LIST, event, err);
	case YAML_MAPPING_START_EVENT:
		if (check_plain(builder, event, event->data.mapping_start.anchor,
				event->data.mapping_start.tag, err) < 0)
			return -err->code;
		return open_level(builder, NODE_MAP, event, err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		builder->depth--;
		return 0;
	}
	return 0;
}

int node_tree_read(struct node_tree *tree, const char *text, size_t length, const char *name,
		   struct err *err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* a byte order mark, as Windows writes it */
	bool has_mark = length >= 3 && memcmp(text, mark, 3) == 0;
	struct builder builder = {
		.tree = tree,
		.text = has_mark ? text + 3 : text,
		.length = has_mark ? length - 3 : length,
		.name = name,
	};
	yaml_parser_t parser AUTO(yaml_parser_delete);
	bool is_end = false;

	if (!yaml_parser_initialize(&parser))
		return err_set(err, ENOMEM, "read %s", name);
	if (check_directives(&builder, err) < 0)
		return -err->code;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING); /* it would guess UTF-16 */
	yaml_parser_set_input_string(&parser, (const unsigned char *)builder.text, builder.length);
	while (!is_end) {
		yaml_event_t event AUTO(yaml_event_delete);

		if (!yaml_parser_parse(&parser, &event))
			return explain(&builder, &parser, err);
		is_end = event.type == YAML_STREAM_END_EVENT;
		if (take(&builder, &event, err) < 0)
			return -err->code;
	}
	return 0;
}
