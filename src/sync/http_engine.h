/* What the module http_curl offers and http.c uses. It knows nothing of loops and fibers: it says what it waits for. */
#ifndef ISTHMUS_SYNC_HTTP_ENGINE_H
#define ISTHMUS_SYNC_HTTP_ENGINE_H

#include "sync/http.h"

enum http_interest {
	HTTP_READABLE = 1,
	HTTP_WRITABLE = 2,
};

/* Whom the engine calls; none of these may call the engine. */
struct http_host {
	void *owner;
	void (*watch)(void *owner, int fd, unsigned interest); /* 0: no more */
	void (*wait)(void *owner, long ms);                    /* call expired() then; -1: no time is set */
	/* A transfer has ended, and is gone. */
	void (*ended)(void *transfer_owner, const struct http_result *result);
};

struct http_engine {
	void *(*open)(const struct http_host *host);
	void (*close)(void *engine);
	/* Begins; gives the transfer, NULL without memory. */
	void *(*start)(void *engine, const struct http_request *r, void *transfer_owner);
	/* Ends it without ended(). */
	void (*cancel)(void *engine, void *transfer);
	/* Asks the request for `more` of its body. */
	void (*resume)(void *transfer);
	/* How many times something has come so far. */
	uint64_t (*progress)(const void *transfer);
	void (*ready)(void *engine, int fd, unsigned interest);
	void (*expired)(void *engine);
};

#define HTTP_ENGINE_SYMBOL "isthmus_http_engine"

#endif
