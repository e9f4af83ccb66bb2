/* What the module xml_expat offers and xml.c uses. */
#ifndef ISTHMUS_SYNC_XML_ENGINE_H
#define ISTHMUS_SYNC_XML_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

/* Whom the engine calls; false: stop. Names end with NUL, and may have a prefix. */
struct xml_host {
	void *owner;
	bool (*open)(void *owner, const char *name);
	bool (*close)(void *owner, const char *name);
	bool (*text)(void *owner, const char *at, size_t length);
};

struct xml_engine {
	void *(*begin)(const struct xml_host *host); /* NULL without memory */
	/* False when it failed, with the reason, or was stopped, with "stopped". */
	bool (*feed)(void *parser, const char *at, size_t length, bool last, const char **why);
	unsigned long (*line)(void *parser);
	void (*end)(void *parser);
};

#define XML_ENGINE_SYMBOL "isthmus_xml_engine"

#endif
