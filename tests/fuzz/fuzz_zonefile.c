/* Any text as a master file: each record's rdata fits its type, and its text is the same record. */
#include "fuzz.h"

#include "dns/rdata.h"
#include "dns/rdata_wire.h"
#include "dns/zonefile.h"

enum { RECORDS_MAX = 1000, INCLUDED_MAX = 10 };

/* The included file is the text itself. */
static const char *include(struct zonefile *z, const char *path, struct view *text)
{
	*text = *(const struct view *)z->include_data;
	return z->includes > INCLUDED_MAX || path[0] == '\0' ? "not there" : NULL;
}

static void check(const struct record *r)
{
	struct arena *arena = arena_new(4096);
	struct text printed = { 0 };
	struct record again;
	const char *why;
	struct reader reader = { .base = r->rdata, .end = r->rdata_length };
	MUST(rdata_check(&reader, r->type, r->rdata_length) == 0 && !reader.failed);
	record_print(&printed, r);
	MUST(record_parse(arena, text_view(&printed), &again, &why));
	MUST(name_equal(again.owner, r->owner));
	MUST(again.ttl == r->ttl && again.class == r->class && again.type == r->type);
	MUST(view_equal(record_rdata(&again), record_rdata(r)));
	text_free(&printed);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	struct view text = { (const char *)data, size };
	struct zonefile z;
	struct record r;
	zonefile_open(&z, arena, text, "db", name_from_text(arena, VIEW("example.org.")));
	z.include = include;
	z.include_data = &text;
	for (int i = 0; i < RECORDS_MAX && zonefile_next(&z, &r); i++)
		check(&r);
	arena_free(arena);
	return 0;
}
