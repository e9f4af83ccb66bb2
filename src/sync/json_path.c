/* Following a parser's events. */
#include "sync/json_path.h"

static void enter(struct json_path *path, struct json_parser *p, struct view key)
{
	text_shorten(&path->text, path->ends[p->depth]);
	if (path->text.length + key.length >= JSON_PATH_MAX) {
		json_skip(p);
		return;
	}
	if (path->text.length)
		text_add_char(&path->text, '.');
	text_add(&path->text, key);
}

void json_path_follow(struct json_path *path, struct json_parser *p, enum json_event event, struct view text)
{
	if (event == JSON_KEY) {
		enter(path, p, text);
		return;
	}
	if (event == JSON_OBJECT_END || event == JSON_ARRAY_END) {
		text_shorten(&path->text, path->ends[p->depth + 1]);
		return;
	}
	if (json_in_array(p) || !p->depth)
		text_shorten(&path->text, path->ends[p->depth]);
	if (event == JSON_OBJECT || event == JSON_ARRAY)
		path->ends[p->depth + 1] = path->text.length;
}

bool json_value_text(enum json_event event, struct view *text)
{
	if (event == JSON_TRUE)
		*text = VIEW("true");
	else if (event == JSON_FALSE)
		*text = VIEW("false");
	return event == JSON_STRING || event == JSON_NUMBER || event == JSON_TRUE || event == JSON_FALSE;
}
