/* Readers: depth, and the text of the element in hand. */
#include "sync/xml.h"

#include "base/memory.h"
#include "base/module.h"
#include "base/text.h"
#include "sync/xml_engine.h"
#include <stdio.h>
#include <stdlib.h>

struct xml_reader {
	const struct xml_engine *engine;
	void *parser;
	struct xml_handler handler;
	struct text text;
	unsigned depth;
	const char *limit; /* that was passed */
	bool failed;
	char error[160];
};

static struct view without_prefix(const char *name)
{
	const char *colon = strrchr(name, ':');
	return view_of(colon ? colon + 1 : name);
}

static bool on_open(void *owner, const char *name)
{
	struct xml_reader *r = owner;
	text_clear(&r->text);
	if (++r->depth > XML_DEPTH_MAX) {
		r->limit = "elements are nested too deep";
		return false;
	}
	return r->handler.open(r->handler.owner, without_prefix(name));
}

static bool on_close(void *owner, const char *name)
{
	struct xml_reader *r = owner;
	bool goes_on = r->handler.close(r->handler.owner, without_prefix(name), text_view(&r->text));
	r->depth--;
	text_clear(&r->text);
	return goes_on;
}

static bool on_text(void *owner, const char *at, size_t length)
{
	struct xml_reader *r = owner;
	if (r->text.length + length > XML_TEXT_MAX) {
		r->limit = "an element's text is too long";
		return false;
	}
	text_add(&r->text, (struct view){ at, length });
	return true;
}

struct xml_reader *xml_reader_new(
	struct arena *arena, const struct xml_handler *handler, const char **why)
{
	static const struct xml_engine *engine;
	if (!engine)
		engine = module_load(arena, "isthmus-xml.so", "sync", XML_ENGINE_SYMBOL, "answers in XML", why);
	if (!engine)
		return NULL;
	struct xml_reader *r = memory_array(1, sizeof *r);
	const struct xml_host host = { r, on_open, on_close, on_text };
	r->engine = engine;
	r->handler = *handler;
	r->parser = engine->begin(&host);
	if (!r->parser)
		memory_exhausted(0);
	return r;
}

void xml_reader_free(struct xml_reader *r)
{
	if (!r)
		return;
	r->engine->end(r->parser);
	text_free(&r->text);
	free(r);
}

static bool feed(struct xml_reader *r, struct view octets, bool last)
{
	const char *why;
	if (r->failed)
		return false;
	if (r->engine->feed(r->parser, octets.at, octets.length, last, &why))
		return true;
	r->failed = true;
	snprintf(r->error, sizeof r->error, "line %lu: %s", r->engine->line(r->parser), r->limit ? r->limit : why);
	return false;
}

bool xml_feed(struct xml_reader *r, struct view octets)
{
	return feed(r, octets, false);
}

bool xml_end(struct xml_reader *r)
{
	return feed(r, VIEW(""), true);
}

const char *xml_error(const struct xml_reader *r)
{
	return r->failed ? r->error : NULL;
}
