/* Who mounted what where, and the listeners of it. */
#include "server/admin.h"

#include "base/error.h"
#include "base/memory.h"
#include "server/admin_http.h"
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	CONNECTIONS_MAX = 64, /* of a listener; the oldest idle one makes room */
	ACCEPTS_AT_ONCE = 16,
	BACKLOG = 128,
	ACCEPT_PAUSE_MS = 100, /* when descriptors have run out */
};

struct admin_listener {
	struct admin_listener *next;
	struct endpoint asked, local; /* as configured (port 0 may be), and as bound */
	struct loop *loop;
	struct watch watch;
	struct timer pause;
	struct admin_mount *mounts; /* the newest first */
	struct admin_connection *connections, **last_connection;
	size_t connection_count;
	bool closed; /* freed with its last connection */
};

struct admin_mount {
	struct admin_mount *next;
	struct admin_listener *listener;
	const char *path;
	admin_handler *handle;
	void *data;
};

static struct admin_listener *listeners; /* control thread only */
static bool rehearses;

/* --- addresses --- */

bool admin_split_address(
	struct view address, struct view *host, struct view *port, struct text *why)
{
	const char *wrong = NULL;
	size_t colon = address.length;
	while (colon > 0 && address.at[colon - 1] != ':')
		colon--;
	if (colon == 0) {
		wrong = "missing port in address";
	} else {
		*host = view_first(address, colon - 1);
		*port = view_skip(address, colon);
		bool bracketed = host->length > 0 && host->at[0] == '[';
		if (bracketed && host->at[host->length - 1] != ']')
			wrong = view_find(address, ']') == address.length
					? "missing ']' in address"
					: "missing port in address";
		else if (bracketed)
			*host = (struct view){ host->at + 1, host->length - 2 };
		else if (view_find(*host, ':') < host->length)
			wrong = "too many colons in address";
	}
	if (wrong)
		text_printf(why, "address %.*s: %s", VIEW_ARGS(address), wrong);
	return !wrong;
}

bool admin_args_address(struct setup *s, const char **address)
{
	struct view *words, host, port;
	struct text why = { 0 };
	size_t count = args_rest(s, &words);
	if (count == 0)
		return true;
	if (count > 1)
		return setup_argument_error(s);
	*address = arena_string(s->arena, words[0]);
	bool valid = admin_split_address(words[0], &host, &port, &why);
	if (!valid)
		setup_error_plain(s, "%s", why.at);
	text_free(&why);
	return valid;
}

/* A name's first address, IPv4 if it has one. Asks the system's resolver: only names that are no
 * literals wait for it. */
static bool resolve_name(const char *name, uint16_t port, struct endpoint *to)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
	int error = getaddrinfo(name, NULL, &hints, &found);
	if (error) {
		hints.ai_family = AF_INET6;
		error = getaddrinfo(name, NULL, &hints, &found);
	}
	if (error)
		return false;
	*to = endpoint_from(found->ai_addr);
	endpoint_set_port(to, port);
	freeaddrinfo(found);
	return true;
}

static bool parse_port(struct view text, uint16_t *port)
{
	uint64_t number;
	if (view_unsigned(text, UINT16_MAX, &number)) {
		*port = (uint16_t)number;
		return true;
	}
	char name[32];
	if (text.length >= sizeof name)
		return false;
	memcpy(name, text.at, text.length);
	name[text.length] = 0;
	const struct servent *service = getservbyname(name, "tcp");
	if (service)
		*port = ntohs((uint16_t)service->s_port);
	return service != NULL;
}

static bool resolve(const char *address, struct endpoint *to, struct text *why)
{
	struct view host, port_text;
	uint16_t port;
	if (!admin_split_address(view_of(address), &host, &port_text, why))
		return false;
	if (!parse_port(port_text, &port)) {
		text_printf(why, "listen tcp: lookup tcp/%.*s: unknown port", VIEW_ARGS(port_text));
		return false;
	}
	if (host.length == 0)
		return endpoint_parse_ip(VIEW("::"), port, to);
	if (view_is(host, "localhost"))
		return endpoint_parse_ip(VIEW("127.0.0.1"), port, to);
	if (endpoint_parse_ip(host, port, to))
		return true;
	char *name = memory_alloc(host.length + 1);
	memcpy(name, host.at, host.length);
	name[host.length] = 0;
	bool found = resolve_name(name, port, to);
	if (!found)
		text_printf(why, "listen tcp: lookup %s: no such host", name);
	free(name);
	return found;
}

/* --- connections --- */

static void link_connection(struct admin_listener *l, struct admin_connection *c)
{
	c->link = l->last_connection;
	*c->link = c;
	l->last_connection = &c->next;
	l->connection_count++;
}

static void unlink_connection(struct admin_listener *l, struct admin_connection *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	else
		l->last_connection = c->link;
	l->connection_count--;
}

static void free_if_over(struct admin_listener *l)
{
	if (l->closed && l->connection_count == 0)
		free(l);
}

static bool make_page(struct admin_connection *c, struct view path, struct admin_page *page)
{
	const struct admin_listener *l = c->owner;
	for (const struct admin_mount *m = l->mounts; m; m = m->next) {
		if (view_is(path, m->path)) {
			m->handle(m->data, page);
			return true;
		}
	}
	return false;
}

static void connection_run(void *data)
{
	struct admin_connection *c = data;
	struct admin_listener *l = c->owner;
	admin_connection_serve(c);
	unlink_connection(l, c);
	close(c->fd);
	free(c);
	free_if_over(l);
}

/* Its fiber wakes up, finds the connection at its end and goes. */
static void cut_off(struct admin_connection *c)
{
	c->closing = true;
	shutdown(c->fd, SHUT_RD);
}

/* The one that has been here longest without a page in the making. */
static void make_room(struct admin_listener *l)
{
	for (struct admin_connection *c = l->connections; c; c = c->next) {
		if (!c->busy && !c->closing) {
			cut_off(c);
			return;
		}
	}
}

static void connection_new(struct admin_listener *l, int fd)
{
	struct admin_connection *c = memory_alloc(sizeof *c);
	c->next = NULL;
	c->fd = fd;
	c->busy = c->closing = false;
	c->received = 0;
	c->make_page = make_page;
	c->owner = l;
	link_connection(l, c);
	fiber_spawn(l->loop, connection_run, c);
}

static void accept_again(struct timer *t)
{
	struct admin_listener *l =
		(struct admin_listener *)((char *)t - offsetof(struct admin_listener, pause));
	loop_watch(l->loop, &l->watch, EPOLLIN);
}

static void accept_ready(struct watch *w, uint32_t events)
{
	(void)events;
	struct admin_listener *l =
		(struct admin_listener *)((char *)w - offsetof(struct admin_listener, watch));
	for (unsigned i = 0; i < ACCEPTS_AT_ONCE && !l->closed; i++) {
		int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
			loop_watch(l->loop, w, 0);
			timer_set(l->loop, &l->pause, clock_now() + ACCEPT_PAUSE_MS * NS_PER_MS);
		}
		if (fd < 0)
			return;
		if (l->connection_count >= CONNECTIONS_MAX)
			make_room(l);
		if (l->connection_count >= 2 * CONNECTIONS_MAX)
			close(fd); /* all of them are being served or about to end */
		else
			connection_new(l, fd);
	}
}

/* --- listeners --- */

static int open_socket(const struct endpoint *at, const char **step)
{
	const int on = 1, off = 0;
	*step = "socket";
	int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (endpoint_is_v6(at))
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	*step = "bind";
	if (bind(fd, &at->any, endpoint_length(at)) == 0) {
		*step = "listen";
		if (listen(fd, BACKLOG) == 0)
			return fd;
	}
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* The wildcard is an IPv6 socket that takes IPv4 too; where the kernel has no IPv6, it is IPv4's.
 */
static int open_listener(const char *address, struct endpoint *at, struct text *why)
{
	const char *step;
	int fd = open_socket(at, &step);
	if (fd < 0 && errno == EAFNOSUPPORT && address[0] == ':') {
		endpoint_parse_ip(VIEW("0.0.0.0"), endpoint_port(at), at);
		fd = open_socket(at, &step);
	}
	if (fd < 0)
		text_printf(why, "listen tcp %s: %s: %s", address, step, error_text(errno));
	return fd;
}

static struct admin_listener *listener_at(const struct endpoint *asked)
{
	struct admin_listener *l = listeners;
	while (l && !endpoint_equal(&l->asked, asked))
		l = l->next;
	return l;
}

static void listen_begin(struct admin_listener *l)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof bound;
	getsockname(l->watch.fd, (struct sockaddr *)&bound, &size);
	l->local = endpoint_from((struct sockaddr *)&bound);
	loop_watch(l->loop, &l->watch, EPOLLIN);
}

static struct admin_listener *listener_new(
	const char *address, struct endpoint asked, struct text *why)
{
	struct endpoint at = asked;
	int fd = rehearses ? -1 : open_listener(address, &at, why);
	if (fd < 0 && !rehearses)
		return NULL;
	struct admin_listener *l = memory_array(1, sizeof *l);
	l->asked = l->local = asked;
	l->loop = loop_current();
	l->watch = (struct watch){ .fd = fd, .ready = accept_ready };
	l->pause.fire = accept_again;
	l->last_connection = &l->connections;
	l->next = listeners;
	listeners = l;
	if (fd >= 0)
		listen_begin(l);
	return l;
}

static void listener_close(struct admin_listener *l)
{
	struct admin_listener **at = &listeners;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	timer_cancel(l->loop, &l->pause);
	if (l->watch.fd >= 0) {
		loop_unwatch(l->loop, &l->watch);
		close(l->watch.fd);
	}
	l->closed = true;
	for (struct admin_connection *c = l->connections; c; c = c->next)
		cut_off(c);
	free_if_over(l);
}

/* --- mounts --- */

struct admin_mount *admin_mount(
	const char *address, const char *path, admin_handler *handle, void *data, struct text *why)
{
	struct endpoint asked;
	if (!resolve(address, &asked, why))
		return NULL;
	struct admin_listener *l = listener_at(&asked);
	if (!l)
		l = listener_new(address, asked, why);
	if (!l)
		return NULL;
	struct admin_mount *m = memory_alloc(sizeof *m);
	*m = (struct admin_mount){ l->mounts, l, path, handle, data };
	l->mounts = m;
	return m;
}

void admin_rehearse(void)
{
	rehearses = true;
}

void admin_unmount(struct admin_mount *m)
{
	if (!m)
		return;
	struct admin_mount **at = &m->listener->mounts;
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	if (!m->listener->mounts)
		listener_close(m->listener);
	free(m);
}

struct endpoint admin_local(const struct admin_mount *m)
{
	return m->listener->local;
}
