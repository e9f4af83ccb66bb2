/* What providers ask whose APIs take bearer tokens and answer with JSON (Cloud DNS, Azure DNS). */
#ifndef ISTHMUS_SYNC_MIRROR_GET_H
#define ISTHMUS_SYNC_MIRROR_GET_H

#include "sync/bearer.h"
#include "sync/json_page.h"
#include "sync/mirror.h"

struct mirror_get {
	const char *url;
	const char *header;          /* one more; NULL: none */
	struct bearer *bearer;
	struct allowance *allowance;
	/* Whether a refusal (403) with this body is one for a while only; may be NULL. */
	bool (*is_throttled)(struct arena *arena, struct view body);
	/* Takes the answer of a success, item by item; NULL: it is kept as a whole. A page that ends early is asked for again from its
	 * beginning: records that were taken already do no harm. */
	struct json_page *page;
	const struct json_page_kind *kind;
	void *owner;                 /* of the page */
};

/* What came of it. */
struct mirror_got {
	const char *why;  /* no answer came, or none that can be used: the reason. NULL: see the status */
	long status;      /* 0: no answer came */
	struct view body; /* in the listing's arena; of a page, empty */
};

/*
 * Asks with patience: again after a pause when that may help, once more with a new token when this one was not taken. True when it
 * is done; false with the reason in `got`, or after mirror_fail() by the page's reader.
 */
bool mirror_get(struct mirror_listing *l, const struct mirror_get *g, struct mirror_got *got);

#endif
