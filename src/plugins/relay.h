/* What plugins that pass queries on to other servers have in common: which queries, in which order the servers are tried, whom they
 * trust, and how an answer becomes the reply. */
#ifndef ISTHMUS_PLUGINS_RELAY_H
#define ISTHMUS_PLUGINS_RELAY_H

#include "net/upstream.h"
#include "server/credentials.h"
#include "server/plugin.h"

enum policy {
	POLICY_RANDOM,
	POLICY_ROUND_ROBIN,
	POLICY_SEQUENTIAL,
};

/* Part of a plugin's state. */
struct relay {
	struct name from;
	struct name *except;
	size_t except_count;
	enum policy policy;
	_Atomic uint32_t turn; /* round_robin */
	struct view tls_server_name;
	struct credentials credentials; /* of encrypted upstreams; opened by relay_load() */
};

/* Readers of options and words, in CoreDNS's words for what is wrong. relay_read_from() gives how many zones the word stands for, of
 * which the first is taken; 0 after an error. */
size_t relay_read_from(struct setup *s, struct relay *r, struct view word);
bool relay_read_except(struct setup *s, struct relay *r);
bool relay_read_tls(struct setup *s, struct relay *r);
bool relay_read_policy(struct setup *s, struct relay *r);

/* Loads the certificates that relay_read_tls() has named, and follows their files once started. */
bool relay_load(struct setup *s, struct relay *r);
void relay_start(struct plugin *self, struct relay *r);

/* Whether queries for this name are passed on. */
bool relay_takes(const struct relay *r, struct name qname);

/* The indices of `count` servers in the order in which they are to be tried. */
void relay_order(struct relay *r, size_t count, uint16_t *order);

/* An answer as it was received. */
struct relay_answer {
	const uint8_t *wire;
	size_t length;
	bool stream;  /* not by UDP: it is not cut short */
	bool renamed; /* its question's letters are not the client's */
};

/* The reply to a query that an answer is, NULL with *error when it cannot be read. `wire` must live as long as the query. */
struct message *relay_reply(struct query *q, const struct relay_answer *answer, const char **error);

#endif
