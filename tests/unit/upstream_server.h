/*
 * A DNS server for tests of forwarding, on a thread of its own, over UDP and TCP (or TLS) at one port. What it does with a query is said
 * by the first label of its name, in lower case, up to a hyphen:
 *     ok       answers with an A record
 *     lies     before the answer: one with a wrong id, one with another question, garbage, three octets, one without QR
 *     liar     only these
 *     lower    answers with the question's name in lower case
 *     slow     answers after 300 ms
 *     silent   never answers
 *     closes   TCP: answers and closes the connection
 *     cut      UDP: answers with TC; TCP: as ok
 *     broken   answers with a record that is cut short
 *     refuse   REFUSED
 *     empty    NOERROR without records
 */
#ifndef ISTHMUS_TEST_UPSTREAM_SERVER_H
#define ISTHMUS_TEST_UPSTREAM_SERVER_H

#include "dns/message.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/doh.h"
#include "net/http_connection.h"
#include "net/quic/quic.h"
#include "net/tcp.h"
#include "net/udp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct upstream_server {
	pthread_t thread;
	struct loop *loop;
	struct endpoint local;
	int udp_fd;
	struct udp_listener *udp;
	struct tcp_listener *tcp;
	struct quic_listener *quic_listener;
	enum transport quic; /* TRANSPORT_QUIC, TRANSPORT_HTTPS3: it is spoken at the port of UDP, in place of plain DNS */
	struct tls_credentials *credentials; /* NULL: TCP is in the clear */
	const struct http2_settings *http; /* NULL: DNS messages with their length */
	size_t quic_streams; /* that a client may have open at once; 0: as usual */
	_Atomic bool ready;
	_Atomic unsigned udp_queries, tcp_queries;
	_Atomic unsigned ports[64], ids[64]; /* of the first UDP queries */
};

static bool upstream_server_is(const struct incoming *in, const char *how)
{
	size_t length = strlen(how);
	const uint8_t *label = in->wire + HEADER_SIZE;
	if (label[0] < length || (label[0] > length && label[1 + length] != '-'))
		return false;
	for (size_t i = 0; i < length; i++)
		if ((label[1 + i] | 0x20) != how[i])
			return false;
	return true;
}

/* The query with QR set, and an A record for its name. */
static size_t upstream_server_answer(const struct incoming *in, uint8_t *to)
{
	static const uint8_t record[] = { 0xc0, HEADER_SIZE, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };
	size_t end = HEADER_SIZE;
	while (in->wire[end])
		end += 1u + in->wire[end];
	end += 5;
	memcpy(to, in->wire, end);
	to[2] |= 0x80;
	memset(to + 6, 0, 6);
	to[7] = 1;
	memcpy(to + end, record, sizeof record);
	return end + sizeof record;
}

static void upstream_server_lie(struct upstream_server *s, const struct incoming *in)
{
	uint8_t lie[1024];
	size_t length = upstream_server_answer(in, lie);
	const struct sockaddr *to = &in->client.any;
	socklen_t to_length = endpoint_length(&in->client);
	lie[1] ^= 1;
	sendto(s->udp_fd, lie, length, 0, to, to_length);
	lie[1] ^= 1;
	lie[HEADER_SIZE + 1] = 'x';
	sendto(s->udp_fd, lie, length, 0, to, to_length);
	memcpy(lie + HEADER_SIZE, in->wire + HEADER_SIZE, 8);
	lie[2] &= 0x7f;
	sendto(s->udp_fd, lie, length, 0, to, to_length);
	sendto(s->udp_fd, lie, 3, 0, to, to_length);
	memset(lie + 2, 0xff, 200);
	sendto(s->udp_fd, lie, 202, 0, to, to_length);
}

static void upstream_server_count(struct upstream_server *s, const struct incoming *in)
{
	if (in->transport != TRANSPORT_UDP) {
		s->tcp_queries++;
		return;
	}
	unsigned n = s->udp_queries++ % 64;
	s->ports[n] = endpoint_port(&in->client);
	s->ids[n] = (unsigned)in->wire[0] << 8 | in->wire[1];
}

static void upstream_server_handle(struct incoming *in)
{
	struct upstream_server *s = in->listener;
	bool tcp = in->transport != TRANSPORT_UDP;
	upstream_server_count(s, in);
	if (upstream_server_is(in, "silent"))
		return;
	if (upstream_server_is(in, "lies") || upstream_server_is(in, "liar"))
		upstream_server_lie(s, in);
	if (upstream_server_is(in, "liar"))
		return;
	if (upstream_server_is(in, "slow"))
		fiber_sleep(300 * NS_PER_MS);
	in->answer_length = upstream_server_answer(in, in->answer);
	if (upstream_server_is(in, "lower"))
		for (size_t i = HEADER_SIZE; i < in->answer_length - 20; i++)
			if (in->answer[i] >= 'A' && in->answer[i] <= 'Z')
				in->answer[i] |= 0x20;
	if (upstream_server_is(in, "cut") && !tcp)
		in->answer[2] |= 0x02;
	if (upstream_server_is(in, "broken"))
		in->answer_length -= 2;
	if (upstream_server_is(in, "refuse") || upstream_server_is(in, "empty")) {
		in->answer[7] = 0;
		in->answer_length -= 16;
	}
	if (upstream_server_is(in, "refuse"))
		in->answer[3] |= 5;
	in->close = upstream_server_is(in, "closes");
}

static struct tls_credentials *upstream_server_credentials(void *listener)
{
	return ((struct upstream_server *)listener)->credentials;
}

static void upstream_server_quic_counted(void *listener, uint64_t code)
{
	(void)listener;
	(void)code;
}

static struct quic_listener *upstream_server_quic(struct upstream_server *s)
{
	struct quic_shared *shared = quic_shared_new(1);
	bool http3 = s->quic == TRANSPORT_HTTPS3;
	const struct quic_service service = { .application =
						      http3 ? transports->quic->http3 : transports->quic->doq,
		.credentials = upstream_server_credentials,
		.http3 = &doh_service,
		.counted = upstream_server_quic_counted,
		.shared = shared,
		.handle = upstream_server_handle,
		.listener = s };
	struct quic_limits limits = quic_limits_default;
	if (s->quic_streams)
		limits.streams = s->quic_streams;
	struct quic_listener *q = quic_listen(s->loop, s->udp_fd, &s->local, &limits, &service);
	quic_shared_release(shared);
	return q;
}

static void *upstream_server_run(void *data)
{
	struct upstream_server *s = data;
	const char *step;
	int tcp = -1;
	s->loop = loop_new(0);
	endpoint_parse_ip(VIEW("127.0.0.1"), 0, &s->local);
	for (int tries = 0; tries < 20 && tcp < 0; tries++) {
		struct sockaddr_in bound;
		socklen_t length = sizeof bound;
		endpoint_set_port(&s->local, 0);
		s->udp_fd = udp_open(&s->local, &step);
		getsockname(s->udp_fd, (struct sockaddr *)&bound, &length);
		endpoint_set_port(&s->local, ntohs(bound.sin_port));
		tcp = tcp_open(&s->local, &step);
		if (tcp < 0)
			close(s->udp_fd);
	}
	if (s->quic)
		s->quic_listener = upstream_server_quic(s);
	else
		s->udp = udp_listen(s->loop, s->udp_fd, &s->local, upstream_server_handle, s);
	const struct tcp_service service = { .transport = TRANSPORT_TCP,
		.credentials = upstream_server_credentials,
		.protocol = s->http ? &http2_protocol : NULL,
		.options = s->http,
		.alpn = s->http ? http2_alpn : NULL,
		.handle = upstream_server_handle,
		.listener = s };
	s->tcp = tcp_listen(s->loop, tcp, &s->local, &tcp_limits_default, &service);
	atomic_store(&s->ready, true);
	loop_run(s->loop);
	return NULL;
}

/* Starts one whose credentials, http and quic are set. */
static void upstream_server_start(struct upstream_server *s)
{
	pthread_create(&s->thread, NULL, upstream_server_run, s);
	while (!atomic_load(&s->ready))
		usleep(1000);
}

static void upstream_server_end(void *data)
{
	struct upstream_server *s = data;
	if (s->quic)
		quic_release(s->quic_listener);
	else
		udp_release(s->udp);
	tcp_release(s->tcp);
	loop_stop(s->loop);
}

static void upstream_server_stop(struct upstream_server *s)
{
	loop_post(s->loop, upstream_server_end, s);
	pthread_join(s->thread, NULL);
	loop_free(s->loop);
}

#endif
