/* isthmus explain: what happens to a query, and why. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "server/admin_socket.h"
#include "server/server.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	WORDS = 3, /* where to ask, name, type */
	EXIT_FAILED = 1,
	CHUNK = 4096,
};

/* What the command line asks, and of whom. */
struct asking {
	const char *words[WORDS];
	int word_count;
	const char *from, *at, *port;
	bool tcp, dnssec;
};

/* --- the command line --- */

/* Flags may stand before, between and behind the words. */
static enum flags_result read_words(
	const struct flags *flags, int argc, char **argv, struct asking *a)
{
	int at = 1;
	enum flags_result result;
	while ((result = flags_read(flags, argc, argv, &at)) == FLAGS_READ && at < argc) {
		if (a->word_count == WORDS)
			return flags_wrong(
				flags, "one name at a time: '%s' is one too many", argv[at]);
		a->words[a->word_count++] = argv[at++];
	}
	if (result == FLAGS_READ && a->word_count < 2)
		return flags_wrong(
			flags, "a Corefile (or the socket of a server) and a name are expected");
	return result;
}

static void write_question(const struct asking *a, struct text *to)
{
	text_printf(to, "%s", a->words[1]);
	if (a->word_count == WORDS)
		text_printf(to, " %s", a->words[2]);
	if (a->from)
		text_printf(to, " from=%s", a->from);
	if (a->at)
		text_printf(to, " at=%s", a->at);
	text_printf(to, "%s%s", a->tcp ? " tcp" : "", a->dnssec ? " do" : "");
}

/* --- a running server --- */

static bool is_socket(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

static int connect_to(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	int fd = -1;
	if (length >= sizeof at.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(at.sun_path, path, length + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool send_all(int fd, struct view octets)
{
	while (octets.length > 0) {
		ssize_t n = send(fd, octets.at, octets.length, MSG_NOSIGNAL);
		if (n < 0)
			return false;
		octets = view_skip(octets, (size_t)n);
	}
	return true;
}

static bool receive_all(int fd, struct text *to)
{
	char octets[CHUNK];
	ssize_t n;
	while ((n = recv(fd, octets, sizeof octets, 0)) > 0)
		text_add(to, (struct view){ octets, (size_t)n });
	return n == 0;
}

/* What came back goes to standard output; an error, to the other. */
static int show(const struct text *reply)
{
	struct view all = text_view(reply);
	bool failed = !all.length || view_starts(all, VIEW(ADMIN_SOCKET_ERROR));
	fprintf(failed ? stderr : stdout, "%.*s", VIEW_ARGS(all));
	if (!all.length)
		fprintf(stderr, "the server closed the socket without an answer\n");
	return failed ? EXIT_FAILED : 0;
}

static int ask_server(const char *path, const struct text *question)
{
	struct text line = { 0 }, reply = { 0 };
	int code = EXIT_FAILED;
	int fd = connect_to(path);
	text_printf(&line, "explain %s\n", question->at);
	if (fd >= 0 && send_all(fd, text_view(&line)) && receive_all(fd, &reply))
		code = show(&reply);
	else
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	text_free(&line);
	text_free(&reply);
	return code;
}

/* --- the command --- */

static int ask(const struct asking *a)
{
	struct text question = { 0 };
	write_question(a, &question);
	struct server_options options = { .source = { .path = a->words[0], .dns_port = a->port },
		.quiet = true,
		.single = true };
	int code = is_socket(a->words[0]) ? ask_server(a->words[0], &question)
					  : server_explain(&options, question.at);
	text_free(&question);
	return code;
}

int explain_command(const struct command *self, int argc, char **argv)
{
	struct asking a = { .port = "53" };
	const struct command_flag list[] = {
		{ "at", "The listener that gets the query, as \"dns://:53\" or \":53\"",
			"each that has a block for the name", &a.at, NULL },
		{ "dns.port", "Default port", "53", &a.port, NULL },
		{ "do", "The client asks for DNSSEC", NULL, NULL, &a.dnssec },
		{ "from", "The client's address", "127.0.0.1", &a.from, NULL },
		{ "tcp", "The query comes over TCP", NULL, NULL, &a.tcp },
	};
	const struct flags flags = { command_summary(self), list, sizeof list / sizeof list[0],
		NULL };
	enum flags_result result = read_words(&flags, argc, argv, &a);
	return result == FLAGS_READ ? ask(&a) : flags_exit_code(result);
}
