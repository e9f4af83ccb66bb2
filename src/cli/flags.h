/* Command-line flags in the form that CoreDNS's users know: -x, --x, -x=value, -x value; the rest
 * begins at the first other word. */
#ifndef ISTHMUS_CLI_FLAGS_H
#define ISTHMUS_CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A flag: with a value that goes to *text, or a switch that sets *on. */
struct command_flag {
	const char *name;
	const char *help;
	const char *fallback; /* shown as the default; NULL: none */
	const char **text;
	bool *on;
};

enum flags_result {
	FLAGS_READ,
	FLAGS_HELP,  /* -h or -help: usage was printed */
	FLAGS_WRONG, /* said why, and usage, on standard error */
};

/* `summary` begins the usage: "Usage of isthmus:". Flags in the order in which usage lists them. */
struct flags {
	const char *summary;
	const struct command_flag *flags;
	size_t count;
	const char *more; /* printed behind the flags; may be NULL */
};

/* Reads flags from argv[*at] on; *at is then the index of the first word behind them. */
enum flags_result flags_read(const struct flags *f, int argc, char **argv, int *at);

/* Says on standard error what is wrong, as for an unknown flag, with usage behind it. Always gives
 * FLAGS_WRONG. */
enum flags_result flags_wrong(const struct flags *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void flags_usage(const struct flags *f, FILE *to);

/* The exit code for a result that is not FLAGS_READ. */
int flags_exit_code(enum flags_result r);

#endif
