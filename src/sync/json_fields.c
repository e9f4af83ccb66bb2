/* Values that stand at some paths. */
#include "sync/json_fields.h"

struct reading {
	const struct json_fields *fields;
	struct json_path path;
	bool closed; /* the object is over */
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

static bool on_event(struct json_parser *p, enum json_event event, struct view text)
{
	struct reading *r = p->owner;
	if (!p->depth && (r->closed || (event != JSON_OBJECT && event != JSON_OBJECT_END)))
		return false;
	json_path_follow(&r->path, p, event, text);
	if (json_value_text(event, &text))
		take(r->fields, text_view(&r->path.text), text);
	r->closed = !p->depth && event == JSON_OBJECT_END;
	return true;
}

bool json_fields_read(const struct json_fields *f, struct view text, const char **why)
{
	struct reading r = { .fields = f };
	struct json_parser p;
	json_begin(&p, on_event, &r);
	bool fed = json_feed(&p, text), whole = fed && json_complete(&p) && r.closed;
	json_end(&p);
	text_free(&r.path.text);
	if (!whole)
		*why = fed ? "unexpected end of JSON input" : "it is not a JSON object";
	return whole;
}
