/* The banner, in CoreDNS's form. */
#include "server/banner.h"

#include "dns/reverse.h"
#include <stdlib.h>
#include <sys/utsname.h>

/* Labels of letters, digits and hyphens that begin with a letter (RFC 1035 2.3.1); reverse zones and the root are not looked at. */
static bool is_preferred_label(struct view label)
{
	for (size_t i = 0; i < label.length; i++) {
		char c = label.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool inner = (c >= '0' && c <= '9') || (c == '-' && i + 1 < label.length);
		if (!letter && (i == 0 || !inner))
			return false;
	}
	return true;
}

static bool is_preferred(struct name zone)
{
	if (name_is_reverse(zone))
		return true;
	for (; !name_is_root(zone); zone = name_parent(zone)) {
		if (!is_preferred_label(name_first_label(zone)))
			return false;
	}
	return true;
}

static void zone_line(const struct endpoint_group *g, const char *zone, bool preferred)
{
	struct text line = { 0 };
	if (!preferred) {
		text_printf(&line, "Warning: Domain \"%s\" does not follow RFC1035 preferred syntax", zone);
		log_bare(text_view(&line));
		text_clear(&line);
	}
	if (g->scheme != SCHEME_DNS)
		text_printf(&line, "%s://", scheme_name(g->scheme));
	text_printf(&line, "%s:%s", zone, g->port);
	if (g->address[0])
		text_printf(&line, " on %s", g->address);
	log_bare(text_view(&line));
	text_free(&line);
}

struct zone_name {
	const char *text;
	bool preferred;
};

static int by_text(const void *a, const void *b)
{
	const struct zone_name *x = a, *y = b;
	return strcmp(x->text, y->text);
}

static void group_lines(const struct endpoint_group *g, struct arena *scratch)
{
	struct zone_name *zones = arena_array(scratch, g->zones.count, sizeof *zones);
	for (size_t i = 0; i < g->zones.count; i++) {
		zones[i].text = name_text(scratch, g->zones.entries[i].name);
		zones[i].preferred = is_preferred(g->zones.entries[i].name);
	}
	qsort(zones, g->zones.count, sizeof *zones, by_text);
	for (unsigned copy = 0; copy < g->copies; copy++) {
		for (size_t i = 0; i < g->zones.count; i++)
			zone_line(g, zones[i].text, zones[i].preferred);
	}
}

void banner_zones(const struct config *config)
{
	struct arena *scratch = arena_new(4096);
	for (const struct endpoint_group *g = config->groups; g; g = g->next)
		group_lines(g, scratch);
	arena_free(scratch);
}

void banner_version(void (*line)(struct view text))
{
	struct utsname system;
	struct text text = { 0 };
	text_printf(&text, "Isthmus-%s", ISTHMUS_VERSION);
	line(text_view(&text));
	text_clear(&text);
	if (uname(&system) == 0)
		text_printf(&text, "linux/%s, ", system.machine);
#ifdef __clang__
	text_printf(&text, "clang %s", __clang_version__);
#else
	text_printf(&text, "gcc %s", __VERSION__);
#endif
	line(text_view(&text));
	text_free(&text);
}
