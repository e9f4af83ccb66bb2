/* Asking a configuration as its workers do, and telling what they did. */
#include "server/explain.h"

#include "base/clock.h"
#include "server/bare_reply.h"
#include "server/dispatch.h"
#include <stdio.h>

enum {
	ARENA_SIZE = 16 * 1024,
	CLIENT_PORT = 53535, /* of a client that has said none */
	EDNS_SIZE = 1232,
	HEADER_AND_OPT = 12 + 4 + 11, /* octets of a query but for its name */
	PLUGIN_COLUMN = 14,
};

/* --- the question --- */

static bool read_word(
	struct arena *arena, struct view word, struct explain_question *q, const char **why)
{
	if (view_starts(word, VIEW("from="))) {
		struct view address = view_skip(word, strlen("from="));
		if (endpoint_parse(address, CLIENT_PORT, &q->client))
			return true;
		*why = arena_printf(arena,
			"'%.*s' is no address of a client: expected 192.0.2.1, 2001:db8::1 or "
			"[2001:db8::1]:53",
			VIEW_ARGS(address));
		return false;
	}
	if (view_starts(word, VIEW("at=")))
		q->at = view_skip(word, strlen("at="));
	else if (view_is(word, "tcp"))
		q->over_tcp = true;
	else if (view_is(word, "do"))
		q->wants_dnssec = true;
	else if (!type_parse(word, &q->qtype)) {
		*why = arena_printf(arena,
			"'%.*s' is no type of a record: expected A, AAAA, SRV, TYPE65 or the like",
			VIEW_ARGS(word));
		return false;
	}
	return true;
}

bool explain_read(
	struct arena *arena, struct view words, struct explain_question *q, const char **why)
{
	struct view word = view_word(&words);
	*q = (struct explain_question){ .qname = name_from_text(arena, word), .qtype = TYPE_A };
	if (!q->qname.length) {
		*why = arena_printf(arena, "'%.*s' is no domain name", VIEW_ARGS(word));
		return false;
	}
	endpoint_parse_ip(VIEW("127.0.0.1"), CLIENT_PORT, &q->client);
	while ((word = view_word(&words)).length) {
		if (!read_word(arena, word, q, why))
			return false;
	}
	return true;
}

/* --- the steps --- */

static void indent(struct text *to, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		text_add_string(to, "    ");
}

static void tell_block(struct text *to, const struct block *b, unsigned depth)
{
	text_add_string(to, depth ? "" : "\n");
	indent(to, depth);
	text_add_string(to, "block");
	for (size_t i = 0; i < b->source->word_count; i++)
		text_printf(to, " %.*s", VIEW_ARGS(b->source->words[i].text));
	text_printf(to, " (%s:%u)\n", b->source->file, b->source->line);
}

static void tell_lookup(struct text *to, const struct trace_step *step)
{
	char name[NAME_TEXT_MAX], type[MNEMONIC_MAX];
	name_print(step->qname, name);
	indent(to, step->depth);
	text_printf(to, "the server asks itself for %s %s:\n", name, type_print(step->qtype, type));
}

static void tell_result(struct text *to, const struct trace_step *step)
{
	char rcode[MNEMONIC_MAX];
	if (step->took_no_part)
		text_add_string(to, "leaves the query to others");
	else if (step->passed_on)
		text_add_string(to, "passed on");
	else if (step->answered)
		text_printf(to, "answered %s", rcode_print(step->rcode, rcode));
	else if (step->result == SERVE_DROP)
		text_add_string(to, "dropped the query: the client gets nothing");
	else
		text_printf(to, "gave %s", rcode_print((uint16_t)step->result, rcode));
}

static void tell_step(struct text *to, const struct trace_step *step)
{
	indent(to, step->depth);
	text_printf(to, "  %-*s ", PLUGIN_COLUMN - 1, step->plugin->type->name);
	tell_result(to, step);
	if (step->why)
		text_printf(to, ": %s", step->why);
	if (step->error)
		text_printf(to, ": %s", step->error);
	if (!step->passed_on && !step->took_no_part)
		text_printf(to, " (%.3f ms)", (double)step->ns / 1e6);
	text_add_char(to, '\n');
	if (step->source) {
		indent(to, step->depth);
		text_printf(to, "  %*s %s\n", PLUGIN_COLUMN - 1, "", step->source);
	}
}

static bool same_question(const struct trace_step *a, const struct trace_step *b)
{
	return a->depth == b->depth && (a->depth == 0 || name_equal(a->qname, b->qname));
}

static void tell_steps(struct text *to, const struct trace *t)
{
	const struct trace_step *before = NULL;
	for (const struct trace_step *step = t->first; step; before = step, step = step->next) {
		const struct block *b = step->plugin->block;
		if (step->depth && (!before || !same_question(before, step)))
			tell_lookup(to, step);
		if (!before || before->plugin->block != b || before->depth != step->depth)
			tell_block(to, b, step->depth);
		tell_step(to, step);
	}
}

/* --- the answer --- */

static void tell_section(
	struct text *to, const struct message *m, enum section_id id, const char *title)
{
	const struct section *s = &m->section[id];
	if (s->count)
		text_printf(to, "%s:\n", title);
	for (size_t i = 0; i < s->count; i++) {
		text_add_string(to, "  ");
		record_print(to, &s->records[i]);
		text_add_char(to, '\n');
	}
}

static void tell_answer(struct text *to, struct query *q)
{
	char rcode[MNEMONIC_MAX];
	struct message *m = reply_open(q);
	if (!m) {
		text_add_string(to, "\nno answer\n");
		return;
	}
	reply_finish_edns(q);
	bool cut = reply_is_cut(q);
	text_printf(to, "\n%s%s%s\n", rcode_print(m->rcode, rcode),
		m->flags & FLAG_AA ? ", authoritative" : "", cut ? ", cut short over UDP" : "");
	tell_section(to, m, SECTION_ANSWER, "answer");
	tell_section(to, m, SECTION_AUTHORITY, "authority");
	tell_section(to, m, SECTION_ADDITIONAL, "additional");
}

/* --- asking --- */

/* One listener's part, carried to a worker and back. */
struct inquiry {
	const struct explain_question *question;
	struct listener *listener;
	const struct endpoint_group *group;
	struct arena *arena;
	struct text *to;
};

static struct query *query_for(const struct inquiry *i)
{
	const struct explain_question *asked = i->question;
	struct query *q = arena_new_object(i->arena, struct query);
	q->arena = i->arena;
	q->client = asked->client;
	q->local = i->group->local;
	q->transport = asked->over_tcp ? TRANSPORT_TCP : TRANSPORT_UDP;
	q->listener = i->listener;
	q->started = clock_now();
	q->wire_length = HEADER_AND_OPT + asked->qname.length;
	q->request.flags = FLAG_RD;
	q->request.has_question = true;
	q->request.edns.present = true;
	q->request.edns.udp_size = EDNS_SIZE;
	q->request.edns.flags = asked->wants_dnssec ? EDNS_DO : 0;
	query_set_question(q, asked->qname, asked->qtype, CLASS_IN);
	return q;
}

/* On a worker's thread, as if the query had come in there. */
static void inquire(unsigned worker, struct loop *loop, void *data)
{
	struct inquiry *i = data;
	struct trace trace = { .last = &trace.first };
	struct query *q = query_for(i);
	(void)loop;
	q->worker = worker;
	q->trace = &trace;
	dispatch(q, i->group);
	if (!trace.first)
		text_add_string(i->to, "no block takes it\n");
	tell_steps(i->to, &trace);
	tell_answer(i->to, q);
}

/* The group's listener; in a rehearsal there is none, and what plugins read of it stands here. It
 * lives as long as the configuration: what is asked in the background uses it when the query is
 * over. */
static struct listener *listener_of(const struct config *config, const struct endpoint_group *g)
{
	if (g->listener)
		return g->listener;
	struct listener *l = arena_new_object(config->arena, struct listener);
	l->scheme = g->scheme;
	l->local = g->local;
	l->port = g->port;
	l->name = arena_string(config->arena, view_of(g->name));
	atomic_init(&l->group, g);
	return l;
}

static void ask(const struct config *config, struct worker *workers, const struct endpoint_group *g,
	const struct explain_question *q, struct text *to)
{
	char client[ENDPOINT_TEXT_MAX], name[NAME_TEXT_MAX], type[MNEMONIC_MAX];
	struct inquiry i = { q, listener_of(config, g), g, arena_new(ARENA_SIZE), to };
	endpoint_print_ip(&q->client, client);
	name_print(q->qname, name);
	text_printf(to, "%s%s %s from %s over %s at %s\n", to->length ? "\n" : "", name,
		type_print(q->qtype, type), client, q->over_tcp ? "tcp" : "udp", g->name);
	workers_each(workers, 1, inquire, &i);
	arena_free(i.arena);
}

/* --- which listener --- */

static bool is_at(const struct endpoint_group *g, struct view at)
{
	const char *address = strstr(g->name, "://");
	return view_is(at, g->name) || (address && view_is(at, address + 3));
}

static bool is_asked(
	const struct endpoint_group *g, const struct explain_question *q, enum scheme scheme)
{
	if (q->at.length)
		return is_at(g, q->at);
	return g->scheme == scheme && zone_map_longest(&g->zones, q->qname, NAME_MAP_ANY);
}

static unsigned ask_all(const struct config *config, struct worker *workers,
	const struct explain_question *q, enum scheme scheme, struct text *to)
{
	unsigned asked = 0;
	for (const struct endpoint_group *g = config->groups; g; g = g->next) {
		if (is_asked(g, q, scheme)) {
			ask(config, workers, g, q, to);
			asked++;
		}
	}
	return asked;
}

static void tell_nobody_asked(
	const struct config *config, const struct explain_question *q, struct text *to)
{
	char name[NAME_TEXT_MAX];
	name_print(q->qname, name);
	if (q->at.length)
		text_printf(to, "no listener '%.*s'; there are\n", VIEW_ARGS(q->at));
	else
		text_printf(to, "no block of any listener has a zone above %s: it is refused at\n",
			name);
	for (const struct endpoint_group *g = config->groups; g; g = g->next)
		text_printf(to, "  %s\n", g->name);
}

/* Plain DNS first; where a server has none of it for the name, the other doors. The configuration
 * may be replaced meanwhile: it stays as long as it has a task. */
void explain(struct config *config, struct worker *workers, const struct explain_question *q,
	struct text *to)
{
	unsigned asked = 0;
	atomic_fetch_add(&config->tasks, 1);
	for (unsigned scheme = 0; scheme < SCHEME_COUNT && !asked; scheme++)
		asked = ask_all(config, workers, q, (enum scheme)scheme, to);
	if (!asked)
		tell_nobody_asked(config, q, to);
	atomic_fetch_sub(&config->tasks, 1);
}
