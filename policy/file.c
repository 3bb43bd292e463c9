/* Policy files. See file.h. */
#include "policy/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/base/auto.h"
#include "policy/base/text.h"
#include "policy/node.h"

#define FILE_BYTES_MAX	  ((size_t)16 << 20) /* 100 000 rules are 5 MiB */
#define FILES_MAX	  64
#define INCLUDE_DEPTH_MAX 8
#define NAMES_MAX	  (SETTING_KEYS_MAX + 8)
#define NAMES_SIZE	  512 /* the keys of a map in a message */

/* What is being read. */
struct reader {
	struct settings *settings;
	const char *name; /* what messages call it: the path, or "profile npm" */
	const struct reader *parent; /* that included it; NULL = none */
	const struct settings_file *file; /* NULL: it is none, and cannot include any */
	unsigned depth; /* of includes */
};

static int load_file(struct settings *settings, const char *path, const struct reader *parent,
		     const struct place *place, struct err *err);

/* ---- the file's own keys ---- */

static int read_version(const struct reader *reader, const struct node *value, struct err *err)
{
	if (value->kind == NODE_TEXT && strcmp(value->text, "1") == 0)
		return 0;
	(void)node_unexpected(value, reader->name, "1", err);
	return err_hint(err, "this is the only version that this nsgate knows");
}

static int check_list(const struct reader *reader, const struct node *list, const char *item_name,
		      struct err *err)
{
	if (list->kind == NODE_LIST)
		return 0;
	(void)node_unexpected(list, reader->name, "a list", err);
	return err_hint(err, "write %s: [%s]", list->key->text, item_name);
}

static int check_text(const struct reader *reader, const struct node *node, const char *expected,
		      struct err *err)
{
	if (node->kind == NODE_TEXT && !node->is_null)
		return 0;
	(void)node_unexpected(node, reader->name, expected, err);
	if (node->kind == NODE_TEXT && *node->text)
		return err_hint(err, "without quotes that is nothing in YAML: write \"%s\"",
				node->text);
	return -EINVAL;
}

static int read_profiles(const struct reader *reader, const struct node *list, struct err *err)
{
	char origin[NODE_ORIGIN_SIZE];

	if (check_list(reader, list, "NAME", err) < 0)
		return -err->code;
	for (const struct node *item = list->first; item; item = item->next) {
		if (check_text(reader, item, "the name of a profile", err) < 0 ||
		    policy_profile_load(reader->settings, item->text,
					node_place(item, reader->name, origin), err) < 0)
			return -err->code;
	}
	return 0;
}

/* @path begins at the directory of the file that says it. */
static int include(const struct reader *reader, const struct node *item, struct err *err)
{
	const char *slash = strrchr(reader->file->path, '/');
	int directory_length = slash ? (int)(slash - reader->file->path) + 1 : 0;
	char *path AUTO(heap_release) = NULL;
	char origin[NODE_ORIGIN_SIZE];
	struct place place = node_place(item, reader->name, origin);

	if (!*item->text)
		return node_unexpected(item, reader->name, "a file", err);
	if (reader->depth == INCLUDE_DEPTH_MAX)
		return node_unexpected(item, reader->name, "fewer levels of files", err);
	if (asprintf(&path, "%.*s%s", *item->text == '/' ? 0 : directory_length, reader->file->path,
		     item->text) < 0)
		return err_set(err, ENOMEM, "include %s", item->text);
	return load_file(reader->settings, path, reader, &place, err);
}

static int read_includes(const struct reader *reader, const struct node *list, struct err *err)
{
	if (!reader->file)
		return node_unexpected(list->key, reader->name, "no include in what is no file",
				       err);
	if (check_list(reader, list, "FILE", err) < 0)
		return -err->code;
	for (const struct node *item = list->first; item; item = item->next) {
		if (check_text(reader, item, "a file", err) < 0 || include(reader, item, err) < 0)
			return -err->code;
	}
	return 0;
}

/* Keys that stand beside the groups of settings. */
static const struct file_key {
	const char *name;
	int (*read)(const struct reader *reader, const struct node *value, struct err *err);
} file_keys[] = {
	{ "version", read_version },
	{ "profiles", read_profiles },
	{ "include", read_includes },
	{ 0 },
};

static const struct file_key *file_key_find(const char *name)
{
	for (const struct file_key *key = file_keys; key->name; key++) {
		if (strcmp(key->name, name) == 0)
			return key;
	}
	return NULL;
}

/* ---- keys that are not known ---- */

/* The last part of @path, if the part before is @group ("" = there is none). */
static const char *name_in_group(const char *path, const char *group)
{
	size_t length = strlen(group);

	if (length == 0)
		return strchr(path, '.') ? NULL : path;
	return strncmp(path, group, length) == 0 && path[length] == '.' ? path + length + 1 : NULL;
}

/* Names of keys, without those that were there already. */
struct names {
	const char *list[NAMES_MAX + 1]; /* ends with NULL */
	char buffers[NAMES_MAX][32];
	size_t count;
};

static void add_name(struct names *names, const char *name, size_t length)
{
	char *buffer;

	for (size_t i = 0; i < names->count; i++) {
		if (strncmp(names->list[i], name, length) == 0 && !names->list[i][length])
			return;
	}
	if (names->count == NAMES_MAX || length >= sizeof(names->buffers[0]))
		return; /* the unit test looks for every key in the messages */
	buffer = names->buffers[names->count];
	memcpy(buffer, name, length);
	buffer[length] = '\0';
	names->list[names->count++] = buffer;
}

/* What may stand in @group; "" = in the file itself. */
static void collect_names(const char *group, struct names *names)
{
	for (const struct file_key *key = file_keys; key->name && !*group; key++)
		add_name(names, key->name, strlen(key->name));
	for (const struct setting_key *key = setting_keys; key->path; key++) {
		const char *name = *group ? name_in_group(key->path, group) : key->path;

		if (name)
			add_name(names, name, strcspn(name, "."));
	}
}

/* The key is known, but elsewhere. NULL = it is not. */
static const struct setting_key *find_elsewhere(const char *name)
{
	for (const struct setting_key *key = setting_keys; key->path; key++) {
		const char *dot = strrchr(key->path, '.');

		if (strcmp(dot ? dot + 1 : key->path, name) == 0 || strcmp(key->path, name) == 0)
			return key;
	}
	return NULL;
}

static int unknown_key(const struct reader *reader, const char *group, const struct node *key,
		       struct err *err)
{
	const struct setting_key *elsewhere = find_elsewhere(key->text);
	char expected[NAMES_SIZE];
	struct names names = { 0 };
	const char *nearest;
	int used;

	collect_names(group, &names);
	used = snprintf(expected, sizeof(expected), "a key%s%s (", *group ? " of " : "", group);
	for (size_t i = 0; i < names.count && used < NAMES_SIZE; i++)
		used += snprintf(expected + used, NAMES_SIZE - (size_t)used, "%s%s", names.list[i],
				 i + 1 < names.count ? ", " : ")");
	(void)node_unexpected(key, reader->name, expected, err);
	nearest = text_nearest(key->text, names.list);
	if (strcmp(key->text, "<<") == 0)
		return err_hint(err, "keys are not merged: write out what is meant");
	if (elsewhere && strchr(elsewhere->path, '.'))
		return err_hint(err, "%s belongs below %.*s:", strrchr(elsewhere->path, '.') + 1,
				(int)strcspn(elsewhere->path, "."), elsewhere->path);
	if (elsewhere || file_key_find(key->text))
		return err_hint(err, "%s belongs to the file itself, to the very left", key->text);
	return nearest ? err_hint(err, "did you mean %s?", nearest) : -EINVAL;
}

/* ---- settings ---- */

static int put(const struct reader *reader, const struct setting_key *key, const struct node *value,
	       struct err *err)
{
	char origin[NODE_ORIGIN_SIZE];

	if (check_text(reader, value, key->value, err) < 0)
		return key->is_rule && value->kind == NODE_MAP
			       ? err_hint(err, "a rule is one text: domain=example.com port=443")
			       : -err->code;
	return setting_put(reader->settings, key, value->text,
			   node_place(value, reader->name, origin), SETTING_FROM_FILE, err);
}

static int read_setting(const struct reader *reader, const struct setting_key *key,
			const struct node *value, struct err *err)
{
	char origin[NODE_ORIGIN_SIZE];

	if (!key->put)
		return setting_put(reader->settings, key, "",
				   node_place(value->key, reader->name, origin), SETTING_FROM_FILE,
				   err);
	if (!key->is_list)
		return put(reader, key, value, err);
	if (check_list(reader, value, key->value, err) < 0)
		return -err->code;
	for (const struct node *item = value->first; item; item = item->next) {
		if (put(reader, key, item, err) < 0)
			return -err->code;
	}
	return 0;
}

/* An entry stands before @entry under the same key? Unknown keys end it, so there are few. */
static int check_once(const struct reader *reader, const struct node *map, const struct node *entry,
		      struct err *err)
{
	for (const struct node *other = map->first; other != entry; other = other->next) {
		if (strcmp(other->key->text, entry->key->text) != 0)
			continue;
		(void)node_unexpected(entry->key, reader->name, "each key once", err);
		return err_hint(err, "%s stands in line %u already", other->key->text,
				other->key->line);
	}
	return 0;
}

static int read_group(const struct reader *reader, const struct node *map, struct err *err)
{
	const char *group = map->key->text;

	if (map->kind != NODE_MAP)
		return node_unexpected(map, reader->name, "keys", err);
	for (const struct node *entry = map->first; entry; entry = entry->next) {
		const struct setting_key *key = setting_keys;

		while (key->path &&
		       (!name_in_group(key->path, group) ||
			strcmp(name_in_group(key->path, group), entry->key->text) != 0))
			key++;
		if (!key->path)
			return unknown_key(reader, group, entry->key, err);
		if (check_once(reader, map, entry, err) < 0 ||
		    read_setting(reader, key, entry, err) < 0)
			return -err->code;
	}
	return 0;
}

static bool is_group(const char *name)
{
	for (const struct setting_key *key = setting_keys; key->path; key++) {
		if (name_in_group(key->path, name))
			return *name != '\0';
	}
	return false;
}

static int read_entry(const struct reader *reader, const struct node *entry, struct err *err)
{
	const char *name = entry->key->text;
	const struct file_key *file_key = file_key_find(name);
	const struct setting_key *key = setting_key_find(name);

	if (file_key)
		return file_key->read(reader, entry, err);
	if (key && !strchr(key->path, '.'))
		return read_setting(reader, key, entry, err);
	if (is_group(name))
		return read_group(reader, entry, err);
	return unknown_key(reader, "", entry->key, err);
}

/* Before all else: a policy of another version may have other keys. */
static int check_version(const struct reader *reader, const struct node *root, struct err *err)
{
	char origin[NODE_ORIGIN_SIZE];
	struct place place = { .origin = origin, .column = 1 };

	if (root && root->kind != NODE_MAP && !root->is_null)
		return node_unexpected(root, reader->name, "the keys of a policy", err);
	for (const struct node *entry = root ? root->first : NULL; entry; entry = entry->next) {
		if (strcmp(entry->key->text, "version") == 0)
			return read_version(reader, entry, err);
	}
	(void)snprintf(origin, sizeof(origin), "%s:1", reader->name);
	(void)place_unexpected(place, "", 0, 0, "version: 1", err);
	return err_hint(err, "a policy begins with that line");
}

static int read_text(const struct reader *reader, const char *text, size_t length, struct err *err)
{
	struct node_tree tree AUTO(node_tree_done) = { 0 };

	if (node_tree_read(&tree, text, length, reader->name, err) < 0 ||
	    check_version(reader, tree.root, err) < 0)
		return -err->code;
	for (const struct node *entry = tree.root->first; entry; entry = entry->next) {
		if (check_once(reader, tree.root, entry, err) < 0 ||
		    read_entry(reader, entry, err) < 0)
			return -err->code;
	}
	return 0;
}

/* ---- files ---- */

/*
 * Opens a regular file; whatever else @path leads to, nobody waits for it. @name is the path in
 * messages, here and below.
 */
static int open_file(const char *path, const char *name, struct stat *status_out, int *fd_out,
		     struct err *err)
{
	int fd AUTO(fd_release) = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (!*path)
		return err_bad(err, "policy: expected a file, got an empty name");
	if (fd < 0)
		return err_set(err, errno, "read %s", name);
	if (fstat(fd, status_out) < 0)
		return err_set(err, errno, "look at %s", name);
	if (!S_ISREG(status_out->st_mode))
		return err_bad(err, "%s: expected a regular file", name);
	if (status_out->st_size > (off_t)FILE_BYTES_MAX)
		return err_bad(err, "%s: expected at most %zu bytes", name, FILE_BYTES_MAX);
	*fd_out = fd_take(&fd);
	return 0;
}

/* @text_out has one byte more than the file had: more in the file is seen. */
static int read_file(int fd, const char *name, size_t size, char **text_out, size_t *length_out,
		     struct err *err)
{
	char *text AUTO(heap_release) = malloc(size + 1);
	size_t used = 0;
	ssize_t got = 1;

	if (!text)
		return err_set(err, ENOMEM, "read %s", name);
	while (got != 0 && used <= size) {
		got = read(fd, text + used, size + 1 - used);
		if (got < 0)
			return err_set(err, errno, "read %s", name);
		used += (size_t)got;
	}
	if (used != size)
		return err_set(err, EAGAIN, "read %s: it changes meanwhile", name);
	*length_out = used;
	*text_out = text;
	text = NULL;
	return 0;
}

static const struct settings_file *file_find(const struct settings *settings,
					     const struct stat *status)
{
	for (size_t i = 0; i < settings->file_count; i++) {
		if (settings->files[i].device == status->st_dev &&
		    settings->files[i].inode == status->st_ino)
			return &settings->files[i];
	}
	return NULL;
}

static int remember_file(struct settings *settings, const char *path, const char *name,
			 const struct stat *status, struct err *err)
{
	struct settings_file file = { .device = status->st_dev, .inode = status->st_ino };

	if (settings->file_count == FILES_MAX)
		return err_bad(err, "%s: expected at most %d files", name, FILES_MAX);
	if (!settings->files)
		settings->files = calloc(FILES_MAX, sizeof(*settings->files));
	file.path = settings_keep(settings, path);
	if (!settings->files || !file.path)
		return err_set(err, ENOMEM, "read %s", name);
	settings->files[settings->file_count++] = file;
	return 0;
}

/* Is it one of those that are being read? */
static bool is_loop(const struct reader *reader, const struct settings_file *file)
{
	for (; reader; reader = reader->parent) {
		if (reader->file == file)
			return true;
	}
	return false;
}

/* What @path holds, and which file it is; without a text if it was read before. */
static int fetch(struct reader *reader, const char *path, char **text_out, size_t *length_out,
		 struct err *err)
{
	int fd AUTO(fd_release) = -1;
	struct stat status = { 0 };

	if (open_file(path, reader->name, &status, &fd, err) < 0)
		return -err->code;
	reader->file = file_find(reader->settings, &status);
	if (reader->file)
		return is_loop(reader->parent, reader->file)
			       ? err_bad(err, "%s includes itself", reader->name)
			       : 0;
	if (remember_file(reader->settings, path, reader->name, &status, err) < 0)
		return -err->code;
	reader->file = &reader->settings->files[reader->settings->file_count - 1];
	return read_file(fd, reader->name, (size_t)status.st_size, text_out, length_out, err);
}

/* @place is where @parent names it. */
static int load_file(struct settings *settings, const char *path, const struct reader *parent,
		     const struct place *place, struct err *err)
{
	struct reader reader = { .settings = settings, .parent = parent };
	char *text AUTO(heap_release) = NULL;
	char name[PATH_MAX];
	size_t length = 0;

	reader.name = text_escape(path, strlen(path), name, sizeof(name));
	if (fetch(&reader, path, &text, &length, err) < 0)
		return place ? err_wrap(err, "%s: column %zu", place->origin, place->column)
			     : -err->code;
	if (!text)
		return 0;
	reader.depth = parent ? parent->depth + 1 : 0;
	return read_text(&reader, text, length, err);
}

int policy_file_load(struct settings *settings, const char *path, struct err *err)
{
	return load_file(settings, path, NULL, NULL, err);
}

int policy_text_load(struct settings *settings, const char *text, size_t length, const char *name,
		     struct err *err)
{
	struct reader reader = { .settings = settings, .name = name };

	return read_text(&reader, text, length, err);
}

/* ---- profiles ---- */

static int unknown_profile(const char *name, struct place place, struct err *err)
{
	char expected[NAMES_SIZE];
	struct names names = { 0 };
	const char *nearest;
	int used;

	used = snprintf(expected, sizeof(expected), "the name of a profile (");
	for (const struct policy_profile *profile = policy_profiles; profile->name; profile++) {
		add_name(&names, profile->name, strlen(profile->name));
		if (used < NAMES_SIZE)
			used += snprintf(expected + used, NAMES_SIZE - (size_t)used, "%s%s",
					 profile->name, profile[1].name ? ", " : ")");
	}
	(void)place_unexpected(place, name, 0, strlen(name), expected, err);
	nearest = text_nearest(name, names.list);
	return nearest ? err_hint(err, "did you mean %s?", nearest) : -EINVAL;
}

int policy_profile_load(struct settings *settings, const char *name, struct place place,
			struct err *err)
{
	const struct policy_profile *profile = policy_profiles;
	struct reader reader = { .settings = settings };
	char called[64];

	while (profile->name && strcmp(profile->name, name) != 0)
		profile++;
	if (!profile->name)
		return unknown_profile(name, place, err);
	(void)snprintf(called, sizeof(called), "profile %s", name);
	reader.name = called;
	return read_text(&reader, profile->text, strlen(profile->text), err);
}
