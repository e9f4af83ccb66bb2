/*
 * Master files (RFC 1035 5, $TTL of RFC 2308, $GENERATE): one pull reader over text in memory.
 *
 *     struct zonefile z;
 *     zonefile_open(&z, arena, text, "db.example.org", origin);
 *     while (zonefile_next(&z, &record))
 *             ...
 *     if (z.error) ...
 *
 * The same reader takes single records (`template`'s answers, `rewrite`, tests): a text of one
 * line.
 */
#ifndef ISTHMUS_DNS_ZONEFILE_H
#define ISTHMUS_DNS_ZONEFILE_H

#include "dns/master_lexer.h"
#include "dns/message.h"
#include "dns/writer.h"

enum {
	INCLUDES_NESTED_MAX = 7,
	INCLUDES_MAX = 10000, /* of one file, with those of the files that it includes */
};

struct zonefile_frame; /* what is gone on with behind an included file or a $GENERATE */

/* Everything but `lexer.rest`, `lexer.line`, `include` and `error` is the reader's own. */
struct zonefile {
	struct arena *arena;	   /* for frames, error texts, paths */
	struct master_lexer lexer; /* rest: what has not been read yet; line: of the last record */
	const char *path; /* for messages and relative $INCLUDE; NULL: a text that is no file */
	struct name_buffer origin, owner;
	bool has_owner, has_ttl;
	bool ttl_is_set; /* by $TTL: other records' TTLs do not change it */
	uint32_t ttl;
	unsigned depth, includes; /* how deep in included files, and how many so far */
	bool generating; /* the lines come from the $GENERATE that frame->generator is */
	struct zonefile_frame *frame, *spare_frames;
	char *generated;     /* GENERATED_LINE_MAX octets, once there has been a $GENERATE */
	struct writer rdata; /* where each record's rdata is built */
	/*
	 * Gives the text of an included file and NULL, or why it cannot be had ("open db.x: no such
	 * file or directory"). The path is already joined to the including file's folder; the text
	 * must live as long as the reader. NULL forbids $INCLUDE.
	 */
	const char *(*include)(struct zonefile *z, const char *path, struct view *text);
	void *include_data;
	const char *error; /* "<path>: dns: <what>: \"<token>\" at line: <l>:<c>", or NULL */
};

/* Starts reading `text` (kept by the caller as long as the reader). `path` is used in messages, and
 * may be NULL. */
void zonefile_open(struct zonefile *z, struct arena *arena, struct view text, const char *path,
	struct name origin);

/*
 * The next record; its owner and rdata point into the reader and are good until the next call.
 * False at the end and on an error (z->error says which).
 */
bool zonefile_next(struct zonefile *z, struct record *r);

/* One record from one line, as dns.NewRR of CoreDNS's library takes it (default TTL 3600, class IN,
 * origin root), copied into the arena; false with *why set. */
bool record_parse(struct arena *arena, struct view text, struct record *r, const char **why);

#endif
