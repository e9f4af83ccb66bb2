/* AWS Signature Version 4: the header that shows whose a request is. */
#ifndef ISTHMUS_SYNC_AWS_SIGNATURE_H
#define ISTHMUS_SYNC_AWS_SIGNATURE_H

#include "base/arena.h"

struct aws_keys {
	struct view id, secret;
	struct view token; /* of temporary credentials; empty: none */
};

/* A header that is signed beside Host, X-Amz-Date and X-Amz-Security-Token; its name in lower case. */
struct aws_header {
	const char *name;
	struct view value;
};

enum { AWS_HEADERS_MAX = 8 };

struct aws_request {
	const char *method;
	struct view url;  /* whole, without a fragment; percent-encoded but for octets of UTF-8 */
	const struct aws_header *headers;
	size_t header_count; /* at most AWS_HEADERS_MAX */
	struct view body;
	struct view region, service;
	int64_t time; /* seconds since 1970 */
};

/* Lines for a request's head; in the arena. */
struct aws_signed {
	const char *authorization, *date;
	const char *token; /* NULL: there is none to send */
};

/* Signs. False when the cryptography library cannot be had, or the URL is none. */
bool aws_sign(struct arena *arena, const struct aws_keys *keys, const struct aws_request *r,
	struct aws_signed *to);

#endif
