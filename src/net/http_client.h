/* What an HTTP client asks and is answered, whatever the version: http2_client.h, quic/client.h. */
#ifndef ISTHMUS_NET_HTTP_CLIENT_H
#define ISTHMUS_NET_HTTP_CLIENT_H

#include "base/view.h"

enum {
	HTTP_CLIENT_BODY_MAX = 65535 + 32, /* of a response: a DNS message in what frames it */
	HTTP_CLIENT_FIELDS_MAX = 8,
	HTTP_CLIENT_HEAD_MAX = 16 << 10, /* octets of a response's fields */
};

/* What is asked. All is copied. */
struct http_client_request {
	unsigned field_count;
	struct {
		const char *name; /* in lower case, pseudo-fields first; literals */
		struct view value;
	} fields[HTTP_CLIENT_FIELDS_MAX];
	struct view body; /* empty: none */
};

/* A response, or what became of the request without one. */
struct http_client_response {
	unsigned status; /* 0: there was none */
	bool untouched;  /* the server has not begun with it: it may be asked again (RFC 9113 8.7, RFC 9114 4.1.1) */
	struct view body;
	int grpc_status; /* -1: it says none */
	struct view grpc_message;
};

#endif
