/* The inside of the master-file reader; for zonefile*.c. */
#ifndef ISTHMUS_DNS_ZONEFILE_FRAME_H
#define ISTHMUS_DNS_ZONEFILE_FRAME_H

#include "dns/generate.h"
#include "dns/zonefile.h"

/* What an included file or a $GENERATE must not change for what comes behind it. */
struct zonefile_frame {
	struct zonefile_frame *older;
	struct master_lexer lexer;
	const char *path;
	struct name_buffer origin, owner;
	bool has_owner, has_ttl, ttl_is_set;
	uint32_t ttl;
	unsigned depth;
	struct generator generator; /* what runs until this frame is gone back to */
};

/* Sets z->error: `what` is wrong with the text, which ends where the lexer's last token does.
 * False. */
bool zonefile_fail(struct zonefile *z, const char *what, struct view text);

/*
 * Does what the directive says that the token names, and takes its line; z->error is set when that
 * fails. False if it is none: then it is an owner.
 */
bool zonefile_directive(struct zonefile *z, const struct token *t);

/* Goes on to the next line of a $GENERATE or behind an included file; false at the end of
 * everything, and on an error. */
bool zonefile_resume(struct zonefile *z);

#endif
