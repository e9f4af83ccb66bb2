/* Pools of connections to an upstream: what UDP and TCP have in common. */
#include "net/upstream.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/message.h"
#include "net/grpc.h"
#include "net/loop_state.h"
#include "net/tls_session.h"
#include "net/upstream_pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint64_t sweep_interval = 10 * NS_PER_S;

/* --- the table of attempts --- */

static unsigned slot_of(const uint8_t id[2])
{
	return id[1] % TABLE_SLOTS;
}

static struct attempt *table_find(const struct attempt_table *t, const uint8_t id[2])
{
	struct attempt *a = t->slots[slot_of(id)];
	while (a && memcmp(a->id, id, sizeof a->id) != 0)
		a = a->next;
	return a;
}

void table_add(struct attempt_table *t, struct attempt *a)
{
	do
		random_fill(a->id, sizeof a->id);
	while (table_find(t, a->id));
	struct attempt **slot = &t->slots[slot_of(a->id)];
	a->next = *slot;
	a->link = slot;
	if (a->next)
		a->next->link = &a->next;
	*slot = a;
	a->table = t;
	a->pending = true;
	t->count++;
}

void table_remove(struct attempt *a)
{
	struct attempt_table *t = a->table;
	*a->link = a->next;
	if (a->next)
		a->next->link = a->link;
	a->pending = false;
	a->table = NULL;
	if (t->removed)
		t->removed(t, a);
	if (--t->count == 0)
		t->drained(t);
}

/* Octets of names and of the fixed part after them: the same length, so position by position. */
static bool same_question(const struct attempt *a, const uint8_t *wire)
{
	const char *sent = (const char *)a->query + HEADER_SIZE;
	const char *got = (const char *)wire + HEADER_SIZE;
	size_t length = a->question_end - HEADER_SIZE, name = length - QUESTION_FIXED;
	if (memcmp(sent + name, got + name, QUESTION_FIXED) != 0)
		return false;
	if (memcmp(sent, got, name) == 0)
		return true;
	return !a->exact_case && view_equal_nocase((struct view){ sent, name }, (struct view){ got, name });
}

/* Whether this is an answer to the query: same opcode and question. Servers that cannot read a query may send an error
 * without any question (RFC 1035 4.1.1 leaves it open). */
static bool answers(const struct attempt *a, const uint8_t *wire, size_t length)
{
	enum { OPCODE_BITS = 0x78, RCODE_BITS = 0x0f, QR_BIT = 0x80 };
	const uint8_t *flags = wire + FLAGS_AT, *count = wire + FLAGS_AT + 2;
	if (!(flags[0] & QR_BIT) || ((flags[0] ^ a->query[FLAGS_AT]) & OPCODE_BITS))
		return false;
	if (count[0] == 0 && count[1] == 0)
		return (flags[1] & RCODE_BITS) != 0 && length == HEADER_SIZE;
	return count[0] == 0 && count[1] == 1 && length >= a->question_end && same_question(a, wire);
}

bool table_receive(
	struct upstream_pool *p, struct attempt_table *t, const uint8_t *wire, size_t length)
{
	struct attempt *a = length >= HEADER_SIZE ? table_find(t, wire) : NULL;
	if (!a || !answers(a, wire, length)) {
		upstream_count(p->upstream, UPSTREAM_IGNORED);
		return false;
	}
	t->received = clock_batch();
	table_remove(a);
	a->done(a, ATTEMPT_ANSWERED, wire, length);
	return true;
}

void table_end(struct attempt *a, enum attempt_result result, enum attempt_step step, int error)
{
	a->step = step;
	a->error = error;
	a->from = socket_local(a->table->fd);
	table_remove(a);
	a->done(a, result, NULL, 0);
}

void table_answer(struct attempt *a, const uint8_t *wire, size_t length)
{
	if (length < HEADER_SIZE || !answers(a, wire, length)) {
		table_end(a, ATTEMPT_FAILED, STEP_HTTP, 0);
		return;
	}
	a->table->received = clock_batch();
	table_remove(a);
	a->done(a, ATTEMPT_ANSWERED, wire, length);
}

void table_fail(struct attempt_table *t, enum attempt_result result, enum attempt_step step,
	int error)
{
	struct endpoint local = socket_local(t->fd);
	for (unsigned slot = 0; slot < TABLE_SLOTS; slot++) {
		while (t->slots[slot]) {
			struct attempt *a = t->slots[slot];
			a->step = step;
			a->error = error;
			a->from = local;
			table_remove(a);
			a->done(a, result, NULL, 0);
		}
	}
}

/* --- where answers are received --- */

void upstream_inbox_free(struct loop *l)
{
	if (l->upstream)
		munmap(l->upstream, sizeof *l->upstream);
	l->upstream = NULL;
}

struct upstream_inbox *upstream_inbox(struct loop *l)
{
	if (l->upstream)
		return l->upstream;
	struct upstream_inbox *in = mmap(NULL, sizeof *in, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (in == MAP_FAILED)
		memory_exhausted(sizeof *in);
	madvise(in, sizeof *in, MADV_NOHUGEPAGE);
	for (int i = 0; i < INBOX_BATCH; i++) {
		in->wire[i] = (struct iovec){ in->room[i], sizeof in->room[i] };
		in->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &in->wire[i], .msg_iovlen = 1 };
	}
	l->upstream = in;
	return in;
}

/* --- sockets --- */

int upstream_socket_new(const struct upstream *u, int type)
{
	int family = u->path ? AF_UNIX : u->endpoint.any.sa_family;
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !u->has_source || u->path)
		return fd;
	if (bind(fd, &u->source.any, endpoint_length(&u->source)) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

struct endpoint socket_local(int fd)
{
	struct sockaddr_in6 local = { 0 };
	socklen_t length = sizeof local;
	getsockname(fd, (struct sockaddr *)&local, &length);
	if (local.sin6_family == AF_UNIX)
		return (struct endpoint){ .v6 = { 0 } };
	return endpoint_from((struct sockaddr *)&local);
}

bool upstream_expired(const struct upstream *u, uint64_t born, uint64_t used)
{
	uint64_t now = clock_batch();
	return now - used > u->expire || u->expire == 0 || (u->max_age && now - born > u->max_age);
}

void upstream_count(struct upstream *u, enum upstream_event event)
{
	if (u->count)
		u->count(u, event);
}

void upstream_count_failure(struct upstream *u, int failure)
{
	static const enum upstream_event events[TLS_FAILURES] = {
		[TLS_NO_FAILURE] = UPSTREAM_TLS_BROKEN,
		[TLS_FAILURE_PROTOCOL] = UPSTREAM_TLS_BROKEN,
		[TLS_FAILURE_VERSION] = UPSTREAM_TLS_BROKEN,
		[TLS_FAILURE_ALPN] = UPSTREAM_TLS_BROKEN,
		[TLS_FAILURE_ALERT] = UPSTREAM_TLS_REFUSED,
		[TLS_FAILURE_NO_CERTIFICATE] = UPSTREAM_TLS_UNTRUSTED,
		[TLS_FAILURE_UNTRUSTED] = UPSTREAM_TLS_UNTRUSTED,
		[TLS_FAILURE_EXPIRED] = UPSTREAM_TLS_EXPIRED,
		[TLS_FAILURE_NAME] = UPSTREAM_TLS_NAME,
	};
	upstream_count(u, events[failure]);
}

/* --- what sessions are resumed with --- */

void ticket_forget(struct upstream_ticket *t)
{
	if (t->credentials)
		tls_credentials_release(t->credentials);
	free(t->at);
	*t = (struct upstream_ticket){ 0 };
}

void ticket_keep(struct upstream_ticket *t, struct tls_credentials *c, const uint8_t *octets, size_t length)
{
	tls_credentials_retain(c);
	ticket_forget(t);
	t->credentials = c;
	t->at = memcpy(memory_alloc(length), octets, length);
	t->length = length;
}

struct view ticket_for(struct upstream_ticket *t, struct tls_credentials *c)
{
	if (t->credentials != c)
		ticket_forget(t);
	return (struct view){ (const char *)t->at, t->length };
}

/* --- pools --- */

void pool_sweep_later(struct upstream_pool *p)
{
	if (!timer_is_set(&p->sweep))
		timer_set(p->loop, &p->sweep, clock_batch() + sweep_interval);
}

static void sweep(struct timer *t)
{
	struct upstream_pool *p =
		(struct upstream_pool *)((char *)t - offsetof(struct upstream_pool, sweep));
	bool udp_open = udp_sweep(p), stream_open = stream_sweep(p);
	if (udp_open || stream_open)
		pool_sweep_later(p);
}

static void flush_due(struct loop_flush *f)
{
	udp_flush((struct upstream_pool *)((char *)f - offsetof(struct upstream_pool, flush)));
}

struct upstream_pool *upstream_pool_new(struct loop *l, struct upstream *u)
{
	struct upstream_pool *p = memory_array(1, sizeof *p);
	p->loop = l;
	p->upstream = u;
	p->queue_end = &p->queue;
	p->flush.run = flush_due;
	p->sweep.fire = sweep;
	return p;
}

void upstream_pool_free(struct upstream_pool *p)
{
	if (!p)
		return;
	timer_cancel(p->loop, &p->sweep);
	loop_flush_cancel(p->loop, &p->flush);
	udp_close_all(p);
	stream_close_all(p);
	ticket_forget(&p->ticket);
	free(p);
}

/* --- attempts --- */

void attempt_start(struct upstream_pool *p, struct attempt *a, bool stream)
{
	stream = stream || p->upstream->transport != TRANSPORT_UDP;
	a->stream = stream;
	a->sent = clock_batch();
	a->pool = p;
	a->upstream = p->upstream;
	a->step = STEP_READ;
	a->error = 0;
	a->from.any.sa_family = 0;
	if (stream)
		stream_attempt(p, a);
	else
		udp_attempt(p, a);
}

uint64_t attempt_deadline(const struct attempt *a, uint64_t timeout)
{
	uint64_t from = a->pending && a->stream ? stream_ready_by(a->table) : 0;
	return (from > a->sent ? from : a->sent) + timeout;
}

enum attempt_wait attempt_park(const struct attempt *a, uint64_t timeout, uint64_t deadline)
{
	uint64_t until = attempt_deadline(a, timeout), soon = clock_batch() + timeout;
	if (until > soon) /* a connection that is being made: when it is there, the time is counted anew */
		until = soon;
	bool cut = deadline && deadline < until;
	switch (fiber_park(cut ? deadline : until)) {
	case WAIT_READY:
		return ATTEMPT_LOOK;
	case WAIT_STOPPED:
		return ATTEMPT_CUT;
	default:
		break;
	}
	if (cut)
		return ATTEMPT_CUT;
	return clock_batch() >= attempt_deadline(a, timeout) ? ATTEMPT_OVER : ATTEMPT_LOOK;
}

void attempt_cancel(struct attempt *a)
{
	if (!a->pending)
		return;
	if (a->queued)
		udp_unqueue(a->pool, a);
	table_remove(a);
}

void attempt_timed_out(struct attempt *a)
{
	struct attempt_table *t = a->table;
	a->step = STEP_READ;
	a->error = 0;
	if (!a->pending)
		return;
	a->from = socket_local(t->fd);
	if (!t->stream)
		return;
	if (t->received < a->sent)
		stream_distrust(t);
	attempt_cancel(a);
}

/* What Go's crypto/tls and crypto/x509 say. */
static void tls_error(const struct attempt *a, char to[static ATTEMPT_ERROR_MAX])
{
	static const char *const texts[TLS_FAILURES] = {
		[TLS_NO_FAILURE] = "tls: handshake failed",
		[TLS_FAILURE_PROTOCOL] = "tls: first record does not look like a TLS handshake",
		[TLS_FAILURE_VERSION] = "tls: no version, cipher or group in common",
		[TLS_FAILURE_ALPN] = "tls: no application protocol in common",
		[TLS_FAILURE_ALERT] = "remote error: tls: refused by an alert",
		[TLS_FAILURE_NO_CERTIFICATE] = "tls: received empty certificates message",
		[TLS_FAILURE_UNTRUSTED] =
			"tls: failed to verify certificate: x509: certificate signed by unknown authority",
		[TLS_FAILURE_EXPIRED] =
			"tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
		[TLS_FAILURE_NAME] = "tls: failed to verify certificate: x509: certificate is not valid for ",
	};
	bool about_name = a->error == TLS_FAILURE_NAME;
	snprintf(to, ATTEMPT_ERROR_MAX, "%s%s", texts[a->error],
		about_name ? a->upstream->tls->name : "");
}

const char *attempt_error(const struct attempt *a, char to[static ATTEMPT_ERROR_MAX])
{
	enum transport t = a->upstream->transport;
	bool quic = t == TRANSPORT_QUIC || t == TRANSPORT_HTTPS3;
	const char *path = a->upstream->path;
	const char *proto = path ? "unix" : quic ? "quic" : a->stream ? "tcp" : "udp";
	const char *why = a->error ? error_text(a->error) : "i/o timeout";
	char address[ENDPOINT_TEXT_MAX], local[ENDPOINT_TEXT_MAX];
	const char *peer = path ? path : address;
	if (!path)
		endpoint_print(&a->upstream->endpoint, address);
	if (a->from.any.sa_family)
		endpoint_print(&a->from, local);
	else
		local[0] = 0;
	if (a->step == STEP_TLS)
		tls_error(a, to);
	else if (a->step == STEP_HTTP && a->error)
		snprintf(to, ATTEMPT_ERROR_MAX, "unexpected HTTP status %d", a->error);
	else if (a->step == STEP_HTTP)
		snprintf(to, ATTEMPT_ERROR_MAX, "dns: malformed answer");
	else if (a->step == STEP_GRPC)
		snprintf(to, ATTEMPT_ERROR_MAX, "rpc error: code = %s", grpc_status_name(a->error));
	else if (a->step == STEP_QUIC)
		snprintf(to, ATTEMPT_ERROR_MAX, "quic: closed by %s with code %#x", peer, (unsigned)a->error);
	else if (a->step == STEP_EOF)
		snprintf(to, ATTEMPT_ERROR_MAX, "EOF");
	else if (a->step == STEP_DIAL)
		snprintf(to, ATTEMPT_ERROR_MAX, "dial %s %s: %s%s", proto, peer, a->error ? "connect: " : "",
			why);
	else
		snprintf(to, ATTEMPT_ERROR_MAX, "read %s %s->%s: %s%s", proto, local, peer,
			a->error ? "read: " : "", why);
	return to;
}
