/*
 * What tests of plugins stand on: a configuration made from a Corefile, and queries through the
 * chain of its first block. The directive `answer` is the test's own last plugin: it calls
 * bed_answer.
 */
#ifndef ISTHMUS_TEST_PLUGIN_BED_H
#define ISTHMUS_TEST_PLUGIN_BED_H

#include "base/hash.h"
#include "plugins/order.h"
#include "server/chain.h"
#include "server/config.h"
#include <stdio.h>
#include <stdlib.h>

struct bed {
	struct arena *arena;
	struct config *config; /* NULL if the Corefile is refused */
	struct complaints complaints;
	struct listener listener;
	struct query q;
};

/* What `answer` does; by default NOERROR, AA and an A record. */
static int (*bed_answer)(struct query *q);

static int bed_serve(struct plugin *self, struct query *q)
{
	(void)self;
	if (bed_answer)
		return bed_answer(q);
	static const uint8_t address[4] = { 192, 0, 2, 1 };
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	reply_add(q, SECTION_ANSWER, q->request.question.name, TYPE_A, 60,
		rdata_a(q->arena, address));
	return RCODE_NOERROR;
}

static const struct plugin_type bed_plugin = { .name = "answer", .serve = bed_serve };

/* Directives that are built, then `answer`. */
static inline void bed_registry(void)
{
	static struct plugin_entry entries[128];
	memcpy(entries, plugin_order, plugin_order_count * sizeof *entries);
	entries[plugin_order_count] = (struct plugin_entry){ "answer", &bed_plugin };
	registry_set(entries, plugin_order_count + 1);
}

/* With `checking` as `isthmus check` sets blocks up: no files are opened. */
static inline struct bed *bed_build(const char *corefile, bool checking)
{
	struct bed *b = calloc(1, sizeof *b);
	hash_init();
	bed_registry();
	b->arena = arena_new(4096);
	complaints_init(&b->complaints, b->arena);
	struct corefile *c =
		corefile_parse(b->arena, view_of(corefile), "Corefile", "53", &b->complaints);
	b->config = c ? config_build(b->arena, c, 1, checking, &b->complaints) : NULL;
	b->listener.name = (char *)"dns://:53";
	bed_answer = NULL;
	return b;
}

static inline struct bed *bed_new(const char *corefile)
{
	return bed_build(corefile, false);
}

static inline void bed_free(struct bed *b)
{
	arena_free(b->arena);
	free(b);
}

/* The first complaint's text; empty if there is none. */
static inline const char *bed_complaint(const struct bed *b)
{
	return b->complaints.first ? b->complaints.first->text : "";
}

/* The first complaint about a block with this body. */
static inline void assert_refused(const char *body, const char *complaint)
{
	char corefile[2048];
	snprintf(corefile, sizeof corefile, ".:53 {\n%s\n}\n", body);
	struct bed *b = bed_new(corefile);
	assert_null(b->config);
	assert_string_equal(bed_complaint(b), complaint);
	bed_free(b);
}

/* A new query from 127.0.0.1 over UDP with RD; to be changed before bed_run(). */
static inline struct query *bed_query(struct bed *b, const char *name, uint16_t type)
{
	struct query *q = &b->q;
	*q = (struct query){ .arena = b->arena,
		.listener = &b->listener,
		.block = b->config->blocks,
		.transport = TRANSPORT_UDP };
	assert_true(endpoint_parse_ip(VIEW("127.0.0.1"), 4242, &q->client));
	q->request.flags = FLAG_RD;
	q->request.has_question = true;
	query_set_question(q, name_from_text(b->arena, view_of(name)), type, CLASS_IN);
	return q;
}

static inline int bed_run(struct bed *b)
{
	return chain_serve(b->config->blocks->chain, &b->q);
}

/* A plain query and what the chain gave. */
static inline int bed_ask(struct bed *b, const char *name, uint16_t type)
{
	bed_query(b, name, type);
	return bed_run(b);
}

#endif
