/* The process that runs commands, and what the server says to it. */
#include "server/hooks.h"

#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "net/loop.h"
#include "server/supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 1024, BUSY_NAP_MS = 10 };

/* --- command lines --- */

/* Reads words off a line; each is collected in `word`. */
struct splitter {
	struct view rest;
	struct text word;
	const char *why;
};

static int peek(const struct splitter *s)
{
	return s->rest.length ? (unsigned char)s->rest.at[0] : -1;
}

static int take(struct splitter *s)
{
	int c = peek(s);
	if (c >= 0)
		s->rest = view_skip(s->rest, 1);
	return c;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What a backslash protects. */
static bool take_escaped(struct splitter *s)
{
	int c = take(s);
	if (c < 0) {
		s->why = "EOF found after escape character";
		return false;
	}
	text_add_char(&s->word, (char)c);
	return true;
}

/* Up to the closing quote; within double quotes a backslash protects the next character. */
static bool take_quoted(struct splitter *s, int quote)
{
	for (int c; (c = take(s)) != quote;) {
		if (c < 0) {
			s->why = "EOF found when expecting closing quote";
			return false;
		}
		if (c == '\\' && quote == '"') {
			if (!take_escaped(s))
				return false;
		} else {
			text_add_char(&s->word, (char)c);
		}
	}
	return true;
}

static void skip_to_word(struct splitter *s)
{
	bool comment = false;
	for (int c; (c = peek(s)) >= 0 && (comment || is_blank(c) || c == '#'); take(s))
		comment = (comment || c == '#') && c != '\n';
}

/* The next word into s->word; false at the end and on an error. */
static bool take_word(struct splitter *s)
{
	text_clear(&s->word);
	skip_to_word(s);
	if (!s->rest.length)
		return false;
	while (s->rest.length && !is_blank(peek(s))) {
		int c = take(s);
		if (c == '\\') {
			if (!take_escaped(s))
				return false;
		} else if (c == '"' || c == '\'') {
			if (!take_quoted(s, c))
				return false;
		} else {
			text_add_char(&s->word, (char)c);
		}
	}
	return true;
}

static void id_make(char id[static HOOK_ID_MAX])
{
	uint8_t r[16];
	random_fill(r, sizeof r);
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	snprintf(id, HOOK_ID_MAX,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
		r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14],
		r[15]);
}

static const char *join(struct arena *a, const struct hook *h)
{
	struct text joined = { 0 };
	for (size_t i = 0; i < h->argc; i++)
		text_printf(&joined, "%s%s", i ? " " : "", h->argv[i]);
	const char *text = arena_string(a, text_view(&joined));
	text_free(&joined);
	return text;
}

bool hook_parse(struct arena *a, struct view line, struct hook *h, const char **why)
{
	struct splitter s = { .rest = line };
	const char **argv = arena_array(a, WORDS_MAX + 1, sizeof *argv);
	size_t count = 0;
	if (line.length > HOOK_SIZE_MAX - 1)
		s.why = "the command is too long";
	while (!s.why && take_word(&s)) {
		if (count == WORDS_MAX)
			s.why = "too many words";
		else
			argv[count++] = arena_string(a, text_view(&s.word));
	}
	text_free(&s.word);
	*why = s.why;
	if (s.why)
		return false;
	*h = (struct hook){ .argv = argv, .argc = count };
	h->text = join(a, h);
	id_make(h->id);
	return true;
}

/* --- the process: nothing here may allocate, a fork of a thread must do without --- */

/* A request is a flag (wait or not) and the words, each with a NUL behind it; the answer is one of
 * these. */
struct outcome {
	int error;  /* of starting it; 0: it ran */
	int status; /* as waitpid() gives it */
};

static void spawn_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(attributes);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static struct outcome execute(char *const argv[], bool wait)
{
	extern char **environ;
	struct outcome o = { 0 };
	posix_spawnattr_t attributes;
	pid_t pid;
	spawn_attributes(&attributes);
	o.error = posix_spawnp(&pid, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (o.error || !wait)
		return o;
	while (waitpid(pid, &o.status, 0) < 0) {
		if (errno != EINTR) {
			o.error = errno;
			break;
		}
	}
	return o;
}

static _Noreturn void run_requests(int fd)
{
	static char request[HOOK_SIZE_MAX + 1];
	static char *argv[WORDS_MAX + 1];
	for (;;) {
		ssize_t length = read(fd, request, sizeof request - 1);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 2)
			_exit(0);
		request[length] = 0;
		size_t count = 0;
		for (char *word = request + 1; word < request + length && count < WORDS_MAX;
			word += strlen(word) + 1)
			argv[count++] = word;
		argv[count] = NULL;
		struct outcome o = execute(argv, request[0] != 0);
		if (write(fd, &o, sizeof o) != sizeof o)
			_exit(1);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			; /* commands that nobody waited for */
	}
}

_Noreturn void hooks_serve(int fd)
{
	const int own = 3;
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN); /* it ends when the server closes its socket, after the last command */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	if (fd != own && dup2(fd, own) < 0)
		_exit(1);
	fcntl(own, F_SETFD, FD_CLOEXEC);
	close_range(own + 1, ~0u, 0);
	prctl(PR_SET_NAME, "isthmus-hooks");
	run_requests(own);
}

/* --- the server's side: control thread --- */

static int runner = -1; /* the socket to the process */
static bool busy;	/* a fiber waits for its answer */

/* The process as a child of this one; -1 with errno set. */
static int fork_runner(void)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		hooks_serve(pair[1]);
	close(pair[1]);
	if (pid > 0)
		return pair[0];
	close(pair[0]);
	return -1;
}

void hooks_begin(void)
{
	if (runner < 0)
		runner = supervised_hooks();
	if (runner < 0)
		runner = fork_runner();
	if (runner < 0)
		log_error("commands cannot be run: %s", strerror(errno));
}

static struct outcome runner_lost(void)
{
	struct outcome o = { .error = errno ? errno : EPIPE };
	close(runner);
	runner = -1;
	return o;
}

static struct outcome ask_runner(const struct hook *h)
{
	static char
		request[HOOK_SIZE_MAX]; /* too much for a fiber's stack; there is one at a time */
	size_t length = 0;
	struct outcome o;
	request[length++] = (char)h->wait;
	for (size_t i = 0; i < h->argc; i++) {
		size_t size = strlen(h->argv[i]) + 1;
		if (size > sizeof request - length)
			return (struct outcome){ .error = E2BIG };
		memcpy(request + length, h->argv[i], size);
		length += size;
	}
	if (send(runner, request, length, MSG_NOSIGNAL) < 0)
		return runner_lost();
	if (wait_readable(runner, 0) != WAIT_READY)
		return (struct outcome){ .error = ECANCELED };
	errno = 0;
	if (read(runner, &o, sizeof o) != sizeof o)
		return runner_lost();
	return o;
}

/* How a command failed, in the words that CoreDNS's runtime has for it; NULL if it did not. */
static const char *failure(const struct hook *h, struct outcome o, char *text, size_t size)
{
	if (o.error == ENOENT)
		snprintf(
			text, size, "exec: \"%s\": executable file not found in $PATH", h->argv[0]);
	else if (o.error)
		snprintf(text, size, "exec: \"%s\": %s", h->argv[0], error_text(o.error));
	else if (WIFSIGNALED(o.status))
		snprintf(text, size, "signal: %s", strsignal(WTERMSIG(o.status)));
	else if (WEXITSTATUS(o.status))
		snprintf(text, size, "exit status %d", WEXITSTATUS(o.status));
	else
		return NULL;
	return text;
}

void hook_run(const struct hook *h)
{
	char text[512], line[640];
	log_info("%s Command \"%s\" with ID %s", h->wait ? "Blocking" : "Nonblocking", h->text,
		h->id);
	while (busy) {
		if (fiber_sleep(BUSY_NAP_MS * NS_PER_MS) == WAIT_STOPPED)
			return;
	}
	hooks_begin();
	if (runner < 0)
		return;
	busy = true;
	struct outcome o = ask_runner(h);
	busy = false;
	if (failure(h, o, text, sizeof text)) {
		int length = snprintf(line, sizeof line, "error on 'on-%s' hook: %s", h->id, text);
		log_bare((struct view){ line, (size_t)length });
	}
}
