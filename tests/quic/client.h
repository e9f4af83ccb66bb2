/*
 * A QUIC client for tests: many connections at once, streams that are sent octet by octet or never
 * ended, HTTP/3 requests. It does what lines on its standard input say, and writes a line for each
 * thing that happens; see main.c.
 */
#ifndef ISTHMUS_TESTS_QUIC_CLIENT_H
#define ISTHMUS_TESTS_QUIC_CLIENT_H

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was given to a stream to be sent. */
struct stream {
	struct stream *next;
	int64_t id;
	uint8_t *octets;
	size_t length, sent;
	bool ends, ended, blocked;
};

/* Octets that are kept to the end of their connection: what they are sent from may be asked for again. */
struct body {
	struct body *next;
	uint8_t *octets;
	size_t length;
	bool given;
};

struct options {
	const char *port, *alpn, *name, *authorities, *certificate, *key;
	uint8_t prefix[256]; /* put in front of each datagram */
	size_t prefix_length;
	bool mute; /* nothing that comes is read, only counted */
	struct client *resume; /* whose TLS session it goes on from, or NULL */
};

struct client {
	unsigned number;
	int fd; /* -1: closed */
	struct options options;
	struct sockaddr_in local, remote;
	ngtcp2_conn *conn;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t credentials;
	ngtcp2_crypto_conn_ref reference;
	nghttp3_conn *http3; /* NULL: none */
	struct stream *streams;
	struct body *bodies;
	size_t octets_sent, octets_received, retries;
	bool open;
	/* `load`: what is asked again and again */
	uint8_t *question;
	size_t question_length, to_ask, asked, answered;
	uint64_t load_began;
};

uint64_t now(void);
void say(const struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_octets(
	const struct client *c, const char *what, int64_t id, const uint8_t *octets, size_t length);

/* connection.c */
void client_open(struct client *c);
void client_rebind(struct client *c);
void client_readable(struct client *c);
void client_expired(struct client *c);
void client_write(struct client *c);
void client_close(struct client *c);
void client_failed(struct client *c, const char *what, int error);
int64_t client_send(struct client *c, int64_t id, const uint8_t *octets, size_t length, bool ends);

/* `count` queries, `window` of them at once; says when all are answered. */
void client_load(
	struct client *c, const uint8_t *octets, size_t length, size_t count, size_t window);

/* Keeps them; gives the kept ones. */
struct body *client_keep(struct client *c, uint8_t *octets, size_t length);

/* http3.c */
void http3_open(struct client *c);
void http3_request(
	struct client *c, char **fields, size_t count, const uint8_t *body, size_t length);
void http3_receive(struct client *c, int64_t id, const uint8_t *octets, size_t length, bool ended);

#endif
