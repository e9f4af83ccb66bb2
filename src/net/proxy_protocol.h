/*
 * The PROXY protocol (haproxy's proxy-protocol.txt, versions 1 and 2): a proxy says in front of a connection, or of a datagram, for
 * whom it speaks.
 */
#ifndef ISTHMUS_NET_PROXY_PROTOCOL_H
#define ISTHMUS_NET_PROXY_PROTOCOL_H

#include "net/prefix.h"

/* What is done with a header. */
enum proxy_use {
	PROXY_SKIP,   /* it is not looked for */
	PROXY_USE,    /* whom it names is the client */
	PROXY_IGNORE, /* taken away, not believed */
	PROXY_REJECT, /* who sends one is refused */
};

/* Whose headers are believed. Immutable. */
struct proxy_policy {
	bool has_allowed;
	struct prefix_set allowed;  /* where there is one: those inside may speak for others */
	enum proxy_use otherwise;   /* all others; all, where there is none */
	uint64_t session_time;      /* ns that a header in a datagram holds for later ones of the same sender; 0: for its own alone */
	size_t sessions_max;
};

enum proxy_use proxy_use_for(const struct proxy_policy *p, const struct endpoint *peer);

enum proxy_result {
	PROXY_NONE,   /* what comes is no header */
	PROXY_MORE,   /* it may become one */
	PROXY_HEADER,
	PROXY_BAD,
};

enum { PROXY_HEADER_MAX = 2048 }; /* longer ones are bad */

struct proxy_header {
	size_t length;   /* octets of it */
	unsigned version;
	bool names;      /* source and destination are there: not so for what the proxy asks for itself */
	bool datagram;   /* it says that it stands in front of datagrams */
	struct endpoint source, destination;
};

/* Reads the header that these octets begin with; *why says what is wrong with a bad one. */
enum proxy_result proxy_header_read(
	const uint8_t *at, size_t length, struct proxy_header *h, const char **why);

#endif
