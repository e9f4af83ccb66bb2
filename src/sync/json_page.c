/* Items of a page, and what leads on. */
#include "sync/json_page.h"

enum {
	IN_PAGE = 1, /* depths: of what stands in the page, in its array, in an item */
	IN_ARRAY,
	IN_ITEM,
};

/* The rest of a path that begins with the items' array: "" for an item itself. False if it begins otherwise. */
static bool within_items(const struct json_page *page, struct view *rest)
{
	struct view path = text_view(&page->path.text), items = view_of(page->kind->items);
	if (!view_starts(path, items) || (path.length > items.length && path.at[items.length] != '.'))
		return false;
	*rest = view_skip(path, path.length > items.length ? items.length + 1 : items.length);
	return true;
}

static bool on_key(struct json_page *page, struct json_parser *p, struct view key)
{
	if (p->depth == IN_PAGE && !view_is(key, page->kind->items) && !view_is(key, page->kind->next))
		json_skip(p);
	return true;
}

static bool on_value(struct json_page *page, struct json_parser *p, struct view text)
{
	struct view path;
	if (p->depth == IN_PAGE && view_is(text_view(&page->path.text), page->kind->next)) {
		text_clear(&page->next);
		text_add(&page->next, text);
		return text.length <= JSON_NEXT_MAX;
	}
	if (p->depth < IN_ITEM)
		return false;
	if (within_items(page, &path))
		page->kind->value(page->owner, path, text);
	return true;
}

/* An object or array begins: the page, its array, an item, or something in an item. */
static bool on_open(const struct json_page *page, const struct json_parser *p, bool array)
{
	switch (p->depth) {
	case 0:
		return !array && !page->whole;
	case IN_PAGE:
		return array && view_is(text_view(&page->path.text), page->kind->items);
	case IN_ARRAY:
		return !array;
	default:
		return true;
	}
}

static bool on_close(struct json_page *page, const struct json_parser *p)
{
	struct view path;
	if (p->depth == 0)
		page->whole = true;
	if (p->depth == IN_ARRAY) {
		page->given_up = !page->kind->item(page->owner);
		return !page->given_up;
	}
	if (p->depth >= IN_ITEM && page->kind->closed && within_items(page, &path))
		page->kind->closed(page->owner, path);
	return true;
}

static bool on_event(struct json_parser *p, enum json_event event, struct view text)
{
	struct json_page *page = p->owner;
	json_path_follow(&page->path, p, event, text);
	switch (event) {
	case JSON_KEY:
		return on_key(page, p, text);
	case JSON_OBJECT:
	case JSON_ARRAY:
		return on_open(page, p, event == JSON_ARRAY);
	case JSON_OBJECT_END:
		return on_close(page, p);
	case JSON_ARRAY_END:
	case JSON_NULL:
		return true;
	default:
		return json_value_text(event, &text) && on_value(page, p, text);
	}
}

void json_page_begin(struct json_page *page, const struct json_page_kind *kind, void *owner)
{
	json_end(&page->parser);
	text_clear(&page->next);
	text_clear(&page->path.text);
	page->kind = kind;
	page->owner = owner;
	page->whole = page->given_up = false;
	json_begin(&page->parser, on_event, page);
}

bool json_page_feed(struct json_page *page, struct view octets)
{
	return json_feed(&page->parser, octets);
}

bool json_page_complete(struct json_page *page)
{
	return page->whole && json_complete(&page->parser);
}

void json_page_end(struct json_page *page)
{
	json_end(&page->parser);
	text_free(&page->next);
	text_free(&page->path.text);
}
