/*
 * What the server does with a query, step by step: which block takes it, what each plugin of the
 * chain makes of it, where its data comes from and how old that is. For `isthmus explain`.
 */
#ifndef ISTHMUS_SERVER_EXPLAIN_H
#define ISTHMUS_SERVER_EXPLAIN_H

#include "server/config.h"
#include "server/worker.h"

enum { EXPLAIN_LINE_MAX = 1024 };

/* A question as a client would ask it. */
struct explain_question {
	struct name qname;
	uint16_t qtype;
	struct endpoint client;
	bool over_tcp, wants_dnssec;
	struct view at; /* the listener's name ("dns://:53") or address (":53"); empty: each that
			   has a block for the name */
};

/*
 * Reads a question from words, in any order but for the name, which is first: "www.example.org MX
 * from=192.0.2.1 at=dns://:53 tcp do". Memory from the arena. False with *why (in the arena).
 */
bool explain_read(
	struct arena *arena, struct view words, struct explain_question *q, const char **why);

/* Asks the configuration, which is live or rehearses, and writes what came of it. Waits on a fiber
 * of the control thread. */
void explain(struct config *config, struct worker *workers, const struct explain_question *q,
	struct text *to);

#endif
