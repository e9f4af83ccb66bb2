/* Any text as a template: compiled, and run if it is one; its source as printed must be a template
 * that writes the same, but where a text ends with '{': Go's way to print has no sign between that and an action. */
#include "fuzz.h"

#include "plugins/template/data.h"
#include "plugins/template/gotemplate.h"

static struct template_data *data_new(struct arena *arena)
{
	struct query *q = arena_new_object(arena, struct query);
	struct template_data *d = arena_new_object(arena, struct template_data);
	static struct value match[2], groups[4];
	match[0] = value_text(VIEW("web-12.example.org."));
	match[1] = value_text(VIEW("12"));
	groups[0] = value_text(VIEW("1"));
	groups[1] = match[1];
	groups[2] = value_text(VIEW("host"));
	groups[3] = match[1];
	q->arena = arena;
	q->request.has_question = true;
	endpoint_parse(VIEW("192.0.2.7:5353"), 0, &q->client);
	query_set_question(q, name_from_text(arena, match[0].text), TYPE_A, CLASS_IN);
	metadata_set(q, "view/name", VIEW("inside"));
	*d = (struct template_data){ .query = q,
		.name = match[0].text,
		.zone = VIEW("example.org."),
		.regex = VIEW(".*"),
		.class = "IN",
		.type = "A",
		.match = value_array(match, 2),
		.group = value_map(groups, 2),
		.variables = value_map(groups, 1) };
	return d;
}

/* Whether it ran; what it has written is added to `to`. */
static bool run(struct arena *arena, const struct gotemplate *t, struct arena_text *to)
{
	const char *why = NULL;
	*to = (struct arena_text){ .arena = arena, .limit = GOTEMPLATE_TEXT_MAX };
	bool done = gotemplate_run(t, arena, template_data_value(data_new(arena)), to, &why);
	MUST(done || (why && *why));
	MUST(to->length <= GOTEMPLATE_TEXT_MAX && arena_size(arena) < 256u << 20);
	return done;
}

static bool is_ambiguous(struct view source)
{
	return source.length >= 3 && memmem(source.at, source.length, "{{{", 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	struct arena_text written, again;
	const char *why = NULL;
	struct gotemplate *t = gotemplate_compile(
		arena, "answer", (struct view){ (const char *)data, size }, &why);
	MUST(t || (why && *why));
	if (t && run(arena, t, &written) && !is_ambiguous(gotemplate_source(t))) {
		struct gotemplate *printed =
			gotemplate_compile(arena, "answer", gotemplate_source(t), &why);
		MUST(printed && run(arena, printed, &again));
		MUST(view_equal(arena_text_view(&written), arena_text_view(&again)));
	}
	arena_free(arena);
	return 0;
}
