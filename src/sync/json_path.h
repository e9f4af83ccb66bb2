/* Where in a JSON text an event stands: for readers that look for values by their path. */
#ifndef ISTHMUS_SYNC_JSON_PATH_H
#define ISTHMUS_SYNC_JSON_PATH_H

#include "sync/json.h"

enum { JSON_PATH_MAX = 512 }; /* what lies deeper is passed over */

/*
 * A path is the keys that lead to a value, a dot between: "error.message". Elements of an array have the path of the array.
 * Starts zeroed; `text` is freed by its owner.
 */
struct json_path {
	struct text text; /* of what the last event was about; at an end, of what has ended */
	size_t ends[JSON_DEPTH_MAX + 1]; /* its length for what is open, by depth */
};

/* To be called first by a handler, with every event. At a key whose path is too long the value is skipped. */
void json_path_follow(struct json_path *path, struct json_parser *p, enum json_event event, struct view text);

/* A value as its text: of a string, a number, true or false. False for what has none. */
bool json_value_text(enum json_event event, struct view *text);

#endif
