/* The reader: libyaml's events made into a tree. */
#include "sync/yaml.h"

#include <yaml.h>

struct reading {
	yaml_parser_t parser;
	struct arena *arena;
	const char **why;
	struct yaml *open[YAML_DEPTH_MAX + 1]; /* maps and lists, the outermost first */
	struct yaml **place[YAML_DEPTH_MAX + 1]; /* where the next thing in them goes */
	unsigned depth;
	size_t nodes;
	struct yaml *document;
	struct view key; /* of the value to come; `at` NULL: a key comes */
};

static bool refuse(struct reading *r, const yaml_event_t *event, const char *why)
{
	*r->why = arena_printf(r->arena, "line %zu: %s", event->start_mark.line + 1, why);
	return false;
}

static struct yaml *add(struct reading *r, const yaml_event_t *event, enum yaml_kind kind)
{
	struct yaml *y = arena_new_object(r->arena, struct yaml);
	if (++r->nodes > YAML_NODES_MAX) {
		refuse(r, event, "the document is too large");
		return NULL;
	}
	y->kind = kind;
	if (!r->depth) {
		r->document = y;
		return y;
	}
	y->key = r->key;
	r->key = (struct view){ NULL, 0 };
	*r->place[r->depth] = y;
	r->place[r->depth] = &y->next;
	return y;
}

static bool key_comes(const struct reading *r)
{
	return r->depth && r->open[r->depth]->kind == YAML_MAP && !r->key.at;
}

static bool on_scalar(struct reading *r, const yaml_event_t *event)
{
	struct view text = arena_copy(r->arena,
		(struct view){ (const char *)event->data.scalar.value, event->data.scalar.length });
	if (key_comes(r)) {
		r->key = text;
		if (!r->key.at)
			r->key.at = "";
		return true;
	}
	struct yaml *y = add(r, event, YAML_TEXT);
	if (y)
		y->text = text;
	return y != NULL;
}

static bool on_start(struct reading *r, const yaml_event_t *event, enum yaml_kind kind)
{
	if (key_comes(r))
		return refuse(r, event, "a key that is no text");
	if (r->depth == YAML_DEPTH_MAX)
		return refuse(r, event, "nested too deeply");
	struct yaml *y = add(r, event, kind);
	if (!y)
		return false;
	r->open[++r->depth] = y;
	r->place[r->depth] = &y->first;
	return true;
}

static bool on_event(struct reading *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(r, event);
	case YAML_MAPPING_START_EVENT:
		return on_start(r, event, YAML_MAP);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(r, event, YAML_LIST);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		return true;
	case YAML_ALIAS_EVENT:
		return refuse(r, event, "aliases are not taken");
	case YAML_DOCUMENT_START_EVENT:
		return !r->document || refuse(r, event, "a second document");
	default:
		return true;
	}
}

static bool read_events(struct reading *r)
{
	for (bool done = false; !done;) {
		yaml_event_t event;
		if (!yaml_parser_parse(&r->parser, &event)) {
			*r->why = arena_printf(r->arena, "line %zu: %s", r->parser.problem_mark.line + 1,
				r->parser.problem ? r->parser.problem : "no YAML");
			return false;
		}
		bool fine = on_event(r, &event);
		done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (!fine)
			return false;
	}
	return true;
}

static const struct yaml *read_document(struct arena *arena, struct view text, const char **why)
{
	static const struct yaml nothing = { .kind = YAML_MAP };
	struct reading r = { .arena = arena, .why = why };
	if (!yaml_parser_initialize(&r.parser)) {
		*why = "out of memory";
		return NULL;
	}
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.at, text.length);
	bool fine = read_events(&r);
	yaml_parser_delete(&r.parser);
	if (!fine)
		return NULL;
	return r.document ? r.document : &nothing;
}

extern const struct yaml_engine isthmus_yaml_engine;

__attribute__((visibility("default"))) const struct yaml_engine isthmus_yaml_engine = {
	.read = read_document,
};
