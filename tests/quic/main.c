/*
 * The client's commands, one a line, words separated by tabs; C is the number that `connect` gave.
 *
 *     connect PORT [alpn=NAME] [name=SNI] [verify=AUTHORITIES] [cert=FILE] [key=FILE]
 *             [prefix=HEX] [resume=C] [mute]
 *     send C HEX fin|nofin            a new stream
 *     more C STREAM HEX fin|nofin     more of it
 *     load C HEX COUNT WINDOW         so many streams with it, a window of them at once
 *     request C HEX NAME=VALUE...     an HTTP/3 request, HEX its body
 *     reset C STREAM CODE             RESET_STREAM
 *     stop C STREAM CODE              STOP_SENDING
 *     rekey C                         a key update
 *     rebind C                        goes on from another port, as if a NAT had forgotten it
 *     mute C                          from now on nothing that comes is read, only counted
 *     count                           octets sent and received, Retry packets received, by all
 *     close C
 *
 * What happens, one a line:
 *
 *     C connecting, C open new|resumed, C retry, C rekey TEXT, C failed TEXT
 *     C closed CODE application|transport
 *     C stream ID, C data ID HEX, C end ID, C reset ID CODE, C stopped ID CODE
 *     C loaded COUNT SECONDS
 *     C field ID NAME VALUE, C goaway ID
 *
 * It ends with its standard input.
 */
#include "client.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 4096, WORDS_MAX = 40, LINE_MAX_LENGTH = 1 << 18 };

static struct client *clients[CLIENTS_MAX];
static unsigned client_count;

uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NGTCP2_SECONDS + (uint64_t)t.tv_nsec;
}

void say(const struct client *c, const char *format, ...)
{
	va_list args;
	printf("%u ", c->number);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void say_octets(
	const struct client *c, const char *what, int64_t id, const uint8_t *octets, size_t length)
{
	printf("%u %s %lld ", c->number, what, (long long)id);
	for (size_t i = 0; i < length; i++)
		printf("%02x", octets[i]);
	putchar('\n');
	fflush(stdout);
}

/* --- commands --- */

static size_t from_hex(const char *text, uint8_t *to, size_t room)
{
	size_t length = 0;
	unsigned octet;
	while (length < room && sscanf(text, "%2x", &octet) == 1) {
		to[length++] = (uint8_t)octet;
		text += text[1] ? 2 : 1;
	}
	return length;
}

static void run_connect(char **words, size_t count)
{
	struct client *c = calloc(1, sizeof *c);
	struct options *o = &c->options;
	c->number = client_count;
	o->port = strdup(words[1]);
	o->alpn = "doq";
	for (size_t i = 2; i < count; i++) {
		char *value = strchr(words[i], '=');
		if (strcmp(words[i], "mute") == 0)
			o->mute = true;
		if (!value)
			continue;
		*value++ = 0;
		if (strcmp(words[i], "prefix") == 0)
			o->prefix_length = from_hex(value, o->prefix, sizeof o->prefix);
		if (strcmp(words[i], "resume") == 0 && (unsigned)atoi(value) < client_count)
			o->resume = clients[atoi(value)];
		const char **to = strcmp(words[i], "alpn") == 0	    ? &o->alpn
				  : strcmp(words[i], "name") == 0   ? &o->name
				  : strcmp(words[i], "verify") == 0 ? &o->authorities
				  : strcmp(words[i], "cert") == 0   ? &o->certificate
				  : strcmp(words[i], "key") == 0    ? &o->key
								    : NULL;
		if (to)
			*to = strdup(value);
	}
	if (client_count == CLIENTS_MAX)
		exit(1);
	clients[client_count++] = c;
	say(c, "connecting");
	client_open(c);
}

static void run_count(void)
{
	size_t sent = 0, received = 0, retries = 0;
	for (unsigned i = 0; i < client_count; i++) {
		sent += clients[i]->octets_sent;
		received += clients[i]->octets_received;
		retries += clients[i]->retries;
	}
	printf("count %zu %zu %zu\n", sent, received, retries);
	fflush(stdout);
}

static void run_on(struct client *c, char **words, size_t count)
{
	static uint8_t octets[LINE_MAX_LENGTH / 2];
	const char *command = words[0];
	if (strcmp(command, "send") == 0 && count == 4) {
		size_t length = from_hex(words[2], octets, sizeof octets);
		say(c, "stream %lld",
			(long long)client_send(
				c, -1, octets, length, strcmp(words[3], "fin") == 0));
	} else if (strcmp(command, "more") == 0 && count == 5) {
		size_t length = from_hex(words[3], octets, sizeof octets);
		client_send(c, atoll(words[2]), octets, length, strcmp(words[4], "fin") == 0);
	} else if (strcmp(command, "load") == 0 && count == 5) {
		size_t length = from_hex(words[2], octets, sizeof octets);
		client_load(c, octets, length, (size_t)atol(words[3]), (size_t)atol(words[4]));
	} else if (strcmp(command, "request") == 0 && count >= 4 && c->http3) {
		size_t length = from_hex(words[2], octets, sizeof octets);
		http3_request(c, words + 3, count - 3, octets, length);
	} else if (strcmp(command, "reset") == 0 && count == 4) {
		ngtcp2_conn_shutdown_stream_write(
			c->conn, atoll(words[2]), strtoull(words[3], NULL, 0));
	} else if (strcmp(command, "stop") == 0 && count == 4) {
		ngtcp2_conn_shutdown_stream_read(
			c->conn, atoll(words[2]), strtoull(words[3], NULL, 0));
	} else if (strcmp(command, "rekey") == 0) {
		int error = ngtcp2_conn_initiate_key_update(c->conn, now());
		say(c, "rekey %s", error ? ngtcp2_strerror(error) : "begun");
	} else if (strcmp(command, "rebind") == 0) {
		client_rebind(c);
	} else if (strcmp(command, "mute") == 0) {
		c->options.mute = true;
	} else if (strcmp(command, "close") == 0) {
		client_failed(c, "", 0);
		return;
	} else {
		fprintf(stderr, "what is %s?\n", command);
		exit(2);
	}
	client_write(c);
}

static void run(char *line)
{
	char *words[WORDS_MAX], *at = line;
	size_t count = 0;
	while (count < WORDS_MAX && (words[count] = strsep(&at, "\t")))
		count++;
	if (strcmp(words[0], "connect") == 0 && count > 1) {
		run_connect(words, count);
	} else if (strcmp(words[0], "count") == 0) {
		run_count();
	} else {
		unsigned number = count > 1 ? (unsigned)atoi(words[1]) : CLIENTS_MAX;
		if (number >= client_count) {
			fprintf(stderr, "no such connection: %s\n", line);
			exit(2);
		}
		if (clients[number]->fd >= 0)
			run_on(clients[number], words, count);
	}
}

/* Runs the whole lines of what came; false at the end. */
static bool read_commands(void)
{
	static char buffer[2 * LINE_MAX_LENGTH];
	static size_t length;
	ssize_t got = read(0, buffer + length, sizeof buffer - length);
	if (got <= 0)
		return false;
	length += (size_t)got;
	char *start = buffer, *end;
	while ((end = memchr(start, '\n', length - (size_t)(start - buffer)))) {
		*end = 0;
		run(start);
		start = end + 1;
	}
	length -= (size_t)(start - buffer);
	memmove(buffer, start, length);
	return true;
}

/* --- the loop --- */

static int time_left(void)
{
	uint64_t first = UINT64_MAX, at = now();
	for (unsigned i = 0; i < client_count; i++) {
		struct client *c = clients[i];
		if (c->fd < 0 || c->options.mute)
			continue;
		uint64_t expiry = ngtcp2_conn_get_expiry(c->conn);
		first = expiry < first ? expiry : first;
	}
	if (first == UINT64_MAX)
		return -1;
	return first <= at ? 0 : (int)((first - at) / NGTCP2_MILLISECONDS) + 1;
}

int main(void)
{
	static struct pollfd polled[CLIENTS_MAX + 1];
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	for (;;) {
		polled[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
		unsigned count = client_count;
		for (unsigned i = 0; i < count; i++)
			polled[i + 1] = (struct pollfd){ .fd = clients[i]->fd, .events = POLLIN };
		poll(polled, count + 1, time_left());
		for (unsigned i = 0; i < count; i++) {
			struct client *c = clients[i];
			if (c->fd >= 0 && polled[i + 1].revents)
				client_readable(c);
			if (c->fd >= 0 && !c->options.mute &&
				ngtcp2_conn_get_expiry(c->conn) <= now())
				client_expired(c);
		}
		if (polled[0].revents && !read_commands())
			break;
	}
	for (unsigned i = 0; i < client_count; i++) {
		if (clients[i]->fd >= 0)
			client_failed(clients[i], "", 0);
	}
	return 0;
}
