/* A server that behaves badly on purpose, for tests of clients: drops, delays and truncates by the
 * query's number. */
#include "net/loop.h"
#include "server/plugin.h"
#include <stdatomic.h>

enum {
	AMOUNT_DEFAULT = 2,
	LARGE_COPIES = 29, /* beside the one */
	READY_FROM = 3,
	READY_UNTIL = 5, /* ready only between these query numbers, to be seen changing */
	SERIAL = 2018050825,
};

struct erratic {
	uint32_t drop, truncate, delay; /* every n-th query; 0: never */
	bool drop_named, large;
	int64_t pause;		  /* of a delayed query, ns */
	_Atomic uint64_t queries; /* so far: the next one's number */
};

static const uint8_t address_v4[4] = { 192, 0, 2, 53 };
static const uint8_t address_v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x53 };

/* --- set-up --- */

static void erratic_init(struct setup *s)
{
	struct erratic *e = s->state;
	e->drop = AMOUNT_DEFAULT;
	e->pause = 100 * (int64_t)NS_PER_MS;
}

/* The next word, if there is one, as "every n-th". */
static bool read_amount(struct setup *s, uint32_t *amount)
{
	struct setup ahead = *s;
	struct view word;
	int64_t n;
	*amount = AMOUNT_DEFAULT;
	if (!arg_next(&ahead, &word))
		return true;
	if (!arg_integer(s, &n))
		return false;
	if (n < 0)
		return setup_error(s, "illegal amount value given \"%.*s\"", VIEW_ARGS(word));
	*amount = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
	return true;
}

static bool read_drop(struct setup *s)
{
	struct erratic *e = s->state;
	e->drop_named = true;
	return read_amount(s, &e->drop) && arg_end(s);
}

/* A bad behaviour of another kind takes the place of dropping, unless that is named. */
static bool read_truncate(struct setup *s)
{
	struct erratic *e = s->state;
	if (!e->drop_named)
		e->drop = 0;
	return read_amount(s, &e->truncate) && arg_end(s);
}

static bool read_delay(struct setup *s)
{
	struct erratic *e = s->state;
	struct setup ahead;
	struct view word;
	if (!e->drop_named)
		e->drop = 0;
	if (!read_amount(s, &e->delay))
		return false;
	ahead = *s;
	return !arg_next(&ahead, &word) || (arg_duration(s, &e->pause) && arg_end(s));
}

/* --- answers --- */

static void add_addresses(struct query *q, const struct erratic *e)
{
	bool v4 = query_type(q) == TYPE_A;
	struct view rdata = v4 ? rdata_a(q->arena, address_v4) : rdata_aaaa(q->arena, address_v6);
	for (int i = 0; i <= (e->large && v4 ? LARGE_COPIES : 0); i++)
		reply_add(q, SECTION_ANSWER, q->request.question.name, query_type(q), 0, rdata);
}

static void add_soa(struct query *q)
{
	struct name mname = NAME_LITERAL("\3sns\3dns\5icann\3org");
	struct name rname = NAME_LITERAL("\3noc\3dns\5icann\3org");
	reply_add(q, SECTION_ANSWER, q->request.question.name, TYPE_SOA, 0,
		rdata_soa(q->arena, mname, rname, SERIAL, 7200, 3600, 1209600, 3600));
}

/* A name server of the zone, called `label`, and its address. */
static void add_server(struct query *q, const char *label, const uint8_t address[static 16],
	struct view rdata[2], struct name *owner)
{
	struct name_buffer *b = arena_new_object(q->arena, struct name_buffer);
	bool fits = name_prepend(view_of(label), q->request.question.name, b);
	*owner = fits ? name_of(b) : q->request.question.name;
	rdata[0] = rdata_of_name(q->arena, *owner);
	rdata[1] = rdata_aaaa(q->arena, address);
}

/* A zone transfer of two servers; a truncated one ends without its final SOA (RFC 5936 2.2). */
static void add_zone(struct query *q, bool truncated)
{
	static const uint8_t a[16] = { 0x20, 0x01, 0x0b, 0xd8, [15] = 0x53 };
	static const uint8_t b[16] = { 0x20, 0x01, 0x05, 0x00, [15] = 0x54 };
	struct view of_a[2], of_b[2];
	struct name name_a, name_b;
	add_server(q, "a", a, of_a, &name_a);
	add_server(q, "b", b, of_b, &name_b);
	add_soa(q);
	reply_add(q, SECTION_ANSWER, q->request.question.name, TYPE_NS, 0, of_a[0]);
	reply_add(q, SECTION_ANSWER, q->request.question.name, TYPE_NS, 0, of_b[0]);
	reply_add(q, SECTION_ANSWER, name_a, TYPE_AAAA, 0, of_a[1]);
	reply_add(q, SECTION_ANSWER, name_b, TYPE_AAAA, 0, of_b[1]);
	if (!truncated)
		add_soa(q);
}

static bool hits(uint32_t every, uint64_t number)
{
	return every > 0 && number % every == 0;
}

static int erratic_serve(struct plugin *self, struct query *q)
{
	struct erratic *e = self->state;
	uint64_t number = atomic_fetch_add_explicit(&e->queries, 1, memory_order_relaxed);
	if (hits(e->drop, number))
		return SERVE_DROP;
	if (hits(e->delay, number) && e->pause > 0)
		fiber_sleep((uint64_t)e->pause);
	bool truncated = hits(e->truncate, number);
	switch (query_type(q)) {
	case TYPE_A:
	case TYPE_AAAA:
		reply_new(q, RCODE_NOERROR, REPLY_AA | (truncated ? (unsigned)REPLY_TC : 0));
		add_addresses(q, e);
		return RCODE_NOERROR;
	case TYPE_AXFR:
		reply_new(q, RCODE_NOERROR, REPLY_AA | (truncated ? (unsigned)REPLY_TC : 0));
		add_zone(q, truncated);
		return RCODE_NOERROR;
	default:
		return RCODE_SERVFAIL;
	}
}

static bool erratic_ready(struct plugin *self)
{
	struct erratic *e = self->state;
	uint64_t queries = atomic_load_explicit(&e->queries, memory_order_relaxed);
	return queries >= READY_FROM && queries < READY_UNTIL;
}

/* A fixed path, for tests of autopath. */
static size_t erratic_search_path(struct plugin *self, struct query *q, struct name *to, size_t room)
{
	static const struct name path[] = { NAME_LITERAL("\1a\7example\3org"),
		NAME_LITERAL("\1b\7example\3org"), NAME_LITERAL("") };
	size_t count = sizeof path / sizeof path[0];
	(void)self;
	(void)q;
	if (room < count)
		return 0;
	memcpy(to, path, sizeof path);
	return count;
}

static const struct option erratic_options[] = {
	{ "drop", "[N]", "2, or never if delay or truncate is given",
		"leaves every N-th query without an answer; 0: none", read_drop },
	{ "truncate", "[N]", "never", "sets TC in every N-th answer; 2 without N", read_truncate },
	{ "delay", "[N [DURATION]]", "never",
		"delays every N-th answer by DURATION; 2 and 100ms without", read_delay },
	{ "large", NULL, NULL, "puts 30 copies of the address into answers to A", NULL,
		offsetof(struct erratic, large) },
	{ 0 },
};

PLUGIN(erratic) = {
	.name = "erratic",
	.help = "answers badly on purpose, for tests of clients",
	.about = "Answers A, AAAA and AXFR with fixed data, everything else with SERVFAIL. Queries "
		 "are counted from 0; the ones whose "
		 "number is a multiple of N are hit. It is ready only between its third and its "
		 "fifth query.",
	.options = erratic_options,
	.state_size = sizeof(struct erratic),
	.init = erratic_init,
	.serve = erratic_serve,
	.ready = erratic_ready,
	.search_path = erratic_search_path,
};
