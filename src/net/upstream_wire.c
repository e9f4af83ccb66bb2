/* Octets to and from upstreams, over TCP and TLS. */
#include "net/upstream_wire.h"

#include "base/memory.h"
#include "net/loop_state.h"
#include "net/socket.h"
#include "net/tls_session.h"
#include "net/upstream_pool.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	OUTPUT_LEAST = 1024,
	READS_A_TURN = 4,
	CIPHERTEXT_ROOM = 32 << 10, /* read at once */
};

/* --- output --- */

static uint8_t *output_add(struct wire_output *out, size_t more)
{
	if (out->capacity - out->length < more) {
		size_t capacity = out->capacity ? out->capacity : OUTPUT_LEAST;
		while (capacity - out->length < more)
			capacity *= 2;
		out->at = memory_resize(out->at, capacity, 1);
		out->capacity = capacity;
	}
	uint8_t *to = out->at + out->length;
	out->length += more;
	return to;
}

static void output_forget(struct wire_output *out)
{
	free(out->at);
	*out = (struct wire_output){ 0 };
}

uint8_t *wire_append(struct upstream_wire *w, size_t length)
{
	return output_add(w->upstream->tls ? &w->plain : &w->out, length);
}

static void ciphertext(void *owner, const uint8_t *octets, size_t length)
{
	struct upstream_wire *w = owner;
	memcpy(output_add(&w->out, length), octets, length);
}

/* Sends what the peer takes. False with *error when the connection is broken. */
static bool output_send(struct upstream_wire *w, int *error)
{
	struct wire_output *out = &w->out;
	while (out->sent < out->length) {
		ssize_t sent = send(w->watch->fd, out->at + out->sent, out->length - out->sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) {
			*error = errno;
			return false;
		}
		if (sent < 0)
			break;
		out->sent += (size_t)sent;
	}
	bool done = out->sent == out->length;
	if (done)
		output_forget(out);
	loop_watch(w->loop, w->watch, EPOLLIN | (done ? 0u : EPOLLOUT));
	return true;
}

/* How much of what is to be encrypted goes into the next record. Servers of DNS over TLS that read one query at a time may not see
 * a second one in the same record before something else comes. */
static size_t record_length(const struct upstream_wire *w, const uint8_t *at, size_t length)
{
	enum { PREFIX = 2 };
	size_t message = length >= PREFIX ? PREFIX + ((size_t)at[0] << 8 | at[1]) : length;
	return w->framed && message < length ? message : length;
}

/* Encrypts what waits for it. */
static void encrypt(struct upstream_wire *w)
{
	size_t sent = 0;
	while (w->tls && sent < w->plain.length) {
		size_t length = record_length(w, w->plain.at + sent, w->plain.length - sent);
		tls_session_send(w->tls, w->plain.at + sent, length);
		sent += length;
	}
	output_forget(&w->plain);
}

/* --- TLS --- */

/* The session has failed: the peer may still be told why. */
static bool tls_failed(struct upstream_wire *w, struct wire_end *end)
{
	int ignored;
	*end = (struct wire_end){ STEP_TLS, (int)tls_session_failure(w->tls) };
	upstream_count_failure(w->upstream, (enum tls_failure)end->error);
	output_send(w, &ignored);
	return false;
}

static void open_now(struct upstream_wire *w)
{
	w->state = WIRE_OPEN;
	if (w->tls)
		upstream_count(w->upstream, tls_session_resumed(w->tls) ? UPSTREAM_TLS_RESUMED : UPSTREAM_TLS_FULL);
	w->opened(w);
}

/* Whether the upstream agreed to speak what is going to be spoken. */
static bool is_agreed(const struct upstream_wire *w)
{
	return !w->upstream->tls->alpn || tls_session_alpn(w->tls).length;
}

/* Decrypts what came to where the plaintext goes on; gives how much it is. */
static size_t decrypt(struct upstream_wire *w, const uint8_t *from, size_t length, uint8_t *to)
{
	size_t got;
	enum tls_state state = tls_session_receive(
		w->tls, from, length, to, length + TLS_RECORD_MAX, &got);
	if (w->state == WIRE_SHAKING_HANDS && (state == TLS_OPEN || state == TLS_ENDED))
		open_now(w);
	return got;
}

static bool tls_begin(struct upstream_wire *w, struct wire_end *end)
{
	const struct upstream_tls *t = w->upstream->tls;
	w->credentials = atomic_load(t->credentials);
	struct tls_peer peer = {
		.name = t->name,
		.alpn = t->alpn,
		.resume = ticket_for(w->ticket, w->credentials),
	};
	struct tls_output output = { ciphertext, w };
	w->state = WIRE_SHAKING_HANDS;
	w->tls = tls_session_client(w->credentials, &peer, output);
	if (!w->tls) {
		*end = (struct wire_end){ STEP_TLS, TLS_FAILURE_PROTOCOL };
		return false;
	}
	decrypt(w, NULL, 0, upstream_inbox(w->loop)->room[0]);
	return tls_session_state(w->tls) != TLS_FAILED || tls_failed(w, end);
}

/* Keeps what the server gave to resume with: from the first octets on that it sent, and what it gave last. */
static void save_ticket(struct upstream_wire *w)
{
	uint8_t ticket[TICKET_MAX];
	size_t length = w->state == WIRE_OPEN ? tls_session_save(w->tls, ticket, sizeof ticket) : 0;
	if (!length)
		return;
	w->ticket_kept = true;
	ticket_keep(w->ticket, w->credentials, ticket, length);
}

/* --- input --- */

static void hand_over(struct upstream_wire *w, const uint8_t *at, size_t length)
{
	size_t used = length ? w->received(w, at, length) : 0, rest = length - used;
	if (rest) {
		w->partial = memory_resize(w->partial, rest, 1);
		memcpy(w->partial, at + used, rest);
	} else {
		free(w->partial);
		w->partial = NULL;
	}
	w->partial_length = rest;
}

/* Reads once what is there, behind what is kept. Gives what recv() gave; *full: there may be more. */
static ssize_t read_once(struct upstream_wire *w, bool *full)
{
	struct upstream_inbox *in = upstream_inbox(w->loop);
	size_t kept = w->partial_length;
	uint8_t *room = in->room[0], *to = w->tls ? in->room[INBOX_BATCH / 2] : room + kept;
	size_t size = w->tls ? CIPHERTEXT_ROOM : sizeof in->room / 2 - kept;
	if (kept)
		memcpy(room, w->partial, kept);
	ssize_t got = recv(w->watch->fd, to, size, MSG_DONTWAIT);
	if (got <= 0)
		return got;
	*full = (size_t)got == size;
	size_t more = w->tls ? decrypt(w, to, (size_t)got, room + kept) : (size_t)got;
	if (more && w->tls && !w->ticket_kept)
		save_ticket(w);
	if (more)
		hand_over(w, room, kept + more);
	return got;
}

/* Reads what is there. False when the connection has ended. */
static bool read_all(struct upstream_wire *w, struct wire_end *end)
{
	bool full = true;
	for (int turn = 0; full && turn < READS_A_TURN; turn++) {
		ssize_t got = read_once(w, &full);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (got <= 0) {
			*end = (struct wire_end){ got < 0 ? STEP_READ : STEP_EOF, got < 0 ? errno : 0 };
			return false;
		}
		enum tls_state state = w->tls ? tls_session_state(w->tls) : TLS_OPEN;
		if (w->tls && state == TLS_OPEN && !is_agreed(w)) {
			*end = (struct wire_end){ STEP_TLS, TLS_FAILURE_ALPN };
			upstream_count_failure(w->upstream, TLS_FAILURE_ALPN);
			return false;
		}
		if (state == TLS_FAILED)
			return tls_failed(w, end);
		if (state == TLS_ENDED) {
			*end = (struct wire_end){ .step = STEP_EOF };
			return false;
		}
	}
	return true;
}

/* --- its life --- */

/* The TCP connection is there, or could not be made. */
static bool connected(struct upstream_wire *w, struct wire_end *end)
{
	int error = 0;
	socklen_t length = sizeof error;
	getsockopt(w->watch->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error) {
		*end = (struct wire_end){ STEP_DIAL, error };
		return false;
	}
	if (w->upstream->tls)
		return tls_begin(w, end);
	open_now(w);
	return true;
}

static bool flush(struct upstream_wire *w, struct wire_end *end)
{
	int error;
	if (w->state == WIRE_OPEN)
		encrypt(w);
	if (!output_send(w, &error)) {
		*end = (struct wire_end){ STEP_READ, error };
		return false;
	}
	return !w->tls || tls_session_state(w->tls) != TLS_FAILED || tls_failed(w, end);
}

/* What is said to be encrypted is, or it is not spoken to. */
static bool may_connect(const struct upstream *u)
{
	return u->tls || u->transport == TRANSPORT_UDP || u->transport == TRANSPORT_GRPC;
}

static int connect_to(const struct upstream *u, int fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (!u->path)
		return connect(fd, &u->endpoint.any, endpoint_length(&u->endpoint));
	size_t length = strlen(u->path);
	if (length >= sizeof at.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(at.sun_path, u->path, length);
	return connect(fd, (const struct sockaddr *)&at, sizeof at);
}

bool wire_connect(
	struct upstream_wire *w, struct loop *l, struct upstream *u, struct upstream_ticket *ticket)
{
	if (!may_connect(u)) {
		errno = EPROTO;
		return false;
	}
	int fd = upstream_socket_new(u, SOCK_STREAM);
	if (fd < 0)
		return false;
	if (!u->path)
		socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (connect_to(u, fd) < 0 && errno != EINPROGRESS) {
		int saved = errno;
		close(fd);
		errno = saved;
		return false;
	}
	w->watch->fd = fd;
	w->loop = l;
	w->upstream = u;
	w->ticket = ticket;
	loop_watch(l, w->watch, EPOLLOUT);
	return true;
}

bool wire_progress(struct upstream_wire *w, uint32_t events, struct wire_end *end)
{
	if (w->state == WIRE_CONNECTING)
		return connected(w, end) && flush(w, end);
	bool was_open = wire_is_open(w);
	if (!read_all(w, end))
		return false;
	if ((events & EPOLLOUT) || !was_open || w->out.length)
		return flush(w, end);
	return true;
}

bool wire_send(struct upstream_wire *w, struct wire_end *end)
{
	struct wire_end ignored;
	if (w->state == WIRE_CONNECTING || flush(w, end))
		return true;
	read_all(w, &ignored); /* the peer may have answered before it closed */
	return false;
}

void wire_close(struct upstream_wire *w)
{
	int ignored;
	loop_unwatch(w->loop, w->watch);
	if (w->tls) {
		save_ticket(w);
		tls_session_end(w->tls);
		output_send(w, &ignored);
		loop_unwatch(w->loop, w->watch);
		tls_session_free(w->tls);
	}
	close(w->watch->fd);
	free(w->partial);
	output_forget(&w->plain);
	output_forget(&w->out);
}
