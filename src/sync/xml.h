/*
 * XML as services answer with it, read as it comes in: elements and the text in them. Attributes and namespaces are passed over. A
 * document type is refused, and with it every entity of its own: what a text expands to is never longer than itself.
 *
 * The parser is a module of its own, loaded with the first reader.
 */
#ifndef ISTHMUS_SYNC_XML_H
#define ISTHMUS_SYNC_XML_H

#include "base/arena.h"

enum {
	XML_DEPTH_MAX = 64,
	XML_TEXT_MAX = 1 << 20, /* of one element */
};

/* Told of elements, by their names without a prefix. False: no more is wanted. What is handed over is good until it returns. */
struct xml_handler {
	bool (*open)(void *owner, struct view name);
	/* `text` stands between the element's end and the last tag before it: all of a leaf's text. */
	bool (*close)(void *owner, struct view name, struct view text);
	void *owner;
};

struct xml_reader;

/* NULL with *why (in the arena) when the parser cannot be loaded. */
struct xml_reader *xml_reader_new(
	struct arena *arena, const struct xml_handler *handler, const char **why);
void xml_reader_free(struct xml_reader *r);

/* Takes the next octets; false when they are no such XML, or a handler wants no more. */
bool xml_feed(struct xml_reader *r, struct view octets);

/* Whether the text may end here; nothing can be fed after it. */
bool xml_end(struct xml_reader *r);

/* What is wrong; NULL: nothing so far. */
const char *xml_error(const struct xml_reader *r);

#endif
