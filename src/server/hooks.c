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
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 1024, VARIABLES_MAX = 1024, BUSY_NAP_MS = 10, TIMEOUT_MAX_MS = 3600 * 1000 };

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

enum request_kind {
	REQUEST_RUN,
	REQUEST_RUN_AND_WAIT,
	REQUEST_OUTPUT,
};

/* What goes over the socket: this, then the words and variables, each with a NUL behind it. */
struct request_head {
	enum request_kind kind;
	unsigned words, timeout_ms;
};

/* And the answer: this, then the output. */
struct outcome {
	int error;  /* of running it; 0: it ran */
	int status; /* as waitpid() gives it */
	unsigned length;
};

static char *argv[WORDS_MAX + 1], *variables[VARIABLES_MAX + 1];

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

/* Starts the command; gives 0 or why not. */
static int spawn(pid_t *pid)
{
	posix_spawnattr_t attributes;
	spawn_attributes(&attributes);
	int error = posix_spawnp(pid, argv[0], NULL, &attributes, argv, variables);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static struct outcome execute(bool wait)
{
	struct outcome o = { 0 };
	pid_t pid;
	o.error = spawn(&pid);
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

/* The same with `fd` as its standard output. */
static int spawn_onto(int fd, pid_t *pid)
{
	int own = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (own < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return errno;
	int error = spawn(pid);
	dup2(own, STDOUT_FILENO);
	close(own);
	return error;
}

static int ms_until(uint64_t deadline)
{
	uint64_t now = clock_now();
	return now >= deadline ? 0 : (int)((deadline - now) / NS_PER_MS) + 1;
}

/* Reads until the command has closed its output; gives 0 or why not. */
static int collect(int fd, uint64_t deadline, char *to, unsigned *length)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	for (;;) {
		int ms = ms_until(deadline), polled = ms ? poll(&ready, 1, ms) : 0;
		if (polled == 0)
			return ETIMEDOUT;
		if (*length == COMMAND_OUTPUT_MAX)
			return EFBIG;
		ssize_t n = read(fd, to + *length, COMMAND_OUTPUT_MAX - *length);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno;
		*length += n > 0 ? (unsigned)n : 0;
	}
}

/* Waits for the command's end, and brings it about when there is an error, or no more time. */
static void reap(pid_t pid, uint64_t deadline, struct outcome *o)
{
	while (waitpid(pid, &o->status, WNOHANG) == 0) {
		if (!o->error && !ms_until(deadline))
			o->error = ETIMEDOUT;
		if (o->error)
			kill(pid, SIGKILL);
		poll(NULL, 0, BUSY_NAP_MS);
	}
}

static struct outcome execute_for_output(unsigned timeout_ms, char *to)
{
	struct outcome o = { 0 };
	uint64_t deadline = clock_now() + timeout_ms * NS_PER_MS;
	int ends[2];
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		o.error = errno;
		return o;
	}
	o.error = spawn_onto(ends[1], &pid);
	close(ends[1]);
	if (!o.error) {
		o.error = collect(ends[0], deadline, to, &o.length);
		reap(pid, deadline, &o);
	}
	close(ends[0]);
	return o;
}

/* Whether one of the first `count` variables has the name of this one. */
static bool is_named(const char *variable, size_t count)
{
	size_t length = strcspn(variable, "=") + 1;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(variables[i], variable, length) == 0)
			return true;
	}
	return false;
}

/* Words and variables out of a request; the server's variables behind those of the request. */
static void take_apart(char *at, const char *end, unsigned words)
{
	extern char **environ;
	size_t word = 0, variable = 0;
	for (; at < end; at += strlen(at) + 1) {
		if (word < words && word < WORDS_MAX)
			argv[word++] = at;
		else if (variable < VARIABLES_MAX)
			variables[variable++] = at;
	}
	size_t given = variable;
	for (char **v = environ; *v && variable < VARIABLES_MAX; v++) {
		if (!is_named(*v, given))
			variables[variable++] = *v;
	}
	argv[word] = variables[variable] = NULL;
}

static struct outcome answer(const struct request_head *head, char *output)
{
	if (head->kind == REQUEST_OUTPUT)
		return execute_for_output(head->timeout_ms, output);
	return execute(head->kind == REQUEST_RUN_AND_WAIT);
}

static _Noreturn void run_requests(int fd)
{
	static char request[HOOK_SIZE_MAX + 1], response[sizeof(struct outcome) + COMMAND_OUTPUT_MAX];
	for (;;) {
		struct request_head head;
		ssize_t length = read(fd, request, sizeof request - 1);
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= (ssize_t)sizeof head)
			_exit(0);
		request[length] = 0;
		memcpy(&head, request, sizeof head);
		take_apart(request + sizeof head, request + length, head.words);
		struct outcome o = answer(&head, response + sizeof o);
		memcpy(response, &o, sizeof o);
		size_t size = sizeof o + o.length;
		if (write(fd, response, size) != (ssize_t)size)
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

/* One request and its answer at a time; too much for a fiber's stack. */
static char message[sizeof(struct outcome) + COMMAND_OUTPUT_MAX];

static bool put_strings(const char *const *strings, size_t *length)
{
	for (; *strings; strings++) {
		size_t size = strlen(*strings) + 1;
		if (size > HOOK_SIZE_MAX - *length)
			return false;
		memcpy(message + *length, *strings, size);
		*length += size;
	}
	return true;
}

/* Its output then stands behind the outcome in `message`. */
static struct outcome ask_runner(
	const struct request_head *head, const char *const *words, const char *const *environment)
{
	size_t length = sizeof *head;
	struct outcome o;
	memcpy(message, head, sizeof *head);
	if (!put_strings(words, &length) || !put_strings(environment, &length))
		return (struct outcome){ .error = E2BIG };
	if (send(runner, message, length, MSG_NOSIGNAL) < 0)
		return runner_lost();
	if (wait_readable(runner, 0) != WAIT_READY) {
		/* Its answer would be taken for the next one's. */
		errno = ECANCELED;
		return runner_lost();
	}
	errno = 0;
	if (read(runner, message, sizeof message) < (ssize_t)sizeof o)
		return runner_lost();
	memcpy(&o, message, sizeof o);
	return o;
}

/* Waits for its turn, and that there is a process to ask; false: there will be none. */
static bool take_runner(void)
{
	while (busy) {
		if (fiber_sleep(BUSY_NAP_MS * NS_PER_MS) == WAIT_STOPPED)
			return false;
	}
	hooks_begin();
	busy = runner >= 0;
	return busy;
}

/* How a command failed, in the words that CoreDNS's runtime has for it; NULL if it did not. */
static const char *failure(const char *word, struct outcome o, char *text, size_t size)
{
	if (o.error == ENOENT)
		snprintf(
			text, size, "exec: \"%s\": executable file not found in $PATH", word);
	else if (o.error)
		snprintf(text, size, "exec: \"%s\": %s", word, error_text(o.error));
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
	static const char *const nothing = NULL;
	char text[512], line[640];
	log_info("%s Command \"%s\" with ID %s", h->wait ? "Blocking" : "Nonblocking", h->text,
		h->id);
	if (!take_runner())
		return;
	struct request_head head = { h->wait ? REQUEST_RUN_AND_WAIT : REQUEST_RUN, (unsigned)h->argc, 0 };
	struct outcome o = ask_runner(&head, h->argv, &nothing);
	busy = false;
	if (failure(h->argv[0], o, text, sizeof text)) {
		int length = snprintf(line, sizeof line, "error on 'on-%s' hook: %s", h->id, text);
		log_bare((struct view){ line, (size_t)length });
	}
}

bool command_run(const struct command *c, struct arena *a, struct view *output, const char **why)
{
	char text[512];
	uint64_t ms = c->timeout / NS_PER_MS;
	struct request_head head = { REQUEST_OUTPUT, 0, ms < TIMEOUT_MAX_MS ? (unsigned)ms : TIMEOUT_MAX_MS };
	while (c->argv[head.words])
		head.words++;
	if (!take_runner()) {
		*why = "commands cannot be run";
		return false;
	}
	struct outcome o = ask_runner(&head, c->argv, c->environment);
	bool failed = failure(c->argv[0], o, text, sizeof text) != NULL;
	if (failed)
		*why = arena_string(a, view_of(text));
	else
		*output = arena_copy(a, (struct view){ message + sizeof o, o.length });
	busy = false;
	return !failed;
}
