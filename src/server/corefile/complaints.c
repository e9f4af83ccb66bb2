/* Errors and warnings of a Corefile, in the order in which they are found. */
#include "server/corefile.h"

void complaints_init(struct complaints *c, struct arena *arena)
{
	*c = (struct complaints){ .arena = arena };
	c->last = &c->first;
}

void complain(struct complaints *c, bool warning, const char *file, unsigned line,
	const char *format, ...)
{
	struct complaint *new = arena_new_object(c->arena, struct complaint);
	va_list args;
	va_start(args, format);
	*new = (struct complaint){ .file = file,
		.line = line,
		.warning = warning,
		.text = arena_vprintf(c->arena, format, args) };
	va_end(args);
	*c->last = new;
	c->last = &new->next;
	if (warning)
		c->warnings++;
	else
		c->errors++;
}

bool complaint_has_place(const struct complaint *c)
{
	char place[32];
	if (!c->file || !c->line)
		return true;
	snprintf(place, sizeof place, ":%u - ", c->line);
	return strstr(c->text, c->file) && strstr(c->text, place);
}

void complaint_print(const struct complaint *c, FILE *to)
{
	if (!complaint_has_place(c))
		fprintf(to, "%s:%u: ", c->file, c->line);
	fprintf(to, "%s%s\n", c->warning ? "warning: " : "", c->text);
}
