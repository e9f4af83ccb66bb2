/* Any octets as rdata of any type (the first two octets): printing what is well formed and reading
 * it gives it again. */
#include "fuzz.h"

#include "dns/rdata.h"
#include "dns/rdata_wire.h"
#include "dns/zonefile.h"

static void count(struct name n, void *data)
{
	MUST(n.length > 0 && n.length <= NAME_OCTETS_MAX);
	++*(unsigned *)data;
}

static bool is_well_formed(uint16_t type, struct view rdata)
{
	struct reader r = { .base = (const uint8_t *)rdata.at, .end = rdata.length };
	return rdata_check(&r, type, (uint16_t)rdata.length) == 0 && !r.failed;
}

/* Texts of service parameters are stricter than their octets: what is mandatory must be there. */
static bool has_strict_text(uint16_t type)
{
	return type == TYPE_SVCB || type == TYPE_HTTPS;
}

static void check(struct arena *arena, uint16_t type, struct view rdata)
{
	struct text text = { 0 };
	struct record r;
	const char *why;
	char mnemonic[MNEMONIC_MAX];
	text_printf(&text, ". 1 IN %s ", type_print(type, mnemonic));
	rdata_print(&text, type, rdata);
	bool meta = type == TYPE_OPT || (type >= 128 && type <= 255 && !rdata_fields(type));
	bool read = record_parse(arena, text_view(&text), &r, &why);
	MUST(read || meta || has_strict_text(type));
	if (read)
		MUST(view_equal(record_rdata(&r), rdata));
	text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size - 2 > UINT16_MAX)
		return 0;
	struct arena *arena = arena_new(4096);
	uint16_t type = (uint16_t)(data[0] << 8 | data[1]);
	struct view rdata = { (const char *)data + 2, size - 2 };
	unsigned names = 0;
	rdata_names(type, rdata, count, &names);
	struct name last;
	MUST(!rdata_name(type, rdata, names, &last));
	MUST(rdata_canonical(arena, type, rdata).length == rdata.length);
	struct text printed = { 0 };
	rdata_print(&printed, type, rdata);
	text_free(&printed);
	if (is_well_formed(type, rdata))
		check(arena, type, rdata);
	arena_free(arena);
	return 0;
}
