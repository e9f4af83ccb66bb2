/* The program: flags as CoreDNS has them, and commands. */
#include "base/hash.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "plugins/order.h"
#include "server/banner.h"
#include "server/nearest.h"
#include "server/supervisor.h"
#include <stdlib.h>
#include <time.h>

enum {
	EXIT_WORDS_LEFT = 1,
	WORKERS_MAX = 1024,
	USAGE_MAX = 1024,
};

static const struct command commands[] = {
	{ "check", "[-dns.port N] [Corefile]",
		"say all that is wrong with a Corefile, open nothing", check_command },
	{ "explain", "[-from ADDRESS] [-at LISTENER] [-tcp] [-do] Corefile|SOCKET NAME [TYPE]",
		"say what happens to a query, and why: from a Corefile, or by the admin socket of a running server",
		explain_command },
	{ "fmt", "[-w] [-d] [Corefile]", "print a Corefile in the canonical layout", fmt_command },
	{ "plugins", "[-markdown] [NAME]", "list plugins, or explain one and its options",
		plugins_command },
	{ "version", "", "print the version", version_command },
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

const char *command_summary(const struct command *self)
{
	static char text[USAGE_MAX];
	snprintf(text, sizeof text, "Usage: isthmus %s %s\n%s", self->name, self->arguments,
		self->help);
	return text;
}

static void print_line(struct view line)
{
	printf("%.*s\n", VIEW_ARGS(line));
}

void version_print(void)
{
	banner_version(print_line);
}

int version_command(const struct command *self, int argc, char **argv)
{
	(void)self, (void)argc, (void)argv;
	version_print();
	return 0;
}

static const char *commands_text(void)
{
	static char text[USAGE_MAX];
	size_t n = (size_t)snprintf(text, sizeof text, "Commands:\n");
	for (size_t i = 0; i < COMMANDS && n < sizeof text; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "  %s %s\n    \t%s\n",
			commands[i].name, commands[i].arguments, commands[i].help);
	return text;
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* Words that no flag took, as CoreDNS says it: with a time stamp, in the local time. */
static int words_left(int argc, char **argv)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm local;
	strftime(stamp, sizeof stamp, "%Y/%m/%d %H:%M:%S", localtime_r(&now, &local));
	fprintf(stderr, "%s extra command line arguments: [", stamp);
	for (int i = 0; i < argc; i++)
		fprintf(stderr, "%s%s", i ? " " : "", argv[i]);
	fputs("]\n", stderr);
	struct nearest n = nearest_begin(view_of(argv[0]));
	for (size_t i = 0; i < COMMANDS; i++)
		nearest_try(&n, commands[i].name);
	if (n.best)
		fprintf(stderr, "did you mean the command '%s'?\n", n.best);
	return EXIT_WORDS_LEFT;
}

/* What the flags say. */
struct request {
	struct server_options options;
	const char *workers;
	bool plugins, version, no_sandbox;
};

static bool read_workers(struct request *r)
{
	uint64_t n;
	if (!r->workers)
		return true;
	if (!view_unsigned(view_of(r->workers), WORKERS_MAX, &n) || n == 0)
		return false;
	r->options.workers = (unsigned)n;
	return true;
}

static int serve(const struct flags *flags, struct request *r)
{
	if (!read_workers(r)) {
		flags_wrong(flags,
			"invalid value \"%s\" for flag -workers: a number from 1 to %d is expected",
			r->workers, WORKERS_MAX);
		return flags_exit_code(FLAGS_WRONG);
	}
	if (r->version)
		version_print();
	else if (r->plugins)
		plugins_print_names();
	else
		return supervisor_run(&r->options);
	return 0;
}

int main(int argc, char **argv)
{
	struct request r = { .options.source.dns_port = "53" };
	struct server_options *o = &r.options;
	char summary[USAGE_MAX];
	snprintf(summary, sizeof summary, "Usage of %s:", argv[0]);
	const struct command_flag list[] = {
		{ "admin", "Path of the socket by which `explain` asks the running server", NULL, &o->admin, NULL },
		{ "conf", "Corefile to load", "Corefile", &o->source.path, NULL },
		{ "dns.port", "Default port", "53", &o->source.dns_port, NULL },
		{ "no-sandbox", "Run without the system call filter and without file restrictions",
			NULL, NULL, &r.no_sandbox },
		{ "p", "Default port", "53", &o->source.dns_port, NULL },
		{ "pidfile", "Path to write pid file", NULL, &o->pidfile, NULL },
		{ "plugins", "List installed plugins", NULL, NULL, &r.plugins },
		{ "quiet", "Quiet mode (no initialization output)", NULL, NULL, &o->quiet },
		{ "single", "Run in one process, without the supervisor", NULL, NULL, &o->single },
		{ "user", "Whom the server runs as when it is started as root", NULL, &o->user, NULL },
		{ "version", "Show version", NULL, NULL, &r.version },
		{ "workers", "How many threads answer (default one for each CPU)", NULL, &r.workers,
			NULL },
	};
	const struct flags flags = { summary, list, sizeof list / sizeof list[0], commands_text() };

	hash_init();
	registry_set(plugin_order, plugin_order_count);
	const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;
	if (command)
		return command->run(command, argc - 1, argv + 1);
	int at = 1;
	enum flags_result result = flags_read(&flags, argc, argv, &at);
	if (result != FLAGS_READ)
		return flags_exit_code(result);
	if (at < argc)
		return words_left(argc - at, argv + at);
	o->sandbox = !r.no_sandbox;
	return serve(&flags, &r);
}
