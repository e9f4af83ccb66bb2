/*
 * TLS sessions by GnuTLS. Its transport is memory: what it pulls is the ciphertext that tls_session_receive() was just given, and
 * what it pushes goes to the session's owner. It reads a record's header, then its body, so that it never takes more than it has
 * room for, and all is taken when it asks for more.
 */
#include "net/tls_gnutls.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>

struct tls_session {
	gnutls_session_t gnutls;
	struct tls_credentials *credentials;
	struct tls_output output;
	const uint8_t *at, *end; /* ciphertext that is lent to us for the call that runs */
	char *name;              /* a client's: the peer's */
	struct tls_wanted wanted; /* and what its certificate must be good for */
	enum tls_state state;
	enum tls_failure failure;
	bool is_client, ended; /* close_notify was sent */
};

/* --- GnuTLS's transport --- */

static ssize_t pull(gnutls_transport_ptr_t ptr, void *to, size_t size)
{
	struct tls_session *s = ptr;
	size_t there = (size_t)(s->end - s->at);
	if (!there) {
		gnutls_transport_set_errno(s->gnutls, EAGAIN);
		return -1;
	}
	if (size > there)
		size = there;
	memcpy(to, s->at, size);
	s->at += size;
	return (ssize_t)size;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	const struct tls_session *s = ptr;
	(void)ms;
	return s->at < s->end;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *octets, size_t length)
{
	struct tls_session *s = ptr;
	s->output.write(s->output.owner, octets, length);
	return (ssize_t)length;
}

/* --- making one --- */

static struct tls_session *session_new(
	struct tls_credentials *c, struct tls_output output, unsigned flags)
{
	struct tls_session *s = memory_array(1, sizeof *s);
	if (gnutls_init(&s->gnutls, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		free(s);
		return NULL;
	}
	s->credentials = c;
	s->output = output;
	tls_credentials_functions.retain(c);
	gnutls_transport_set_ptr(s->gnutls, s);
	gnutls_transport_set_pull_function(s->gnutls, pull);
	gnutls_transport_set_pull_timeout_function(s->gnutls, pull_timeout);
	gnutls_transport_set_push_function(s->gnutls, push);
	return s;
}

static void session_free(struct tls_session *s)
{
	gnutls_deinit(s->gnutls);
	tls_credentials_functions.release(s->credentials);
	free(s->name);
	free(s);
}

static struct tls_session *session_or_none(struct tls_session *s, int error)
{
	if (error >= 0)
		return s;
	session_free(s);
	return NULL;
}

static struct tls_session *session_server(struct tls_credentials *c, const char *const *alpn,
	bool alpn_required, struct tls_output output)
{
	struct tls_session *s = session_new(c, output, GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET);
	return !s ? NULL
		  : session_or_none(s,
			    tls_set_up_server(s->gnutls, c, TLS_OVER_TCP, alpn, alpn_required));
}

static struct tls_session *session_client(
	struct tls_credentials *c, const struct tls_peer *peer, struct tls_output output)
{
	struct tls_session *s = session_new(c, output, GNUTLS_CLIENT);
	if (!s)
		return NULL;
	s->is_client = true;
	size_t size = strlen(peer->name) + 1;
	s->name = memcpy(memory_alloc(size), peer->name, size);
	struct tls_peer kept = *peer;
	kept.name = s->name;
	return session_or_none(s, tls_set_up_client(s->gnutls, c, TLS_OVER_TCP, &kept, &s->wanted));
}

/* --- octets in --- */

static void session_fail(struct tls_session *s, int error)
{
	s->state = TLS_FAILED;
	s->failure = tls_failure_of(s->gnutls, error);
	if (error != GNUTLS_E_FATAL_ALERT_RECEIVED)
		gnutls_alert_send_appropriate(s->gnutls, error);
}

/* One ticket: the client gets another one with each session that it resumes. Clients that can do nothing with it get none. */
static void send_ticket(struct tls_session *s)
{
	if (!s->is_client && gnutls_protocol_get_version(s->gnutls) == GNUTLS_TLS1_3)
		gnutls_session_ticket_send(s->gnutls, 1, 0);
}

static void shake_hands(struct tls_session *s)
{
	int error;
	do {
		error = gnutls_handshake(s->gnutls);
	} while (error < 0 && error != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(error));
	if (error == 0) {
		s->state = TLS_OPEN;
		send_ticket(s);
	} else if (error != GNUTLS_E_AGAIN) {
		session_fail(s, error);
	}
}

/* Whether there may be more to take after a call that gave `result`. A message of TLS 1.3 between records of data ends a call,
 * too; a peer of TLS 1.2 that wants to begin anew is refused. */
static bool goes_on(struct tls_session *s, ssize_t result, const uint8_t *before)
{
	if (result > 0)
		return true;
	if (result == 0) {
		s->state = TLS_ENDED;
		return false;
	}
	if (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED)
		return s->at != before;
	if (result != GNUTLS_E_REHANDSHAKE && !gnutls_error_is_fatal((int)result))
		return s->at != before;
	session_fail(s, (int)result);
	return false;
}

static size_t take_records(struct tls_session *s, uint8_t *to, size_t room)
{
	size_t got = 0;
	const uint8_t *before;
	ssize_t result;
	do {
		before = s->at;
		result = gnutls_record_recv(s->gnutls, to + got, room - got);
		if (result > 0)
			got += (size_t)result;
	} while (got < room && goes_on(s, result, before));
	return got;
}

static enum tls_state session_receive(struct tls_session *s, const uint8_t *from, size_t length,
	uint8_t *to, size_t room, size_t *got)
{
	*got = 0;
	s->at = from;
	s->end = from + length;
	if (s->state == TLS_HANDSHAKING)
		shake_hands(s);
	if (s->state == TLS_OPEN)
		*got = take_records(s, to, room);
	s->at = s->end = NULL;
	return s->state;
}

/* --- octets out --- */

static void session_send(struct tls_session *s, const uint8_t *octets, size_t length)
{
	while (length && (s->state == TLS_OPEN || s->state == TLS_ENDED) && !s->ended) {
		ssize_t sent = gnutls_record_send(s->gnutls, octets, length);
		if (sent < 0) {
			s->state = TLS_FAILED;
			s->failure = TLS_FAILURE_PROTOCOL;
			return;
		}
		octets += sent;
		length -= (size_t)sent;
	}
}

static void session_end(struct tls_session *s)
{
	if ((s->state == TLS_OPEN || s->state == TLS_ENDED) && !s->ended) {
		gnutls_bye(s->gnutls, GNUTLS_SHUT_WR);
		s->ended = true;
	}
}

/* --- what it is --- */

static enum tls_state session_state(const struct tls_session *s)
{
	return s->state;
}

static enum tls_failure session_failure(const struct tls_session *s)
{
	return s->failure;
}

static const char *session_error(const struct tls_session *s)
{
	return tls_failure_text(s->failure);
}

static struct view session_alpn(const struct tls_session *s)
{
	gnutls_datum_t protocol;
	if (gnutls_alpn_get_selected_protocol(s->gnutls, &protocol) < 0)
		return (struct view){ "", 0 };
	return (struct view){ (const char *)protocol.data, protocol.size };
}

static bool session_resumed(const struct tls_session *s)
{
	return gnutls_session_is_resumed(s->gnutls) != 0;
}

/* Without a ticket GnuTLS would wait for one. */
size_t tls_save(gnutls_session_t session, uint8_t *to, size_t room)
{
	gnutls_datum_t data;
	if (!(gnutls_session_get_flags(session) & GNUTLS_SFLAGS_SESSION_TICKET) ||
		gnutls_session_get_data2(session, &data) < 0)
		return 0;
	size_t length = data.size <= room ? data.size : 0;
	memcpy(to, data.data, length);
	gnutls_free(data.data);
	return length;
}

static size_t session_save(struct tls_session *s, uint8_t *to, size_t room)
{
	return tls_save(s->gnutls, to, room);
}

const struct tls_session_functions tls_session_functions = {
	.server = session_server,
	.client = session_client,
	.free = session_free,
	.receive = session_receive,
	.send = session_send,
	.end = session_end,
	.state = session_state,
	.failure = session_failure,
	.error = session_error,
	.alpn = session_alpn,
	.resumed = session_resumed,
	.save = session_save,
};
