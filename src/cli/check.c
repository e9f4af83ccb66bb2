/* isthmus check: all that is wrong with a Corefile, at once. */
#include "cli/command.h"
#include "cli/flags.h"
#include "server/server.h"
#include <stdlib.h>

enum {
	CHECK_ARENA = 64 * 1024,
	EXIT_BROKEN = 1,
};

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* By file and line, as an editor lists them. */
static int by_place(const void *a, const void *b)
{
	const struct complaint *x = *(const struct complaint *const *)a;
	const struct complaint *y = *(const struct complaint *const *)b;
	int files = strcmp(x->file ? x->file : "", y->file ? y->file : "");
	if (files)
		return files;
	return (x->line > y->line) - (x->line < y->line);
}

static void print_all(const struct complaints *c, FILE *to)
{
	size_t count = 0;
	const struct complaint **list = arena_array(c->arena, c->errors + c->warnings, sizeof(void *));
	for (const struct complaint *found = c->first; found; found = found->next)
		list[count++] = found;
	if (count)
		qsort(list, count, sizeof(void *), by_place);
	for (size_t i = 0; i < count; i++)
		complaint_print(list[i], to);
}

/* The complaints, one a line, and what they come to. */
static int report(const struct complaints *c, const char *path, bool good, bool quiet)
{
	print_all(c, good ? stdout : stderr);
	if (!quiet && good)
		printf("%s: good, %zu warning%s\n", path, c->warnings, plural(c->warnings));
	else if (!quiet)
		fprintf(stderr, "%s: %zu error%s, %zu warning%s\n", path, c->errors,
			plural(c->errors), c->warnings, plural(c->warnings));
	return good ? 0 : EXIT_BROKEN;
}

int check_command(const struct command *self, int argc, char **argv)
{
	struct corefile_source source = { .dns_port = "53" };
	bool quiet = false;
	const struct command_flag list[] = {
		{ "conf", "Corefile to check", "Corefile", &source.path, NULL },
		{ "dns.port", "Default port", "53", &source.dns_port, NULL },
		{ "quiet", "Say nothing when all is well", NULL, NULL, &quiet },
	};
	const struct flags flags = { command_summary(self), list, sizeof list / sizeof list[0],
		NULL };
	int at = 1;
	enum flags_result result = flags_read(&flags, argc, argv, &at);
	if (result == FLAGS_READ && at < argc)
		source.path = argv[at++];
	if (result == FLAGS_READ && at < argc)
		result = flags_wrong(
			&flags, "one Corefile at a time: '%s' is one too many", argv[at]);
	if (result != FLAGS_READ)
		return flags_exit_code(result);

	struct arena *arena = arena_new(CHECK_ARENA);
	struct complaints c;
	complaints_init(&c, arena);
	bool good = server_check(arena, &source, &c);
	int code = report(&c, source.path ? source.path : "Corefile", good, quiet);
	arena_free(arena);
	return code;
}
