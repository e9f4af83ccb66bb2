/* Flags. */
#include "cli/flags.h"

#include "server/nearest.h"
#include <stdarg.h>

enum { EXIT_USAGE = 2 };

void flags_usage(const struct flags *f, FILE *to)
{
	fprintf(to, "%s\n", f->summary);
	for (size_t i = 0; i < f->count; i++) {
		const struct command_flag *flag = &f->flags[i];
		fprintf(to, "  -%s%s\n    \t%s", flag->name, flag->on ? "" : " string", flag->help);
		if (flag->fallback)
			fprintf(to, " (default \"%s\")", flag->fallback);
		fputc('\n', to);
	}
	if (f->more)
		fputs(f->more, to);
}

int flags_exit_code(enum flags_result r)
{
	return r == FLAGS_WRONG ? EXIT_USAGE : 0;
}

enum flags_result flags_wrong(const struct flags *f, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	flags_usage(f, stderr);
	return FLAGS_WRONG;
}

static const struct command_flag *flag_find(const struct flags *f, struct view name)
{
	for (size_t i = 0; i < f->count; i++) {
		if (view_is(name, f->flags[i].name))
			return &f->flags[i];
	}
	return NULL;
}

static enum flags_result unknown(const struct flags *f, struct view name)
{
	struct nearest n = nearest_begin(name);
	for (size_t i = 0; i < f->count; i++)
		nearest_try(&n, f->flags[i].name);
	return flags_wrong(f, "flag provided but not defined: -%.*s%s%s%s", VIEW_ARGS(name),
		n.best ? " (did you mean -" : "", n.best ? n.best : "", n.best ? "?)" : "");
}

/* Whether the text says yes or no, in the words that CoreDNS takes. */
static bool read_switch(const char *text, bool *on)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		bool is_yes = strcmp(text, yes[i]) == 0;
		if (is_yes || strcmp(text, no[i]) == 0) {
			*on = is_yes;
			return true;
		}
	}
	return false;
}

/* A word that begins with a hyphen, hyphens taken off: "name" or "name=value". */
static enum flags_result read_flag(
	const struct flags *f, const char *word, int argc, char **argv, int *at)
{
	struct view name = view_of(word);
	name.length = view_find(name, '=');
	const char *value = word[name.length] ? word + name.length + 1 : NULL;
	const struct command_flag *flag = flag_find(f, name);
	if (!flag && (view_is(name, "h") || view_is(name, "help"))) {
		flags_usage(f, stderr);
		return FLAGS_HELP;
	}
	if (!flag)
		return unknown(f, name);
	if (flag->on) {
		*flag->on = true;
		if (value && !read_switch(value, flag->on))
			return flags_wrong(f, "invalid boolean value \"%s\" for -%s: parse error",
				value, flag->name);
		return FLAGS_READ;
	}
	if (!value && *at == argc)
		return flags_wrong(f, "flag needs an argument: -%s", flag->name);
	*flag->text = value ? value : argv[(*at)++];
	return FLAGS_READ;
}

enum flags_result flags_read(const struct flags *f, int argc, char **argv, int *at)
{
	while (*at < argc) {
		const char *word = argv[*at];
		if (word[0] != '-' || word[1] == 0)
			return FLAGS_READ;
		++*at;
		word += word[1] == '-' ? 2 : 1;
		if (word[0] == 0)
			return FLAGS_READ;
		if (word[0] == '-' || word[0] == '=')
			return flags_wrong(f, "bad flag syntax: %s", argv[*at - 1]);
		enum flags_result r = read_flag(f, word, argc, argv, at);
		if (r != FLAGS_READ)
			return r;
	}
	return FLAGS_READ;
}
