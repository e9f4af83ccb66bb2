/*
 * The query's life: one struct that every plugin of the chain sees, with the request, where it came from, and the
 * reply as a value. All its memory is one arena that ends with it.
 */
#ifndef ISTHMUS_SERVER_QUERY_H
#define ISTHMUS_SERVER_QUERY_H

#include "base/arena.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "net/endpoint.h"

struct block;
struct incoming;
struct listener;
struct plugin;

/* What a plugin's serve() may give beside an rcode: nothing is sent, the client is left without an answer. */
enum { SERVE_DROP = -1 };

/* Whether the server writes a bare reply with this rcode when serve() gave it and nobody replied. */
static inline bool serve_is_error(int served)
{
	return served == RCODE_FORMERR || served == RCODE_SERVFAIL || served == RCODE_NOTIMP ||
	       served == RCODE_REFUSED;
}

/* A value that one plugin leaves for others: "kubernetes/namespace", "view/name". */
struct metadata {
	struct metadata *next;
	const char *label;
	struct view value;
};

/* What one plugin did with the query, or with one that the server asked itself for it; recorded only while q->trace is set. */
struct trace_step {
	struct trace_step *next;
	const struct plugin *plugin;
	struct name qname; /* as the plugin found it */
	uint16_t qtype;
	unsigned depth;     /* of lookups that the server asks itself: 0 is the client's query */
	bool took_no_part;  /* a filter that left the query to other blocks: nothing below is set but `why` */
	int result;         /* what serve() gave */
	uint16_t rcode;     /* of the reply, where it answered */
	bool answered;      /* the reply was there when it returned, and was not when the next one was called */
	bool passed_on;     /* it called next() */
	const char *why;    /* what the plugin itself says with query_why(); NULL if nothing */
	const char *error;  /* what it said with query_fail() */
	const char *source; /* see plugin_type.source; NULL if it has nothing to say */
	uint64_t ns;
};

struct trace {
	struct trace_step *first, **last;
	struct trace_step *running; /* of the plugin whose serve() runs now */
};

/*
 * `request` is as the client sent it, but for what plugins change in it on purpose (rewrite: question; bufsize: EDNS
 * size); what is changed stays so for the plugins further out when the answer comes back. `name` is always
 * request.question.name in lower case: whoever changes the one sets both by query_set_question(). `reply` is NULL until
 * somebody answers.
 */
struct query {
	struct arena *arena;
	struct message request;
	struct name name;
	struct message *reply;
	const struct plugin *answered_by; /* who set `reply` last, for metrics; kept by next() */
	const struct message *answered;   /* the reply that answered_by set */
	const char *error;                /* why serve() gave an error rcode: for `errors`; NULL if there is nothing to say */

	struct endpoint client, local;
	enum transport transport;
	size_t wire_length; /* octets of the request as it came */
	struct view wire;   /* the request as it came: for TSIG and dnstap alone */
	uint64_t started;   /* clock_batch() when it came */
	uint64_t deadline;  /* set by `cancel`, or the client (gRPC); 0: none. Whoever waits gives up then */

	const struct listener *listener; /* where it came in */
	const struct block *block;       /* who answers it */
	struct incoming *incoming; /* for query_send(); NULL in lookups that the server asks itself */
	unsigned worker;    /* which worker: index of per-worker state, 0.. */
	unsigned depth;     /* of lookups that the server asks itself, see query_lookup */
	unsigned lookups;   /* how many of them the client's query has come to so far */
	struct metadata *metadata;
	struct trace *trace;
	struct name_buffer lower_room; /* of `name` as it came */
};

static inline uint16_t query_type(const struct query *q)
{
	return q->request.question.type;
}

static inline uint16_t query_class(const struct query *q)
{
	return q->request.question.class;
}

/* Whether answers go over something without a size limit: TCP, TLS, HTTPS, QUIC, gRPC. */
static inline bool query_is_stream(const struct query *q)
{
	return q->transport != TRANSPORT_UDP;
}

/* Whether it came by a transport that is meant to be encrypted. */
static inline bool query_is_encrypted(const struct query *q)
{
	return q->transport != TRANSPORT_UDP && q->transport != TRANSPORT_TCP;
}

/* Whether it came in datagrams: over UDP, or over QUIC, which CoreDNS counts as UDP. */
static inline bool query_is_datagram(const struct query *q)
{
	return q->transport == TRANSPORT_UDP || q->transport == TRANSPORT_QUIC ||
	       q->transport == TRANSPORT_HTTPS3;
}

/* What "{proto}" and the label proto say: "udp" or "tcp". */
static inline const char *query_proto(const struct query *q)
{
	return query_is_datagram(q) ? "udp" : "tcp";
}

static inline bool query_wants_dnssec(const struct query *q)
{
	return q->request.edns.present && (q->request.edns.flags & EDNS_DO) != 0;
}

/* The size that the client takes: EDNS size or 512 over UDP, 65,535 else. */
size_t query_reply_size(const struct query *q);

/* Changes the question (rewrite); the name is kept, not copied. */
void query_set_question(struct query *q, struct name name, uint16_t type, uint16_t class);

/* A copy that outlives the query: what is asked and where it came from, without records, reply, metadata and deadline. It is valid
 * for as long as the configuration is: until epoch_leave() for who has called epoch_enter(). */
struct query *query_copy(struct arena *a, const struct query *from);

/* --- answering --- */

enum reply_flag {
	REPLY_AA = FLAG_AA,
	REPLY_RA = FLAG_RA,
	REPLY_TC = FLAG_TC,
};

/* A new, empty reply to q (question, id, opcode, RD and CD copied; QR set), put into q->reply. */
struct message *reply_new(struct query *q, uint16_t rcode, unsigned flags);

/* Adds a record of class IN, whatever class was asked for, to a section; owner and rdata are kept, not copied. */
void reply_add(struct query *q, enum section_id s, struct name owner, uint16_t type, uint32_t ttl,
	struct view rdata);

/* The same with the class of the question, for data that any class may have. */
void reply_add_as_asked(struct query *q, enum section_id s, struct name owner, uint16_t type,
	uint32_t ttl, struct view rdata);

/* The sections of q->reply, decoded first if it is kept encoded. Call this before looking into a reply that may have come
 * from `cache`. */
struct message *reply_open(struct query *q);

/* The OPT of q->reply, to add options to: if no plugin has made one, that which answers the query's. The query has one. */
struct edns *reply_edns(struct query *q);

/* An error for serve() to give: `return query_fail(q, RCODE_SERVFAIL, "no route to %s", where)`. The server writes a bare
 * reply with this rcode; `errors` prints the text. */
int query_fail(struct query *q, uint16_t rcode, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Says why the plugin did what it did, for the trace; costs a test when no trace is asked for. */
#define query_why(q, ...) ((q)->trace ? query_why_text((q), __VA_ARGS__) : (void)0)
void query_why_text(struct query *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* From now on queries' options of this code go back in replies that have no OPT of their own (`rewrite edns0 local`). */
void edns_code_register(uint16_t code);
bool edns_code_registered(uint16_t code);

/* --- several messages --- */

/* Whether the client takes more than one message as an answer (zone transfers over TCP and TLS). */
bool query_may_send(const struct query *q);

/*
 * Sends q->reply ahead of the one that will be there when serve() returns, and takes it away; it may wait until the client takes more.
 * False: the client is gone, what is left of the answer is of no use. Only where query_may_send().
 */
bool query_send(struct query *q);

/* --- metadata --- */

/* The value of a label; false if nobody set it. */
bool metadata_get(const struct query *q, struct view label, struct view *value);

/* Sets a label; `label` is a literal or lives as long as the query, the value is kept, not copied. */
void metadata_set(struct query *q, const char *label, struct view value);

/* --- asking the server itself --- */

/*
 * Sends a question of class IN through the whole server from the top, as `rewrite cname`, `template` and zones with CNAMEs out of
 * them do; same client, same EDNS. The answer in *answer (NULL if no plugin gave one; owned by q's arena), the rcode as result.
 * Gives RCODE_SERVFAIL without asking when `depth` is over 8, or when the client's query has come to 100 of them.
 */
int query_lookup(struct query *q, struct name name, uint16_t type, struct message **answer);

/* --- classification (response classes of CoreDNS) --- */

enum response_type {
	RESPONSE_NOERROR,
	RESPONSE_NXDOMAIN,
	RESPONSE_SERVERERROR,
	RESPONSE_NODATA,
	RESPONSE_DELEGATION,
	RESPONSE_META,
	RESPONSE_UPDATE,
	RESPONSE_OTHERERROR,
};

/* m may be NULL (no message). `now` is clock_wall_seconds(), for signatures' validity. m must be open. */
enum response_type response_classify(const struct message *m, int64_t now);

/* The smallest TTL of all records of an open message of this type, at most `most`; 5 s where there is nothing to go by. */
uint32_t response_ttl(const struct message *m, enum response_type type, uint32_t most);

/* Seconds that an HTTP cache may keep q->reply (RFC 8484 5.1): response_ttl(), at most an hour; the MINIMUM of the SOA is
 * a limit for negative answers (RFC 2308 5). */
uint32_t reply_max_age(struct query *q);

/* "NOERROR", "NXDOMAIN", "SERVERERROR", "NODATA", "DELEGATION", "META", "UPDATE", "OTHERERROR". */
const char *response_type_text(enum response_type t);

/* "success", "denial", "error". */
const char *response_class_text(enum response_type t);

#endif
