/* Any text as a Corefile: read, and reviewed if it is one. Files are not imported. */
#include "fuzz.h"

#include "directives.h"
#include "server/corefile/review.h"

static void check_blocks(const struct corefile *c)
{
	size_t blocks = 0;
	for (const struct server_block *b = c->blocks; b; b = b->next) {
		blocks++;
		MUST(b->key_count >= b->word_count && b->word_count > 0);
		for (size_t i = 0; i < b->key_count; i++)
			MUST(b->keys[i].zone.length > 0 && b->keys[i].text);
		for (const struct directive *d = b->directives; d; d = d->next)
			MUST(d->count > 0 && registry_find(d->words[0].text, NULL));
	}
	MUST(blocks == c->block_count && blocks > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	struct complaints complaints;
	registry_set(directive_names, DIRECTIVES);
	complaints_init(&complaints, arena);
	struct corefile *c = corefile_parse(
		arena, (struct view){ (const char *)data, size }, "Corefile", "53", &complaints);
	MUST((c == NULL) == (complaints.errors > 0));
	if (c) {
		check_blocks(c);
		corefile_review(c, &complaints);
	}
	arena_free(arena);
	return 0;
}
