/* Any text in the layout of `isthmus fmt`: what is laid out stays so, and a Corefile keeps its
 * meaning. */
#include "fuzz.h"

#include "cli/format.h"
#include "directives.h"

static struct corefile *parse(struct arena *arena, struct view text)
{
	struct complaints complaints;
	complaints_init(&complaints, arena);
	return corefile_parse(arena, text, "Corefile", "53", &complaints);
}

static bool is_brace(const struct word *w)
{
	return !w->quoted && (view_is(w->text, "{") || view_is(w->text, "}"));
}

/* Lines may only begin anew behind a '{' and before a '}'. */
static void same_words(const struct directive *a, const struct directive *b)
{
	MUST(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		MUST(view_equal(a->words[i].text, b->words[i].text));
		if (i && a->words[i].first != b->words[i].first)
			MUST(is_brace(&a->words[i]) || is_brace(&a->words[i - 1]));
	}
}

static void same_meaning(const struct corefile *a, const struct corefile *b)
{
	MUST(b && a->block_count == b->block_count);
	const struct server_block *y = b->blocks;
	for (const struct server_block *x = a->blocks; x; x = x->next, y = y->next) {
		const struct directive *e = y->directives;
		MUST(x->key_count == y->key_count);
		for (size_t i = 0; i < x->key_count; i++)
			MUST(strcmp(x->keys[i].text, y->keys[i].text) == 0);
		for (const struct directive *d = x->directives; d; d = d->next, e = e->next) {
			MUST(e);
			same_words(d, e);
		}
		MUST(!e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	struct complaints complaints;
	struct text once = { 0 }, twice = { 0 };
	struct view source = { (const char *)data, size };
	registry_set(directive_names, DIRECTIVES);
	complaints_init(&complaints, arena);
	if (corefile_format(source, "Corefile", &once, &complaints)) {
		MUST(corefile_format(text_view(&once), "Corefile", &twice, &complaints));
		MUST(view_equal(text_view(&once), text_view(&twice)));
		struct corefile *c = parse(arena, source);
		if (c)
			same_meaning(c, parse(arena, text_view(&once)));
	}
	text_free(&once);
	text_free(&twice);
	arena_free(arena);
	return 0;
}
