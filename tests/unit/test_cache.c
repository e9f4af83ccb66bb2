/* The cache: what is kept, for how long, what an answer depends on; capacity; stale answers;
 * refreshing beside queries. */
#include "test.h"

#include "base/epoch.h"
#include "net/loop.h"
#include "plugin_bed.h"
#include "plugins/cache/answers.h"
#include "plugins/cache/cache.h"
#include "server/block.h"
#include <pthread.h>
#include <unistd.h>

/* --- an upstream that the tests steer --- */

static struct {
	int asked;
	uint16_t rcode;
	unsigned flags;
	const char *records; /* "name TTL TYPE target-or-last-octet", by '|': answer, authority,
				additional; ';' between records */
	bool silent;	     /* gives an error without a message */
	bool ad_seen;
	uint64_t delay;
} upstream;

static void add_record(struct query *q, enum section_id section, char *text)
{
	char *rest, *owner = strtok_r(text, " ", &rest);
	if (!owner)
		return;
	uint32_t ttl = (uint32_t)strtoul(strtok_r(NULL, " ", &rest), NULL, 10);
	uint16_t type;
	assert_true(type_parse(view_of(strtok_r(NULL, " ", &rest)), &type));
	const char *data = strtok_r(NULL, " ", &rest);
	uint8_t address[4] = { 192, 0, 2, data ? (uint8_t)strtoul(data, NULL, 10) : 0 };
	struct view rdata = rdata_a(q->arena, address);
	if (type == TYPE_SOA)
		rdata = rdata_soa(q->arena, name_root, name_root, 1, 2, 3, 4, 5);
	else if (type != TYPE_A)
		rdata = rdata_of_name(q->arena, name_from_text(q->arena, view_of(data)));
	reply_add(q, section, name_from_text(q->arena, view_of(owner)), type, ttl, rdata);
}

static int answer(struct query *q)
{
	upstream.asked++;
	upstream.ad_seen = (q->request.flags & FLAG_AD) != 0;
	if (upstream.delay)
		fiber_sleep(upstream.delay);
	if (upstream.silent)
		return query_fail(q, RCODE_SERVFAIL, "no answer");
	reply_new(q, upstream.rcode, upstream.flags | FLAG_RA);
	char *sections = arena_string(q->arena, view_of(upstream.records)), *rest = sections;
	for (int id = 0; id < SECTION_COUNT && rest; id++) {
		char *section = strsep(&rest, "|"), *record;
		while ((record = strsep(&section, ";")))
			add_record(q, (enum section_id)id, record);
	}
	return q->reply->rcode;
}

static struct bed *cache_bed(const char *directive)
{
	char corefile[1024];
	snprintf(corefile, sizeof corefile, ".:53 {\n%s\nanswer\n}\n", directive);
	struct bed *b = bed_new(corefile);
	assert_string_equal(bed_complaint(b), "");
	memset(&upstream, 0, sizeof upstream);
	upstream.records = "a.example. 300 A 1";
	bed_answer = answer;
	return b;
}

static void free_bed(struct bed *b)
{
	struct plugin *self = b->config->blocks->chain;
	self->type->worker_stop(self, self->worker_states[0]);
	epoch_reclaim();
	bed_free(b);
}

static struct cache *cache_of(const struct bed *b)
{
	return b->config->blocks->chain->state;
}

/* The entry of the last query's key. */
static struct cache_entry *entry(const struct bed *b, enum kind kind)
{
	struct cache_key key = cache_key_of(&b->q);
	return cache_table_find(cache_of(b)->table, &key).of[kind];
}

static void let_pass(const struct bed *b, enum kind kind, unsigned seconds)
{
	entry(b, kind)->stored -= seconds * NS_PER_S;
}

/* Asks and gives the reply as it is sent, or NULL. */
static struct message *ask(struct bed *b, const char *name, uint16_t type)
{
	bed_ask(b, name, type);
	if (!b->q.reply)
		return NULL;
	uint8_t *wire = arena_octets(b->arena, MESSAGE_MAX);
	struct message *sent = arena_new_object(b->arena, struct message);
	size_t length = message_write(b->q.reply, wire, MESSAGE_MAX);
	assert_int_equal(message_read(sent, b->arena, wire, length), MESSAGE_OK);
	return sent;
}

static uint32_t ttl_of(const struct message *m, enum section_id section)
{
	assert_true(m->section[section].count > 0);
	return m->section[section].records[0].ttl;
}

/* --- hits and misses --- */

static void second_answer_comes_from_the_cache(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache");
	struct message *m = ask(b, "A.example", TYPE_A);
	assert_int_equal(m->flags, FLAG_QR | FLAG_RD | FLAG_RA);
	assert_int_equal(ttl_of(m, SECTION_ANSWER), 300);
	assert_true(upstream.ad_seen);
	assert_int_equal(b->q.request.flags & FLAG_AD, 0);
	let_pass(b, SUCCESS, 100);
	m = ask(b, "a.example", TYPE_A);
	assert_int_equal(upstream.asked, 1);
	assert_int_equal(m->flags, FLAG_QR | FLAG_RD | FLAG_RA | FLAG_AA);
	assert_int_equal(ttl_of(m, SECTION_ANSWER), 200);
	m = ask(b, "a.eXample", TYPE_A);
	assert_string_equal(name_text(b->arena, m->question.name), "a.eXample.");
	assert_string_equal(
		name_text(b->arena, m->section[SECTION_ANSWER].records[0].owner), "a.example.");
	assert_int_equal(ttl_of(m, SECTION_ANSWER), 200);
	assert_int_equal(upstream.asked, 1);
	let_pass(b, SUCCESS, 200);
	ask(b, "a.example", TYPE_A);
	assert_int_equal(upstream.asked, 2);
	free_bed(b);
}

/* CVE-2024-0874: what the answer depends on is in the key. */
static void the_key_has_what_the_answer_depends_on(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache");
	ask(b, "a.example", TYPE_A);
	ask(b, "a.example", TYPE_AAAA);
	bed_query(b, "a.example", TYPE_A)->request.flags |= FLAG_CD;
	bed_run(b);
	bed_query(b, "a.example", TYPE_A)->request.edns =
		(struct edns){ .present = true, .flags = EDNS_DO };
	bed_run(b);
	query_set_question(bed_query(b, "a.example", TYPE_A),
		name_from_text(b->arena, VIEW("a.example.")), TYPE_A, CLASS_CH);
	bed_run(b);
	assert_int_equal(upstream.asked, 5);
	ask(b, "b.example", TYPE_A);
	assert_int_equal(upstream.asked, 6);
	ask(b, "a.example", TYPE_A);
	assert_int_equal(upstream.asked, 6);
	free_bed(b);
}

static void ad_is_for_those_who_ask(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache");
	upstream.flags = FLAG_AD;
	assert_int_equal(ask(b, "a.example", TYPE_A)->flags & FLAG_AD, 0);
	assert_int_equal(ask(b, "a.example", TYPE_A)->flags & FLAG_AD, 0);
	bed_query(b, "a.example", TYPE_A)->request.flags |= FLAG_AD;
	bed_run(b);
	assert_int_equal(b->q.reply->flags & FLAG_AD, FLAG_AD);
	assert_int_equal(upstream.asked, 1);
	free_bed(b);
}

static void only_its_zones(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache 60 example");
	ask(b, "a.other", TYPE_A);
	ask(b, "a.other", TYPE_A);
	assert_int_equal(upstream.asked, 2);
	ask(b, "a.example", TYPE_A);
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 60);
	assert_int_equal(upstream.asked, 3);
	bed_query(b, "a.example", TYPE_A)->request.opcode = OPCODE_NOTIFY;
	bed_run(b);
	assert_int_equal(upstream.asked, 4);
	free_bed(b);
}

struct kept {
	const char *what, *directive, *records;
	uint16_t rcode;
	unsigned flags;
	uint32_t ttl; /* of the first record of the first reply */
	int asked;    /* after two questions for a.example. A */
};

static const struct kept kept[] = {
	{ "smallest TTL", "cache", "a.example. 300 A 1;a.example. 60 A 2", 0, 0, 60, 1 },
	{ "at least 5 s", "cache", "a.example. 0 A 1", 0, 0, 5, 1 },
	{ "at most an hour", "cache", "a.example. 86400 A 1", 0, 0, 3600, 1 },
	{ "at most what is set", "cache {\nsuccess 100 7200\n}", "a.example. 86400 A 1", 0, 0, 7200,
		1 },
	{ "no minimum", "cache {\nsuccess 100 60 0\n}", "a.example. 0 A 1", 0, 0, 0, 2 },
	{ "the maximum wins", "cache {\nsuccess 100 4 9\n}", "a.example. 60 A 1", 0, 0, 4, 1 },
	{ "NXDOMAIN with SOA", "cache", "|example. 9999 SOA", RCODE_NXDOMAIN, 0, 1800, 1 },
	{ "NXDOMAIN without", "cache", "|example. 60 NS ns.example.", RCODE_NXDOMAIN, 0, 60, 2 },
	{ "NODATA", "cache", "|example. 60 SOA", 0, 0, 60, 1 },
	{ "SERVFAIL", "cache", "|example. 60 SOA", RCODE_SERVFAIL, 0, 5, 1 },
	{ "no SERVFAIL", "cache {\nservfail 0\n}", "|example. 60 SOA", RCODE_SERVFAIL, 0, 0, 2 },
	{ "NOTIMP", "cache", "|example. 60 SOA", RCODE_NOTIMP, 0, 5, 1 },
	{ "REFUSED", "cache", "|example. 60 SOA", RCODE_REFUSED, 0, 5, 2 },
	{ "truncated", "cache", "a.example. 60 A 1", 0, FLAG_TC, 60, 2 },
	{ "delegation", "cache", "|example. 60 NS ns.example.", 0, 0, 5, 1 },
	{ "CNAME", "cache", "a.example. 60 CNAME b.example.;b.example. 50 A 1", 0, 0, 50, 1 },
	{ "CNAME in any order", "cache", "b.example. 60 A 1;a.example. 60 CNAME B.example.", 0, 0,
		60, 1 },
	{ "CNAME to nothing", "cache", "a.example. 60 CNAME b.example.", 0, 0, 60, 2 },
	{ "CNAME to nothing, SOA", "cache", "a.example. 60 CNAME b.example.|example. 40 SOA", 0, 0,
		40, 1 },
	{ "CNAME and NXDOMAIN", "cache", "a.example. 60 CNAME b.example.|example. 60 SOA",
		RCODE_NXDOMAIN, 0, 5, 2 },
	{ "CNAME loop", "cache", "a.example. 60 CNAME b.example.;b.example. 60 CNAME a.example.", 0,
		0, 60, 2 },
	{ "CNAME fork", "cache",
		"a.example. 60 CNAME b.example.;a.example. 60 CNAME c.example.;b.example. 60 A 1",
		0, 0, 60, 2 },
	{ "disable success", "cache {\ndisable success\n}", "a.example. 60 A 1", 0, 0, 60, 2 },
	{ "disable elsewhere", "cache {\ndisable success other\n}", "a.example. 60 A 1", 0, 0, 60,
		1 },
	{ "disable denial", "cache {\ndisable denial example\n}", "|example. 60 SOA", 0, 0, 60, 2 },
	{ "disable denial, success", "cache {\ndisable denial\n}", "a.example. 60 A 1", 0, 0, 60,
		1 },
};

static void what_is_kept_and_for_how_long(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		const struct kept *k = &kept[i];
		struct bed *b = cache_bed(k->directive);
		upstream.records = k->records;
		upstream.rcode = k->rcode;
		upstream.flags = k->flags;
		struct message *m = ask(b, "a.example", TYPE_A);
		enum section_id section =
			m->section[SECTION_ANSWER].count ? SECTION_ANSWER : SECTION_AUTHORITY;
		if (ttl_of(m, section) != k->ttl)
			print_message("%s: TTL\n", k->what);
		assert_int_equal(ttl_of(m, section), k->ttl);
		m = ask(b, "a.example", TYPE_A);
		if (upstream.asked != k->asked)
			print_message("%s: asked\n", k->what);
		assert_int_equal(upstream.asked, k->asked);
		assert_int_equal(m->rcode, k->rcode);
		free_bed(b);
	}
}

static void keepttl_keeps_it(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache {\nkeepttl\n}");
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 100);
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 300);
	let_pass(b, SUCCESS, 200);
	ask(b, "a.example", TYPE_A);
	assert_int_equal(upstream.asked, 2);
	free_bed(b);
}

static void errors_without_a_message_pass(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache");
	upstream.silent = true;
	assert_int_equal(bed_ask(b, "a.example", TYPE_A), RCODE_SERVFAIL);
	assert_null(b->q.reply);
	assert_string_equal(b->q.error, "no answer");
	free_bed(b);
}

/* A SERVFAIL that was kept does not hide the answer that is there, an NXDOMAIN does. */
static void denials_before_successes(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache {\nservfail 1m\n}");
	struct cache_entry *e;
	ask(b, "a.example", TYPE_A);
	struct cache_key key = cache_key_of(&b->q);
	upstream.rcode = RCODE_SERVFAIL;
	upstream.records = "|example. 60 SOA";
	answer(&b->q);
	e = cache_keep(b->config->blocks->chain, &b->q, &key, KEEP_MISS);
	assert_non_null(e);
	assert_int_equal(ask(b, "a.example", TYPE_A)->rcode, RCODE_NOERROR);
	upstream.rcode = RCODE_NXDOMAIN;
	answer(&b->q);
	assert_non_null(cache_keep(b->config->blocks->chain, &b->q, &key, KEEP_MISS));
	assert_int_equal(ask(b, "a.example", TYPE_A)->rcode, RCODE_NXDOMAIN);
	free_bed(b);
}

static void another_question_is_not_kept(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache");
	ask(b, "a.example", TYPE_A);
	bed_query(b, "b.example", TYPE_A);
	answer(&b->q);
	b->q.reply->question.name = name_from_text(b->arena, VIEW("a.example."));
	struct cache_key key = cache_key_of(&b->q);
	assert_null(cache_keep(b->config->blocks->chain, &b->q, &key, KEEP_MISS));
	free_bed(b);
}

/* --- the table --- */

static struct cache_entry *numbered(struct bed *b, unsigned n, enum kind kind)
{
	char text[32];
	snprintf(text, sizeof text, "h%u.example", n);
	bed_query(b, text, TYPE_A);
	answer(&b->q);
	struct cache_key key = cache_key_of(&b->q);
	return cache_entry_new(b->q.reply, &key, kind, 60, b->arena, (struct view){ 0 });
}

/* Hashes have another key each time: so many buckets may be full before the table is, in all but one of 100,000 runs. */
enum { CROWDED = 8 };

static void capacity_is_kept(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache");
	struct cache_table *t = cache_table_new((int64_t[]){ -5, 2000 });
	unsigned evicted[KIND_COUNT] = { 0 }, lost = 0, found = 0;
	enum { COUNT = 5000 };
	for (unsigned i = 0; i < COUNT; i++) {
		lost += !cache_table_put(t, numbered(b, i, SUCCESS), evicted);
		lost += !cache_table_put(t, numbered(b, i, DENIAL), evicted);
	}
	assert_int_equal(lost, 0);
	assert_in_range(cache_table_count(t, SUCCESS), 1024 - CROWDED, 1024);
	assert_in_range(cache_table_count(t, DENIAL), 2000 - CROWDED, 2000);
	assert_int_equal(evicted[SUCCESS], COUNT - cache_table_count(t, SUCCESS));
	assert_int_equal(evicted[DENIAL], COUNT - cache_table_count(t, DENIAL));
	for (unsigned i = 0; i < COUNT; i++) {
		struct cache_entry *e = numbered(b, i, SUCCESS);
		struct cache_key key = cache_entry_key(e);
		struct cache_entry *got = cache_table_find(t, &key).of[SUCCESS];
		assert_true(!got || cache_entry_is(got, &key));
		found += got != NULL;
		cache_entry_free(e);
	}
	assert_int_equal(found, cache_table_count(t, SUCCESS));
	epoch_reclaim();
	cache_table_free(t);
	free_bed(b);
}

static struct cache_entry *find_number(struct bed *b, const struct cache_table *t, unsigned n)
{
	struct cache_entry *e = numbered(b, n, SUCCESS);
	struct cache_key key = cache_entry_key(e);
	struct cache_entry *got = cache_table_find(t, &key).of[SUCCESS];
	cache_entry_free(e);
	return got;
}

/* As many names as there is room for stay, but for the few whose bucket is full; one more costs one of them. */
static void there_is_room_for_all(void **state)
{
	(void)state;
	enum { COUNT = 10000 };
	struct bed *b = cache_bed("cache");
	struct cache_table *t = cache_table_new((int64_t[]){ COUNT, COUNT });
	unsigned evicted[KIND_COUNT] = { 0 };
	for (unsigned i = 0; i < COUNT; i++)
		assert_true(cache_table_put(t, numbered(b, i, SUCCESS), evicted));
	assert_in_range(evicted[SUCCESS], 0, CROWDED);
	unsigned found = 0, crowded = evicted[SUCCESS];
	for (unsigned i = 0; i < COUNT; i++)
		found += find_number(b, t, i) != NULL;
	assert_int_equal(found, COUNT - crowded);
	for (unsigned i = 0; i <= crowded; i++)
		assert_true(cache_table_put(t, numbered(b, COUNT + i, SUCCESS), evicted));
	assert_in_range(evicted[SUCCESS], crowded + 1, 2 * CROWDED);
	assert_int_equal(evicted[DENIAL], 0);
	assert_int_equal(cache_table_count(t, SUCCESS), COUNT + crowded + 1 - evicted[SUCCESS]);
	assert_non_null(find_number(b, t, COUNT));
	epoch_reclaim();
	cache_table_free(t);
	free_bed(b);
}

/* A few of one kind among many of the other give way to each other, and to nobody else. */
static void kinds_do_not_crowd_each_other(void **state)
{
	(void)state;
	enum { FEW = 1024, MANY = 60000 };
	struct bed *b = cache_bed("cache");
	struct cache_table *t = cache_table_new((int64_t[]){ MANY, FEW });
	unsigned evicted[KIND_COUNT] = { 0 };
	for (unsigned i = 0; i < 2 * FEW; i++)
		assert_true(cache_table_put(t, numbered(b, i, DENIAL), evicted));
	assert_int_equal(cache_table_count(t, DENIAL), FEW);
	assert_int_equal(evicted[DENIAL], FEW);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(cache_table_put(t, numbered(b, i, SUCCESS), evicted));
	assert_int_equal(evicted[SUCCESS], 0);
	assert_int_equal(evicted[DENIAL], FEW);
	epoch_reclaim();
	cache_table_free(t);
	free_bed(b);
}

static void replacing_evicts_nothing(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache");
	struct cache_table *t = cache_table_new((int64_t[]){ 1024, 1024 });
	unsigned evicted[KIND_COUNT] = { 0 };
	struct cache_entry *e = NULL;
	for (int i = 0; i < 100; i++) {
		e = numbered(b, 1, SUCCESS);
		assert_true(cache_table_put(t, e, evicted));
	}
	assert_int_equal(cache_table_count(t, SUCCESS), 1);
	assert_int_equal(evicted[SUCCESS], 0);
	cache_table_remove(t, e);
	assert_int_equal(cache_table_count(t, SUCCESS), 0);
	epoch_reclaim();
	cache_table_free(t);
	free_bed(b);
}

/* Several threads put, find and remove the same few keys; what is found is whole while it is held.
 */
struct crowd {
	struct cache_table *table;
	struct cache_entry *models[64];
	_Atomic bool stop;
};

static void *crowd_run(void *data)
{
	struct crowd *c = data;
	unsigned evicted[KIND_COUNT] = { 0 };
	epoch_register();
	for (unsigned i = 0; i < 20000; i++) {
		const struct cache_entry *model = c->models[(i * 7 + (uintptr_t)&i) % 64];
		struct cache_key key = cache_entry_key(model);
		struct cache_found f = cache_table_find(c->table, &key);
		if (f.of[SUCCESS])
			assert_memory_equal(
				f.of[SUCCESS]->form.wire, model->form.wire, model->form.length);
		if (i % 5 == 0 && f.of[SUCCESS])
			cache_table_remove(c->table, f.of[SUCCESS]);
		struct cache_entry *copy = cache_entry_copy(model);
		if (!cache_table_put(c->table, copy, evicted))
			cache_entry_free(copy);
		if (i % 64 == 0)
			epoch_quiet();
	}
	epoch_unregister();
	return NULL;
}

static void threads_share_the_table(void **state)
{
	(void)state;
	struct bed *b = cache_bed("cache");
	struct crowd crowd = { .table = cache_table_new((int64_t[]){ 0, 0 }) };
	pthread_t threads[3];
	for (unsigned i = 0; i < 64; i++)
		crowd.models[i] = numbered(b, i, SUCCESS);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, crowd_run, &crowd);
	for (int i = 0; i < 200; i++) {
		epoch_reclaim();
		usleep(1000);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(cache_table_count(crowd.table, SUCCESS) <= 64);
	epoch_drain();
	cache_table_free(crowd.table);
	for (unsigned i = 0; i < 64; i++)
		cache_entry_free(crowd.models[i]);
	free_bed(b);
}

/* --- refreshing: on a loop --- */

static void (*on_loop)(struct bed *b);
static struct bed *loop_bed;

static void loop_body(void *data)
{
	(void)data;
	on_loop(loop_bed);
	loop_stop(loop_current());
}

static void run_on_loop(const char *directive, void (*body)(struct bed *b))
{
	struct loop *l = loop_new(0);
	loop_bed = cache_bed(directive);
	on_loop = body;
	fiber_spawn(l, loop_body, NULL);
	loop_run(l);
	loop_free(l);
	free_bed(loop_bed);
}

/* Lets what runs beside this fiber go on. */
static void breathe(void)
{
	fiber_sleep(3 * NS_PER_MS);
}

static void prefetch_body(struct bed *b)
{
	upstream.records = "a.example. 80 A 1";
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 70);
	ask(b, "a.example", TYPE_A);
	breathe();
	assert_int_equal(upstream.asked, 1); /* 10 s left: more than a tenth */
	let_pass(b, SUCCESS, 3);
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 7);
	breathe();
	assert_int_equal(upstream.asked, 2);
	let_pass(b, SUCCESS, 7);
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 73);
	assert_int_equal(upstream.asked, 2);
}

static void prefetch_in_the_last_part(void **state)
{
	(void)state;
	run_on_loop("cache {\nprefetch 1 1m 10%\n}", prefetch_body);
}

static void rarely_asked_body(struct bed *b)
{
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 299);
	ask(b, "a.example", TYPE_A);
	ask(b, "a.example", TYPE_A);
	breathe();
	assert_int_equal(upstream.asked, 1);
	ask(b, "a.example", TYPE_A);
	breathe();
	assert_int_equal(upstream.asked, 2);
	assert_int_equal(atomic_load(&entry(b, SUCCESS)->hits), 3);
}

static void prefetch_what_is_asked_often(void **state)
{
	(void)state;
	run_on_loop("cache {\nprefetch 3\n}", rarely_asked_body);
}

static void immediate_body(struct bed *b)
{
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 400);
	upstream.rcode = RCODE_SERVFAIL;
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 0);
	breathe();
	assert_int_equal(upstream.asked, 2);
	ask(b, "a.example", TYPE_A); /* the failure has not taken its place */
	breathe();
	upstream.rcode = RCODE_NOERROR;
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 0);
	breathe();
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 300);
	let_pass(b, SUCCESS, 300 + 3600);
	upstream.silent = true;
	assert_int_equal(bed_ask(b, "a.example", TYPE_A), RCODE_SERVFAIL);
}

static void stale_answers_at_once(void **state)
{
	(void)state;
	run_on_loop("cache {\nserve_stale\n}", immediate_body);
}

static void recheck_body(struct bed *b)
{
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 400);
	upstream.silent = true;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 9);
		breathe();
	}
	assert_int_equal(upstream.asked, 2);
}

static void failures_are_not_repeated_at_once(void **state)
{
	(void)state;
	run_on_loop("cache {\nserve_stale 1h immediate 9s 1m\n}", recheck_body);
	run_on_loop("cache {\nserve_stale 1h verify 0s 9s 1m\n}", recheck_body);
	run_on_loop("cache {\nserve_stale 1h verify 100ms 9s 1m\n}", recheck_body);
}

static void verify_body(struct bed *b)
{
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 400);
	upstream.silent = true;
	struct message *m = ask(b, "a.example", TYPE_A);
	assert_int_equal(ttl_of(m, SECTION_ANSWER), 0);
	assert_null(b->q.error);
	upstream.silent = false;
	upstream.rcode = RCODE_REFUSED;
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 0);
	upstream.rcode = RCODE_NXDOMAIN;
	upstream.records = "|example. 60 SOA";
	m = ask(b, "a.example", TYPE_A);
	assert_int_equal(m->rcode, RCODE_NXDOMAIN);
	assert_int_equal(upstream.asked, 4);
}

static void fresh_answers_before_stale_ones(void **state)
{
	(void)state;
	run_on_loop("cache {\nserve_stale 1h verify\n}", verify_body);
	run_on_loop("cache {\nserve_stale 1h verify 100ms\n}", verify_body);
}

static void late_body(struct bed *b)
{
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 400);
	upstream.delay = 300 * NS_PER_MS;
	upstream.records = "a.example. 200 A 1";
	uint64_t before = clock_now();
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 0);
	assert_true(clock_now() - before < 250 * NS_PER_MS);
	fiber_sleep(400 * NS_PER_MS);
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 200);
	assert_int_equal(upstream.asked, 2);
}

static void late_answers_are_kept(void **state)
{
	(void)state;
	run_on_loop("cache {\nserve_stale 1h verify 10ms\n}", late_body);
}

static void rfc8767_body(struct bed *b)
{
	const struct cache *c = cache_of(b);
	assert_int_equal(c->verify_timeout, 1800 * NS_PER_MS);
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 400);
	upstream.silent = true;
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 30);
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 30);
	assert_int_equal(upstream.asked, 2);
}

static void as_rfc8767_has_it(void **state)
{
	(void)state;
	run_on_loop("cache {\nserve_stale 24h rfc8767\n}", rfc8767_body);
}

/* An answer that lacks what is asked for never takes the place of one that has it. */
static void prefer_positive_body(struct bed *b)
{
	ask(b, "a.example", TYPE_A);
	let_pass(b, SUCCESS, 400);
	upstream.records = "";
	upstream.rcode = RCODE_NOERROR;
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 0);
	assert_false(entry(b, SUCCESS)->answers);
	assert_non_null(entry(b, SUCCESS)->good);
	upstream.rcode = RCODE_NXDOMAIN;
	upstream.records = "|example. 60 SOA";
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 0);
	assert_non_null(entry(b, DENIAL));
	upstream.rcode = RCODE_NOERROR;
	upstream.records = "a.example. 50 A 1";
	assert_int_equal(ttl_of(ask(b, "a.example", TYPE_A), SECTION_ANSWER), 50);
	assert_null(entry(b, DENIAL));
	assert_null(entry(b, SUCCESS)->good);
}

static void positive_answers_preferred(void **state)
{
	(void)state;
	run_on_loop("cache {\nserve_stale 1h verify\nserve_stale_policy prefer_positive\n}",
		prefer_positive_body);
}

/* --- the directive --- */

static void settings_are_read(void **state)
{
	(void)state;
	struct bed *b =
		cache_bed("cache 120 Example.org example.net {\nsuccess 500 60 7 more\n"
			  "prefetch 4 20s 50%\nserve_stale 2h VERIFY 3s 4s 5s\nservfail 9s\n}");
	const struct cache *c = cache_of(b);
	assert_true(view_is(c->zones_label, "example.org.,example.net."));
	assert_int_equal(c->kind[SUCCESS].capacity, 500);
	assert_int_equal(c->kind[SUCCESS].ttl, 60);
	assert_int_equal(c->kind[SUCCESS].ttl_min, 7);
	assert_int_equal(c->kind[DENIAL].capacity, 10000);
	assert_int_equal(c->kind[DENIAL].ttl, 120);
	assert_int_equal(c->prefetch_hits, 4);
	assert_int_equal(c->prefetch_gap, 20 * NS_PER_S);
	assert_int_equal(c->prefetch_percent, 50);
	assert_int_equal(c->stale, 7200 * NS_PER_S);
	assert_int_equal(c->stale_mode, STALE_VERIFY);
	assert_int_equal(c->verify_timeout, 3 * NS_PER_S);
	assert_int_equal(c->stale_ttl, 4);
	assert_int_equal(c->recheck, 5 * NS_PER_S);
	assert_int_equal(c->servfail_ttl, 9);
	free_bed(b);
}

static void errors_are_told(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "0", "cache TTL can not be zero or negative: 0" },
		{ "-4", "cache TTL can not be zero or negative: -4" },
		{ "{\nsuccess\n}", "Corefile:3 - Error during parsing: Wrong argument count or "
				   "unexpected line ending after "
				   "'success'" },
		{ "{\nsuccess x\n}", "strconv.Atoi: parsing \"x\": invalid syntax" },
		{ "{\nsuccess 1 0\n}", "cache TTL can not be zero or negative: 0" },
		{ "{\ndenial 1 2 -1\n}", "cache min TTL can not be negative: -1" },
		{ "{\nprefetch -1\n}", "prefetch amount should be positive: -1" },
		{ "{\nprefetch 1 1m 10\n}",
			"last character of percentage should be `%`, but is: '0'" },
		{ "{\nprefetch 1 1m 5%\n}", "percentage should fall in range [10, 90]: 5" },
		{ "{\nprefetch 1 1m 10% 3\n}", "Corefile:3 - Error during parsing: Wrong argument "
					       "count or unexpected line "
					       "ending after '3'" },
		{ "{\nserve_stale -1s\n}", "invalid negative duration for serve_stale" },
		{ "{\nserve_stale 1s nono\n}", "invalid value for serve_stale refresh mode: nono" },
		{ "{\nserve_stale 1s verify x\n}",
			"invalid serve_stale verify timeout: time: invalid duration \"x\"" },
		{ "{\nserve_stale 1s verify -1s\n}",
			"invalid negative timeout for serve_stale verify" },
		{ "{\nserve_stale 1s immediate -1s\n}",
			"invalid negative response TTL for serve_stale" },
		{ "{\nserve_stale 1s immediate 1500ms\n}",
			"serve_stale response TTL must be a whole number of seconds" },
		{ "{\nserve_stale 1s immediate 1200000h\n}",
			"serve_stale response TTL exceeds the DNS TTL range" },
		{ "{\nserve_stale 1s immediate 1s -1s\n}",
			"invalid negative failure recheck for serve_stale" },
		{ "{\nserve_stale 1s immediate 1s 6m\n}",
			"serve_stale failure recheck cannot exceed 5 minutes" },
		{ "{\nserve_stale_policy prefer_positive\n}",
			"serve_stale_policy requires serve_stale" },
		{ "{\nserve_stale\nserve_stale_policy bar\n}", "invalid serve_stale_policy: bar" },
		{ "{\nserve_stale\nserve_stale_policy prefer_positive\nserve_stale_policy "
		  "prefer_positive\n}",
			"serve_stale_policy can only be specified once" },
		{ "{\nservfail -1s\n}", "invalid negative ttl for servfail" },
		{ "{\nservfail 6m\n}",
			"caching SERVFAIL responses over 5 minutes is not permitted" },
		{ "{\ndisable other\n}",
			"cache type for disable must be \"success\" or \"denial\"" },
		{ "{\nkeepttl 1\n}", "Corefile:3 - Error during parsing: Wrong argument count or "
				     "unexpected line ending "
				     "after '1'" },
		{ "{\nbananas\n}", "Corefile:3 - Error during parsing: Wrong argument count or "
				   "unexpected line ending after "
				   "'bananas'" },
		{ "\ncache", "this plugin can only be used once per Server Block" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char body[256], complaint[256];
		snprintf(body, sizeof body, "cache %s", cases[i][0]);
		snprintf(complaint, sizeof complaint, "plugin/cache: %s", cases[i][1]);
		assert_refused(body, complaint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_answer_comes_from_the_cache),
		cmocka_unit_test(the_key_has_what_the_answer_depends_on),
		cmocka_unit_test(ad_is_for_those_who_ask),
		cmocka_unit_test(only_its_zones),
		cmocka_unit_test(what_is_kept_and_for_how_long),
		cmocka_unit_test(keepttl_keeps_it),
		cmocka_unit_test(errors_without_a_message_pass),
		cmocka_unit_test(denials_before_successes),
		cmocka_unit_test(another_question_is_not_kept),
		cmocka_unit_test(capacity_is_kept),
		cmocka_unit_test(there_is_room_for_all),
		cmocka_unit_test(kinds_do_not_crowd_each_other),
		cmocka_unit_test(replacing_evicts_nothing),
		cmocka_unit_test(threads_share_the_table),
		cmocka_unit_test(prefetch_in_the_last_part),
		cmocka_unit_test(prefetch_what_is_asked_often),
		cmocka_unit_test(stale_answers_at_once),
		cmocka_unit_test(failures_are_not_repeated_at_once),
		cmocka_unit_test(fresh_answers_before_stale_ones),
		cmocka_unit_test(late_answers_are_kept),
		cmocka_unit_test(as_rfc8767_has_it),
		cmocka_unit_test(positive_answers_preferred),
		cmocka_unit_test(settings_are_read),
		cmocka_unit_test(errors_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
