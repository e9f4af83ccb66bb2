/*
 * Master files (RFC 1035 5, $TTL of RFC 2308, $GENERATE): one pull reader over text in memory.
 *
 *     struct zonefile z;
 *     zonefile_open(&z, arena, text, "db.example.org", origin);
 *     while (zonefile_next(&z, &record))
 *             ...
 *     if (z.error) ...
 *
 * The same reader takes single records (`template`'s answers, `rewrite`, tests): a text of one line.
 */
#ifndef ISTHMUS_DNS_ZONEFILE_H
#define ISTHMUS_DNS_ZONEFILE_H

#include "dns/message.h"

struct zonefile_frame; /* a file that includes another, or a running $GENERATE */

/* Everything but `error`, `line` and `include` is the reader's own. */
struct zonefile {
	struct arena *arena;       /* for frames, included texts, error texts */
	const char *path;          /* for messages and relative $INCLUDE */
	struct view rest;
	unsigned line, column, depth;
	bool has_ttl, has_owner;
	uint32_t ttl;
	uint16_t class;
	struct name_buffer origin, owner;
	uint8_t *rdata;            /* MESSAGE_MAX octets, where each record is built */
	struct zonefile_frame *frame;
	/*
	 * Gives the text of an included file, NULL (with *why set) if it cannot be had. NULL forbids $INCLUDE. The path
	 * is already joined to the including file's folder.
	 */
	const char *(*include)(struct zonefile *z, const char *path, struct view *text);
	void *include_data;
	const char *error; /* "<path>: dns: <what>: \"<token>\" at line: <l>:<c>", or NULL */
};

/* Starts reading `text` (kept by the caller as long as the reader). `path` is used in messages. */
void zonefile_open(struct zonefile *z, struct arena *arena, struct view text, const char *path,
	struct name origin);

/*
 * The next record; its owner and rdata point into the reader and are good until the next call. False at the end and
 * on an error (z->error says which).
 */
bool zonefile_next(struct zonefile *z, struct record *r);

/* One record from one line, as dns.NewRR of CoreDNS's library takes it (default TTL 3600, class IN, origin root),
 * copied into the arena; false with *why set. */
bool record_parse(struct arena *arena, struct view text, struct record *r, const char **why);

#endif
