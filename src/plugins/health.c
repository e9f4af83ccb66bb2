/* Says over HTTP that the process is alive, checks that page itself, and waits before a shutdown
 * (lameduck). */
#include "base/error.h"
#include "net/loop.h"
#include "server/admin.h"
#include "server/block.h"
#include <errno.h>
#include <unistd.h>

static const uint64_t check_interval = NS_PER_S;
static const uint64_t check_timeout = 3 * NS_PER_S;
static const uint64_t check_slow = NS_PER_S;

struct health {
	const char *address;
	int64_t lameduck; /* ns; 0: none */
	struct admin_mount *mount;
};

static const double buckets[] = { 0.00025, 0.0025, 0.025, 0.25, 2.5 };

static const struct metric_family request_duration = {
	.name = "coredns_health_request_duration_seconds",
	.help = "Histogram of the time (in seconds) each request took.",
	.kind = METRIC_HISTOGRAM,
	.buckets = buckets,
	.bucket_count = sizeof buckets / sizeof buckets[0],
};

static const struct metric_family request_failures = {
	.name = "coredns_health_request_failures_total",
	.help = "The number of times the health check failed.",
	.kind = METRIC_COUNTER,
};

static const struct metric_family *const metrics[] = { &request_duration, &request_failures, NULL };

/* --- set-up --- */

static void health_init(struct setup *s)
{
	struct health *h = s->state;
	h->address = ":8080";
}

static bool health_setup(struct setup *s)
{
	struct health *h = s->state;
	return admin_args_address(s, &h->address);
}

static bool read_lameduck(struct setup *s)
{
	struct health *h = s->state;
	struct view word;
	const char *why;
	if (!arg_need(s, &word))
		return false;
	if (!duration_parse(s->arena, word, &h->lameduck, &why))
		return setup_error_plain(s, "unable to parse lameduck duration value: '%.*s' : %s",
			VIEW_ARGS(word), why);
	return arg_end(s);
}

/* --- checking itself --- */

/* Where the page is for this host: a wildcard address is asked on its loopback address. */
static struct endpoint own_endpoint(const struct health *h)
{
	struct endpoint e = admin_local(h->mount);
	if (endpoint_is_v6(&e) && IN6_IS_ADDR_UNSPECIFIED(&e.v6.sin6_addr))
		e.v6.sin6_addr = in6addr_loopback;
	else if (!endpoint_is_v6(&e) && e.v4.sin_addr.s_addr == INADDR_ANY)
		e.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return e;
}

static const char *connect_to(int fd, const struct endpoint *to, uint64_t deadline)
{
	int error = 0;
	socklen_t size = sizeof error;
	if (connect(fd, &to->any, endpoint_length(to)) == 0)
		return NULL;
	if (errno != EINPROGRESS)
		return error_text(errno);
	if (wait_writable(fd, deadline) != WAIT_READY)
		return "timed out";
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error ? error_text(error) : NULL;
}

/* Asks for the page; NULL when its status came, else what was wrong. */
static const char *ask(int fd, uint64_t deadline)
{
	static const char request[] =
		"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	static const char status[] = "HTTP/1.1 200 ";
	char answer[sizeof status - 1];
	size_t got = 0;
	if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1)
		return error_text(errno);
	while (got < sizeof answer) {
		if (wait_readable(fd, deadline) != WAIT_READY)
			return "timed out";
		ssize_t n = recv(fd, answer + got, sizeof answer - got, MSG_DONTWAIT);
		if (n == 0)
			return "EOF";
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return error_text(errno);
		got += n > 0 ? (size_t)n : 0;
	}
	return memcmp(answer, status, sizeof answer) == 0 ? NULL : "unexpected status";
}

static const char *request_page(const struct health *h)
{
	uint64_t deadline = clock_now() + check_timeout;
	struct endpoint to = own_endpoint(h);
	int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_text(errno);
	const char *wrong = connect_to(fd, &to, deadline);
	if (!wrong)
		wrong = ask(fd, deadline);
	close(fd);
	return wrong;
}

/* How long the page takes is how far the control thread is behind with its work. */
static void check(struct plugin *self, void *unused)
{
	(void)unused;
	const struct health *h = self->state;
	struct metric *duration = metric_get(&request_duration, NULL);
	struct metric *failures = metric_get(&request_failures, NULL);
	while (task_sleep(self, check_interval)) {
		uint64_t began = clock_now();
		const char *wrong = request_page(h);
		uint64_t took = clock_now() - began;
		if (atomic_load(&self->block->config->stopping))
			return;
		metric_observe(duration, (double)took / (double)NS_PER_S);
		if (wrong) {
			metric_add(failures, 1);
			plugin_warning(self,
				"Local health request to \"http://%s/health\" failed: %s",
				h->address, wrong);
		} else if (took > check_slow) {
			plugin_warning(self,
				"Local health request to \"http://%s/health\" took more than 1s: "
				"%.3fs",
				h->address, (double)took / (double)NS_PER_S);
		}
	}
}

/* --- life --- */

static void health_page(void *unused, struct admin_page *page)
{
	(void)unused;
	text_add_string(&page->body, "OK");
}

static bool health_start(struct plugin *self, struct plugin *before)
{
	(void)before;
	struct health *h = self->state;
	struct text why = { 0 };
	h->mount = admin_mount(h->address, "/health", health_page, NULL, &why);
	if (!h->mount)
		start_error(self, "%s", why.at);
	text_free(&why);
	if (!h->mount)
		return false;
	metric_get(&request_failures, NULL);
	metric_get(&request_duration, NULL);
	task_start(self, check, NULL);
	return true;
}

static void health_stop(struct plugin *self)
{
	struct health *h = self->state;
	admin_unmount(h->mount);
	h->mount = NULL;
}

static void health_shutdown(struct plugin *self)
{
	const struct health *h = self->state;
	if (h->lameduck <= 0)
		return;
	struct arena *arena = arena_new(64);
	plugin_info(self, "Going into lameduck mode for %s", duration_print(arena, h->lameduck));
	arena_free(arena);
	fiber_sleep((uint64_t)h->lameduck);
}

static const struct option options[] = {
	{ .name = "lameduck",
		.arguments = "DURATION",
		.help = "how long a process that is to end goes on answering first",
		.read = read_lameduck },
	{ 0 },
};

PLUGIN(health) = {
	.name = "health",
	.arguments = "[ADDRESS]",
	.help = "says at /health that the process is alive",
	.about = "ADDRESS is where /health is served (default :8080); blocks may share it. The "
		 "page is there before the DNS "
		 "sockets are, and during lameduck; it tells nothing of any plugin's state.",
	.options = options,
	.metrics = metrics,
	.state_size = sizeof(struct health),
	.init = health_init,
	.setup = health_setup,
	.start = health_start,
	.stop = health_stop,
	.shutdown = health_shutdown,
};
