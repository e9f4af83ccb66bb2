/* Answers of token services (RFC 6749 5, RFC 8693 2.2): a token and how long it is good, or an error. */
#ifndef ISTHMUS_SYNC_TOKEN_ANSWER_H
#define ISTHMUS_SYNC_TOKEN_ANSWER_H

#include "sync/bearer.h"
#include "sync/http.h"

enum { TOKEN_SECRETS_MAX = 3 };

struct token_request {
	struct http_request http;
	const char *what;                        /* begins what is said of a failure */
	struct view secrets[TOKEN_SECRETS_MAX]; /* in the request: taken out of what is said */
};

/*
 * Sends the request, again where that may help, and reads the answer, whose members may be called as RFC 6749, Google's IAM or Azure
 * do. *why has the error that the service named, and nothing else of what it sent.
 */
enum bearer_outcome token_request_send(struct http_client *http, const struct token_request *r, struct arena *arena,
	struct bearer_grant *grant, const char **why);

/* Reads a whole answer of success: a token and its lifetime, from the time that is given (seconds since 1970) on. False if it has
 * no token, or says that it is over. */
bool token_read(struct arena *arena, struct view body, double now, struct bearer_grant *grant);

#endif
