/*
 * An HTTP client for sources: the control thread alone. Whoever asks waits on its fiber; what comes is handed over
 * as it comes, so that no answer is ever held whole. Connections are kept and shared (HTTP/2 where the server has it).
 *
 * The engine is a module of its own, loaded with the first client (http_engine.h).
 */
#ifndef ISTHMUS_SYNC_HTTP_H
#define ISTHMUS_SYNC_HTTP_H

#include "base/arena.h"
#include "net/loop.h"
#include <stdatomic.h>

struct http_client;

/* Whom to trust, and who we are. NULL: the system's authorities (or those of SSL_CERT_FILE and SSL_CERT_DIR); no
 * certificate. Files hold PEM; data is PEM itself. */
struct http_tls {
	const char *authorities_file, *certificate_file, *key_file;
	const char *authorities_folder; /* of files named by hash, as OpenSSL has them */
	struct view authorities, certificate, key; /* in place of the files, where not empty */
	bool insecure; /* no certificate is verified */
};

/* All of it must stay until the request has ended. Times in ns; 0: no limit. */
struct http_request {
	const char *method;         /* NULL: GET */
	const char *url;
	const char *const *headers; /* "Name: value", ended by NULL; NULL: none */
	struct view body;
	const struct http_tls *tls;
	const char *proxy;          /* NULL: as the environment says */
	const char *connect_to;     /* "NAME:PORT:HOST:PORT": where a name of the URL really is; NULL: where it says */
	bool stay;                  /* a redirect is the answer: what is sent is for nobody else */
	uint64_t connect_timeout, timeout;
	uint64_t silence;           /* the connection is given up when nothing has come for so long */
	const char *unix_socket;    /* the path of a socket that is asked in place of the URL's host; NULL: none */
	bool http2;                 /* HTTP/2 from the first octet, in the clear, too (RFC 9113 3.3): for gRPC */
	const _Atomic bool *stop;   /* to be given up soon after this is set; may be NULL */

	/* The answer's head is there; false: give up. `type` is its Content-Type. May be NULL. */
	bool (*head)(void *owner, long status, struct view type);
	/* A field of the answer's head, or of what follows its body; false: give up. May be NULL. */
	bool (*field)(void *owner, struct view name, struct view value);
	/* The next octets of the body; false: give up. Must not wait. */
	bool (*receive)(void *owner, struct view octets);
	/* For a body that does not end (HTTP/2): what follows `body`, asked for when that is sent and about every 100 ms. The octets
	 * stay until it is called again; none: nothing now. False: give up. NULL: `body` is all. */
	bool (*more)(void *owner, struct view *octets);
	void *owner;
};

enum http_end {
	HTTP_DONE,      /* to its regular end */
	HTTP_REFUSED,   /* nobody listens there */
	HTTP_BROKEN,    /* the connection ended in the middle */
	HTTP_FAILED,    /* anything else: name, TLS, protocol, time */
	HTTP_GIVEN_UP,  /* by head(), receive() or `stop` */
};

struct http_result {
	enum http_end end;
	long status;        /* 0: no answer came */
	long retry_after;   /* seconds; 0: not said */
	char error[256];    /* why, where it is not HTTP_DONE */
};

/* NULL with *why (in the arena) when the engine cannot be loaded. Control thread, before or in its loop. */
struct http_client *http_client_new(struct loop *l, struct arena *arena, const char **why);

/* No request may be running. */
void http_client_free(struct http_client *c);

/* Sends the request and waits for the end of its answer. */
struct http_result http_perform(struct http_client *c, const struct http_request *r);

#endif
