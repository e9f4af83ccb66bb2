/*
 * Pages of a list, as the APIs of clouds give them: an object with an array of items, and where the next page is. What a page holds is
 * told as it comes in; of it only what the reader keeps is kept.
 */
#ifndef ISTHMUS_SYNC_JSON_PAGE_H
#define ISTHMUS_SYNC_JSON_PAGE_H

#include "sync/json_path.h"

enum { JSON_NEXT_MAX = 8192 };

/* What there is to know of a kind of list. Paths are those of json_path.h, from the item on: "properties.fqdn". */
struct json_page_kind {
	const char *items; /* the member with the array */
	const char *next;  /* the member that leads to the next page */
	/* A value. */
	void (*value)(void *owner, struct view path, struct view text);
	/* An object that lies in the item has ended. May be NULL. */
	void (*closed)(void *owner, struct view path);
	/* The item has ended. False: no more of the page is wanted. */
	bool (*item)(void *owner);
};

struct json_page {
	const struct json_page_kind *kind;
	void *owner;
	struct text next; /* what `kind.next` says; empty: this is the last page */

	struct json_parser parser; /* its own, from here on */
	struct json_path path;
	bool whole, given_up;
};

/* Starts a page; `next` of the one before goes. */
void json_page_begin(struct json_page *page, const struct json_page_kind *kind, void *owner);

/* The next octets; false when it is no such page, or no more of it is wanted (given_up). */
bool json_page_feed(struct json_page *page, struct view octets);

/* Whether the page was whole. */
bool json_page_complete(struct json_page *page);

/* Frees what it holds. Zeroed pages may be ended, too. */
void json_page_end(struct json_page *page);

#endif
