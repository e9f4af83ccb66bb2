/* Zone transfers out (RFC 5936), and telling secondaries that a zone has changed (RFC 1996). */
#include "server/block.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/ask.h"
#include <stdlib.h>

enum {
	MESSAGE_FILL = 63000, /* octets of records, uncompressed, in one message */
	BATCH_ARENA = 64 << 10,
	NOTIFY_TRIES = 3,
	NOTIFY_PORT = 53,
	SOA_SERIAL_END = 20, /* the serial is the first of five numbers at the end of a SOA's rdata */
};

static const uint64_t notify_timeout = 2 * NS_PER_S;

/* One occurrence of the directive. */
struct rule {
	struct rule *next;
	struct name *zones;
	size_t zone_count;
	struct endpoint *to;
	size_t to_count, to_room;
	bool to_all, has_to;
	bool has_source;
	struct endpoint source;
};

struct transfer {
	struct rule *first, **last, *reading;
};

/* --- set-up --- */

static void transfer_init(struct setup *s)
{
	struct transfer *t = s->state;
	t->last = &t->first;
}

static bool transfer_setup(struct setup *s)
{
	struct transfer *t = s->state;
	struct rule *r = arena_new_object(s->arena, struct rule);
	t->reading = *t->last = r;
	t->last = &r->next;
	return args_zones(s, &r->zones, &r->zone_count);
}

static bool read_to(struct setup *s)
{
	struct rule *r = ((struct transfer *)s->state)->reading;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (!count)
		return setup_argument_error(s);
	r->has_to = true;
	for (size_t i = 0; i < count; i++) {
		struct endpoint e;
		if (view_is(words[i], "*")) {
			r->to_all = true;
			continue;
		}
		if (!endpoint_parse(words[i], NOTIFY_PORT, &e))
			return setup_error(s, "must specify an IP address: `%.*s'", VIEW_ARGS(words[i]));
		r->to = arena_grow(s->arena, r->to, r->to_count, &r->to_room, sizeof *r->to);
		r->to[r->to_count++] = e;
	}
	return true;
}

static bool read_source(struct setup *s)
{
	struct rule *r = ((struct transfer *)s->state)->reading;
	struct view *words;
	if (args_rest(s, &words) != 1)
		return setup_argument_error(s);
	if (r->has_source)
		return setup_error(s, "source already specified");
	if (!endpoint_parse_ip(words[0], 0, &r->source))
		return setup_error(s, "invalid source address \"%.*s\"", VIEW_ARGS(words[0]));
	return r->has_source = true;
}

static bool transfer_finish(struct setup *s)
{
	const struct transfer *t = s->state;
	for (const struct rule *r = t->first; r; r = r->next) {
		if (!r->has_to)
			return setup_error(s, "'to' is required");
	}
	return true;
}

/* The rule with the longest zone above the name. */
static const struct rule *rule_for(const struct transfer *t, struct name qname)
{
	const struct rule *best = NULL;
	struct name longest = { NULL, 0 }, zone;
	for (const struct rule *r = t->first; r; r = r->next) {
		if (zones_match(r->zones, r->zone_count, qname, &zone) && zone.length > longest.length) {
			best = r;
			longest = zone;
		}
	}
	return best;
}

static bool is_allowed(const struct rule *r, const struct endpoint *client)
{
	for (size_t i = 0; i < r->to_count; i++) {
		if (view_equal(endpoint_address(&r->to[i]), endpoint_address(client)))
			return true;
	}
	return r->to_all;
}

/* --- transfers --- */

/* A transfer on its way: records gather until a message is full. */
struct outgoing {
	struct record_sink sink;
	struct query *q;
	struct arena *arena; /* of the records that are gathered */
	struct section batch;
	size_t length, count;
	struct record soa; /* its owner and rdata are the query's */
	bool asks_since;   /* IXFR: `since` is the serial that the client has */
	uint32_t since;
	bool is_current;   /* the client has it all */
};

static uint32_t soa_serial(const struct record *r)
{
	return r->rdata_length > SOA_SERIAL_END
		       ? rdata_u32(record_rdata(r), r->rdata_length - SOA_SERIAL_END)
		       : 0;
}

/* Sends what has gathered. */
static bool flush_batch(struct outgoing *o)
{
	struct query *q = o->q;
	struct message *m = reply_new(q, RCODE_NOERROR, REPLY_AA);
	m->section[SECTION_ANSWER] = o->batch;
	bool sent = query_send(q);
	arena_reset(o->arena);
	o->batch = (struct section){ 0 };
	o->length = 0;
	return sent;
}

/* The zone's SOA: where it is decided whether anything else is sent. */
static bool begin(struct outgoing *o, const struct record *r)
{
	struct arena *a = o->q->arena;
	o->soa = *r;
	o->soa.owner = name_copy(a, r->owner);
	o->soa.rdata = (const uint8_t *)arena_copy(a, record_rdata(r)).at;
	/* A client that is ahead of us (RFC 1982) has nothing to learn. */
	o->is_current = o->asks_since && o->since && (int32_t)(o->since - soa_serial(r)) >= 0;
	return !o->is_current;
}

static bool add_record(struct record_sink *sink, const struct record *r)
{
	struct outgoing *o = (struct outgoing *)sink;
	size_t length = r->owner.length + RECORD_FIXED + r->rdata_length;
	if (!o->soa.rdata && !begin(o, r))
		return false;
	if (o->length + length > MESSAGE_FILL && !flush_batch(o))
		return false;
	struct record kept = *r;
	kept.owner = name_copy(o->arena, r->owner);
	kept.rdata = (const uint8_t *)arena_copy(o->arena, record_rdata(r)).at;
	section_add(&o->batch, o->arena, kept);
	o->length += length;
	o->count++;
	return true;
}

static void log_transfer(struct plugin *self, const struct outgoing *o)
{
	char client[ENDPOINT_TEXT_MAX];
	const struct query *q = o->q;
	const char *zone = name_text(q->arena, q->request.question.name);
	endpoint_print_ip(&q->client, client);
	if (o->is_current)
		plugin_info(self,
			"Outgoing noop, incremental transfer for up to date zone \"%s\" to %s for %u SOA serial", zone,
			client, (unsigned)soa_serial(&o->soa));
	else
		plugin_info(self, "Outgoing transfer of %zu records of zone \"%s\" to %s for %u SOA serial",
			o->count + 1, zone, client, (unsigned)soa_serial(&o->soa));
}

/* The last message: the SOA once more, or all that there is to say. */
static int end_transfer(struct plugin *self, struct outgoing *o)
{
	struct query *q = o->q;
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	section_add(&q->reply->section[SECTION_ANSWER], q->arena, o->soa);
	log_transfer(self, o);
	return RCODE_NOERROR;
}

/* The first plugin of the block that has this zone gives its records. */
static enum transfer_outcome run_plugins(struct plugin *self, struct outgoing *o)
{
	for (struct plugin *p = self->next; p; p = p->next) {
		if (!p->type->transfer)
			continue;
		enum transfer_outcome outcome = p->type->transfer(p, o->q->name, &o->sink);
		if (outcome != TRANSFER_NOT_SERVED)
			return outcome;
	}
	return TRANSFER_NOT_SERVED;
}

static int send_zone(struct plugin *self, struct outgoing *o)
{
	enum transfer_outcome outcome = run_plugins(self, o);
	struct query *q = o->q;
	q->reply = NULL;
	switch (outcome) {
	case TRANSFER_NOT_SERVED:
		return next(self, q);
	case TRANSFER_NOT_LOADED:
		return query_fail(q, RCODE_SERVFAIL, "the zone is not loaded");
	case TRANSFER_STOPPED:
		return o->is_current ? end_transfer(self, o) : SERVE_DROP;
	case TRANSFER_DONE:
		break;
	}
	return o->batch.count && !flush_batch(o) ? SERVE_DROP : end_transfer(self, o);
}

/* The serial that an IXFR's client has (RFC 1995 3); false if it does not say. */
static bool read_since(const struct query *q, uint32_t *since)
{
	const struct section *s = &q->request.section[SECTION_AUTHORITY];
	if (s->count != 1 || s->records[0].type != TYPE_SOA)
		return false;
	*since = soa_serial(&s->records[0]);
	return true;
}

static int transfer_serve(struct plugin *self, struct query *q)
{
	uint16_t type = query_type(q);
	if (type != TYPE_AXFR && type != TYPE_IXFR)
		return next(self, q);
	if (!query_may_send(q))
		return RCODE_REFUSED;
	const struct rule *r = rule_for(self->state, q->name);
	if (!r)
		return next(self, q);
	if (!is_allowed(r, &q->client)) {
		reply_new(q, RCODE_REFUSED, 0);
		return RCODE_NOERROR;
	}
	struct outgoing o = { .sink = { add_record }, .q = q, .asks_since = type == TYPE_IXFR };
	if (o.asks_since && !read_since(q, &o.since))
		return query_fail(q, RCODE_FORMERR, "an IXFR without the SOA that the client has");
	o.arena = arena_new(BATCH_ARENA);
	int rcode = send_zone(self, &o);
	arena_free(o.arena);
	return rcode;
}

/* --- NOTIFY --- */

/* One secondary that is told of one zone. */
struct notice {
	const struct plugin *from;
	const struct rule *rule;
	struct endpoint to;
	struct name_buffer zone;
};

static size_t write_notify(struct name zone, uint8_t *to, size_t size)
{
	struct message m = { .flags = FLAG_AA,
		.opcode = OPCODE_NOTIFY,
		.has_question = true,
		.question = { zone, TYPE_SOA, CLASS_IN } };
	return message_write(&m, to, size);
}

/* Asks once; NULL if it was taken, or why it was not. */
static const char *notify_once(const struct notice *n, struct arena *arena)
{
	uint8_t wire[HEADER_SIZE + NAME_OCTETS_MAX + QUESTION_FIXED];
	struct name zone = name_of(&n->zone);
	struct ask ask = { .endpoint = n->to,
		.source = n->rule->has_source ? &n->rule->source : NULL,
		.query = wire,
		.query_length = write_notify(zone, wire, sizeof wire),
		.question_end = HEADER_SIZE + zone.length + QUESTION_FIXED,
		.timeout = notify_timeout };
	struct view answer;
	struct message m = { 0 };
	const char *why;
	if (!ask_once(&ask, arena, &answer, &why))
		return arena_printf(arena, "\"%s\"", why);
	message_read(&m, arena, (const uint8_t *)answer.at, answer.length);
	char rcode[MNEMONIC_MAX];
	return m.rcode == RCODE_NOERROR ? NULL
					 : arena_printf(arena, "rcode was \"%s\"", rcode_print(m.rcode, rcode));
}

static void notify(struct plugin *self, void *data)
{
	struct notice *n = data;
	struct arena *arena = arena_new(1024);
	char to[ENDPOINT_TEXT_MAX];
	const char *why = "";
	(void)self;
	for (unsigned tries = 0; why && tries < NOTIFY_TRIES; tries++)
		why = notify_once(n, arena);
	endpoint_print(&n->to, to);
	if (why)
		plugin_warning(n->from, "Failed sending notifies: notify for zone \"%s\" was not accepted by \"%s\": %s",
			name_text(arena, name_of(&n->zone)), to, why);
	else
		log_debug("plugin/transfer: Sent notifies for zone \"%s\" to [%s]",
			name_text(arena, name_of(&n->zone)), to);
	arena_free(arena);
	free(n);
}

static void transfer_zone_changed(struct plugin *self, const struct plugin *from, struct name zone)
{
	const struct rule *r = rule_for(self->state, zone);
	for (size_t i = 0; r && i < r->to_count; i++) {
		struct notice *n = memory_alloc(sizeof *n);
		n->from = from;
		n->rule = r;
		n->to = r->to[i];
		name_lower(zone, &n->zone);
		task_start(self, notify, n);
	}
}

PLUGIN(transfer) = {
	.name = "transfer",
	.arguments = "[ZONE...]",
	.help = "sends whole zones to secondaries, and tells them when one has changed",
	.about = "Answers AXFR over TCP and TLS with the zones of the block's other plugins: `file`, `auto` and whatever else has "
		 "whole zones. IXFR is answered with the SOA alone where the client has that serial or a later one, else with the "
		 "whole zone.",
	.options =
		(const struct option[]){
			{ .name = "to",
				.arguments = "ADDRESS...",
				.help = "who may have the zones, and is notified (IP address, with a port for NOTIFY "
					"where it is not 53); * is everybody, and notifies nobody",
				.read = read_to },
			{ .name = "source",
				.arguments = "ADDRESS",
				.help = "the local address that NOTIFY is sent from",
				.read = read_source },
			{ 0 },
		},
	.state_size = sizeof(struct transfer),
	.init = transfer_init,
	.setup = transfer_setup,
	.finish = transfer_finish,
	.serve = transfer_serve,
	.zone_changed = transfer_zone_changed,
};
