/* Paths of a JSON text, and the values that stand there. */
#include "sync/json_fields.h"

struct reading {
	const struct json_fields *fields;
	struct text path;
	size_t ends[JSON_DEPTH_MAX + 1]; /* of the path of what is open, by depth */
	bool closed;                     /* the object is over */
};

static void take(const struct json_fields *f, struct view path, struct view value)
{
	for (struct json_field *w = f->wanted; w->path; w++) {
		if (view_is(path, w->path)) {
			if (!w->value.at)
				w->value = view_of(arena_string(f->arena, value));
			return;
		}
	}
	if (f->other)
		f->other(f->owner, path, value);
}

static bool enter_key(struct reading *r, struct json_parser *p, struct view key)
{
	text_shorten(&r->path, r->ends[p->depth]);
	if (r->path.length + key.length >= JSON_PATH_MAX) {
		json_skip(p);
		return true;
	}
	if (r->path.length)
		text_add_char(&r->path, '.');
	text_add(&r->path, key);
	return true;
}

static bool on_event(struct json_parser *p, enum json_event event, struct view text)
{
	struct reading *r = p->owner;
	if (r->closed || (p->depth == 0 && event != JSON_OBJECT && event != JSON_OBJECT_END))
		return false;
	if (json_in_array(p))
		text_shorten(&r->path, r->ends[p->depth]);
	switch (event) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		r->ends[p->depth + 1] = r->path.length;
		return true;
	case JSON_OBJECT_END:
	case JSON_ARRAY_END:
		r->closed = p->depth == 0;
		return true;
	case JSON_KEY:
		return enter_key(r, p, text);
	case JSON_NULL:
		return true;
	case JSON_TRUE:
		text = VIEW("true");
		break;
	case JSON_FALSE:
		text = VIEW("false");
		break;
	case JSON_STRING:
	case JSON_NUMBER:
		break;
	}
	take(r->fields, text_view(&r->path), text);
	return true;
}

bool json_fields_read(const struct json_fields *f, struct view text, const char **why)
{
	struct reading r = { .fields = f };
	struct json_parser p;
	json_begin(&p, on_event, &r);
	bool fed = json_feed(&p, text), whole = fed && json_complete(&p) && r.closed;
	json_end(&p);
	text_free(&r.path);
	if (!whole)
		*why = fed ? "unexpected end of JSON input" : "it is not a JSON object";
	return whole;
}
