/*
 * Some fields of a JSON text, each by its path: for credential files and the short answers of services, of which little is
 * wanted. Nothing else of the text is kept.
 */
#ifndef ISTHMUS_SYNC_JSON_FIELDS_H
#define ISTHMUS_SYNC_JSON_FIELDS_H

#include "base/arena.h"
#include "sync/json_path.h"

/* Of several values with one path the first counts. */
struct json_field {
	const char *path;  /* see json_path.h */
	struct view value; /* what a text, number, true or false says, in the arena; empty if there is none */
};

/* Ended by a field without a path. */
struct json_fields {
	struct json_field *wanted;
	struct arena *arena;
	/* Told of values that no field is for; may be NULL. */
	void (*other)(void *owner, struct view path, struct view value);
	void *owner;
};

/* Reads a text that is one object. False, with *why in words of Go's decoder where there are any, if it is anything else. */
bool json_fields_read(const struct json_fields *f, struct view text, const char **why);

#endif
