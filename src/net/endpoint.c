/* Addresses with a port: from the kernel, from text, and as text. */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

const char *transport_name(enum transport t)
{
	static const char *const names[TRANSPORTS] = {
		[TRANSPORT_UDP] = "udp",
		[TRANSPORT_TCP] = "tcp",
		[TRANSPORT_TLS] = "tls",
		[TRANSPORT_HTTPS] = "https",
		[TRANSPORT_HTTPS3] = "https3",
		[TRANSPORT_QUIC] = "quic",
		[TRANSPORT_GRPC] = "grpc",
	};
	return t < TRANSPORTS ? names[t] : "?";
}

bool endpoint_is_wildcard(const struct endpoint *e)
{
	if (endpoint_is_v6(e))
		return IN6_IS_ADDR_UNSPECIFIED(&e->v6.sin6_addr);
	return e->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

uint16_t endpoint_port(const struct endpoint *e)
{
	return ntohs(endpoint_is_v6(e) ? e->v6.sin6_port : e->v4.sin_port);
}

void endpoint_set_port(struct endpoint *e, uint16_t port)
{
	if (endpoint_is_v6(e))
		e->v6.sin6_port = htons(port);
	else
		e->v4.sin_port = htons(port);
}

socklen_t endpoint_length(const struct endpoint *e)
{
	return endpoint_is_v6(e) ? sizeof e->v6 : sizeof e->v4;
}

struct view endpoint_address(const struct endpoint *e)
{
	if (endpoint_is_v6(e))
		return (struct view){ (const char *)&e->v6.sin6_addr, sizeof e->v6.sin6_addr };
	return (struct view){ (const char *)&e->v4.sin_addr, sizeof e->v4.sin_addr };
}

static struct endpoint from_v6(const struct sockaddr_in6 *v6)
{
	struct endpoint e = { .v6 = *v6 };
	if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return e;
	struct endpoint mapped = { .v4 = { .sin_family = AF_INET, .sin_port = v6->sin6_port } };
	memcpy(&mapped.v4.sin_addr, &v6->sin6_addr.s6_addr[12], sizeof mapped.v4.sin_addr);
	return mapped;
}

struct endpoint endpoint_from(const struct sockaddr *any)
{
	struct endpoint e = { .v6 = { 0 } };
	if (any->sa_family == AF_INET6) {
		memcpy(&e.v6, any, sizeof e.v6);
		return from_v6(&e.v6);
	}
	memcpy(&e.v4, any, sizeof e.v4);
	return e;
}

/* The number of the interface that a scoped address names: "eth0" or "3"; 0 if it is none. */
static uint32_t scope_parse(const char *text)
{
	uint64_t number;
	uint32_t index = if_nametoindex(text);
	if (!index && view_unsigned(view_of(text), UINT32_MAX, &number))
		index = (uint32_t)number;
	return index;
}

bool endpoint_parse_ip(struct view text, uint16_t port, struct endpoint *to)
{
	char copy[ENDPOINT_TEXT_MAX];
	if (text.length >= sizeof copy || memchr(text.at, 0, text.length))
		return false;
	memcpy(copy, text.at, text.length);
	copy[text.length] = 0;
	*to = (struct endpoint){ .v6 = { 0 } };
	if (inet_pton(AF_INET, copy, &to->v4.sin_addr) == 1) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		return true;
	}
	char *scope = strchr(copy, '%');
	if (scope) {
		*scope++ = 0;
		to->v6.sin6_scope_id = scope_parse(scope);
		if (!to->v6.sin6_scope_id)
			return false;
	}
	if (inet_pton(AF_INET6, copy, &to->v6.sin6_addr) != 1)
		return false;
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(port);
	return true;
}

static bool port_parse(struct view text, uint16_t *port)
{
	uint64_t number;
	if (!view_unsigned(text, UINT16_MAX, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

bool endpoint_parse(struct view text, uint16_t port, struct endpoint *to)
{
	if (text.length && text.at[0] == '[') {
		size_t end = view_find(text, ']');
		if (end == text.length)
			return false;
		struct view rest = view_skip(text, end + 1);
		if (rest.length && (rest.at[0] != ':' || !port_parse(view_skip(rest, 1), &port)))
			return false;
		struct view inside = { text.at + 1, end - 1 };
		return view_find(inside, ':') < inside.length && endpoint_parse_ip(inside, port, to);
	}
	size_t colon = view_find(text, ':');
	bool one_colon = colon < text.length &&
			 view_find(view_skip(text, colon + 1), ':') == text.length - colon - 1;
	if (!one_colon)
		return endpoint_parse_ip(text, port, to);
	return port_parse(view_skip(text, colon + 1), &port) &&
	       endpoint_parse_ip(view_first(text, colon), port, to);
}

size_t endpoint_print_ip(const struct endpoint *e, char to[static ENDPOINT_TEXT_MAX])
{
	if (!endpoint_is_v6(e)) {
		inet_ntop(AF_INET, &e->v4.sin_addr, to, ENDPOINT_TEXT_MAX);
		return strlen(to);
	}
	inet_ntop(AF_INET6, &e->v6.sin6_addr, to, ENDPOINT_TEXT_MAX);
	size_t length = strlen(to);
	char interface[IF_NAMESIZE];
	if (!e->v6.sin6_scope_id)
		return length;
	if (if_indextoname(e->v6.sin6_scope_id, interface))
		snprintf(to + length, ENDPOINT_TEXT_MAX - length, "%%%s", interface);
	else
		snprintf(to + length, ENDPOINT_TEXT_MAX - length, "%%%u", e->v6.sin6_scope_id);
	return strlen(to);
}

size_t endpoint_print(const struct endpoint *e, char to[static ENDPOINT_TEXT_MAX])
{
	char ip[ENDPOINT_TEXT_MAX];
	size_t length = endpoint_print_ip(e, ip);
	int printed = snprintf(to, ENDPOINT_TEXT_MAX, endpoint_is_v6(e) ? "[%.*s]:%u" : "%.*s:%u",
		(int)length, ip, endpoint_port(e));
	return printed < ENDPOINT_TEXT_MAX ? (size_t)printed : ENDPOINT_TEXT_MAX - 1;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	if (endpoint_is_v6(a) != endpoint_is_v6(b) || endpoint_port(a) != endpoint_port(b))
		return false;
	if (endpoint_is_v6(a) && a->v6.sin6_scope_id != b->v6.sin6_scope_id)
		return false;
	return view_equal(endpoint_address(a), endpoint_address(b));
}
