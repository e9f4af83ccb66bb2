/* The engine: expat. */
#include "sync/xml_engine.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>

struct parser {
	XML_Parser expat;
	struct xml_host host;
	bool has_type, stopped;
};

/* expat tells of what it has in hand even after that, such as the end of an empty element. */
static void stop_unless(struct parser *p, bool goes_on)
{
	p->stopped |= !goes_on;
	if (!goes_on)
		XML_StopParser(p->expat, XML_FALSE);
}

static void on_open(void *data, const char *name, const char **attributes)
{
	struct parser *p = data;
	(void)attributes;
	stop_unless(p, !p->stopped && p->host.open(p->host.owner, name));
}

static void on_close(void *data, const char *name)
{
	struct parser *p = data;
	stop_unless(p, !p->stopped && p->host.close(p->host.owner, name));
}

static void on_text(void *data, const char *at, int length)
{
	struct parser *p = data;
	stop_unless(p, !p->stopped && p->host.text(p->host.owner, at, (size_t)length));
}

static void on_type(void *data, const char *name, const char *system, const char *public, int internal)
{
	struct parser *p = data;
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	p->has_type = true;
	XML_StopParser(p->expat, XML_FALSE);
}

static void *begin(const struct xml_host *host)
{
	struct parser *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->host = *host;
	p->expat = XML_ParserCreate(NULL);
	if (!p->expat) {
		free(p);
		return NULL;
	}
	XML_SetUserData(p->expat, p);
	XML_SetElementHandler(p->expat, on_open, on_close);
	XML_SetCharacterDataHandler(p->expat, on_text);
	XML_SetStartDoctypeDeclHandler(p->expat, on_type);
	return p;
}

static bool feed(void *parser, const char *at, size_t length, bool last, const char **why)
{
	struct parser *p = parser;
	do {
		int part = length < INT_MAX / 2 ? (int)length : INT_MAX / 2;
		length -= (size_t)part;
		if (XML_Parse(p->expat, at, part, last && !length) != XML_STATUS_OK) {
			enum XML_Error error = XML_GetErrorCode(p->expat);
			*why = p->has_type ? "a document type is not taken"
			     : error == XML_ERROR_ABORTED ? "stopped"
							  : XML_ErrorString(error);
			return false;
		}
		at += part;
	} while (length);
	return true;
}

static unsigned long line(void *parser)
{
	return XML_GetCurrentLineNumber(((struct parser *)parser)->expat);
}

static void end(void *parser)
{
	struct parser *p = parser;
	XML_ParserFree(p->expat);
	free(p);
}

extern const struct xml_engine isthmus_xml_engine;

__attribute__((visibility("default"))) const struct xml_engine isthmus_xml_engine = {
	.begin = begin,
	.feed = feed,
	.line = line,
	.end = end,
};
