/* Octets in the log, for looking at messages that went wrong. */
#include "base/log.h"
#include "base/text.h"

enum { OCTETS_A_LINE = 16, OCTETS_MAX = 8000 };

static void add_dump(struct text *t, struct view octets)
{
	size_t count = octets.length < OCTETS_MAX ? octets.length : OCTETS_MAX;
	for (size_t i = 0; i < count; i++) {
		if (i % OCTETS_A_LINE == 0)
			text_printf(t, "\ndebug: %06zx", i);
		text_printf(t, " %02x", (unsigned char)octets.at[i]);
	}
	text_printf(t, "\ndebug: %06zx", count);
}

void log_octets(struct view octets, const char *format, ...)
{
	struct text t = { 0 };
	va_list args;
	if (!log_debug_on())
		return;
	va_start(args, format);
	text_vprintf(&t, format, args);
	va_end(args);
	add_dump(&t, octets);
	log_line(LOG_DEBUG, NULL, "%s", t.at);
	text_free(&t);
}
