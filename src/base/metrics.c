/*
 * The registry of metrics, and counting in cells of each thread's own.
 *
 * A series has a table of pointers, one a thread, to the cell that this thread alone adds to. A
 * cell is made when its thread first counts there, from memory that no other thread's cells are in:
 * threads share no cache line, and a series that one worker of 64 ever saw costs one cell. The
 * page's writer reads cells while they are counted in; a sum may be a few queries behind another's.
 */
#include "base/metrics.h"

#include "base/float.h"
#include "base/hash.h"
#include "base/memory.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CHUNK_SIZE = 4096 };

const double metric_time_buckets[16] = { 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032,
	0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192 };

/* One thread's part of a counter or histogram. */
struct cell {
	_Atomic uint64_t count; /* counter: the sum; histogram: what is over the last bound */
	_Atomic double sum;	/* histogram only, as are the buckets; not cumulative */
	_Atomic uint64_t buckets[];
};

struct metric {
	const struct metric_family *family;
	struct metric *next; /* of the same slot */
	char *values;	     /* the label values, each with a NUL behind it */
	size_t values_size;
	uint64_t hash;
	bool hidden; /* under `lock` */
	_Atomic double gauge; /* a gauge's value; what a counter has beside its cells */
	_Atomic(struct cell *) cells[]; /* by shard */
};

/* A family's series: a chained hash table. Under `lock`. */
struct family {
	struct family *next;
	const struct metric_family *declared;
	struct metric **slots;
	size_t slot_count, count;
};

/* Where one thread's cells come from. Its thread's own. */
struct shard {
	_Alignas(64) unsigned char *free;
	size_t left;
};

struct collector {
	struct collector *next;
	void (*collect)(void *data);
	void *data;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct family *families; /* by name */
static struct shard single_shard, *shards = &single_shard;
static unsigned shard_count = 1;

static pthread_mutex_t collect_lock = PTHREAD_MUTEX_INITIALIZER;
static struct collector *collectors;

static _Thread_local unsigned own_shard;

void metrics_init(unsigned threads)
{
	assert(shards == &single_shard && threads > 0);
	shards = memory_aligned(64, threads * sizeof *shards);
	shard_count = threads;
}

void metrics_thread(unsigned shard)
{
	assert(shard < shard_count);
	own_shard = shard;
}

/* --- cells --- */

static size_t cell_size(const struct metric_family *f)
{
	if (f->kind != METRIC_HISTOGRAM)
		return sizeof(_Atomic uint64_t);
	return sizeof(struct cell) + f->bucket_count * sizeof(_Atomic uint64_t);
}

/* Zeroed memory that is never given back, from the calling thread's shard. */
static void *shard_alloc(struct shard *s, size_t size)
{
	if (size > s->left) {
		size_t chunk = size > CHUNK_SIZE ? (size + 63) & ~(size_t)63 : CHUNK_SIZE;
		s->free = memory_aligned(64, chunk);
		s->left = chunk;
	}
	void *at = s->free;
	s->free += size;
	s->left -= size;
	return at;
}

static struct cell *cell_new(struct metric *m)
{
	struct cell *c = shard_alloc(&shards[own_shard], cell_size(m->family));
	atomic_store_explicit(&m->cells[own_shard], c, memory_order_release);
	return c;
}

static inline struct cell *own_cell(struct metric *m)
{
	struct cell *c = atomic_load_explicit(&m->cells[own_shard], memory_order_relaxed);
	return c ? c : cell_new(m);
}

/* One thread alone writes: a load and a store, no locked instruction. */
static inline void count_up(_Atomic uint64_t *n, uint64_t by)
{
	atomic_store_explicit(
		n, atomic_load_explicit(n, memory_order_relaxed) + by, memory_order_relaxed);
}

void metric_add(struct metric *m, uint64_t n)
{
	count_up(&own_cell(m)->count, n);
}

void metric_observe(struct metric *m, double value)
{
	const struct metric_family *f = m->family;
	struct cell *c = own_cell(m);
	size_t i = 0;
	while (i < f->bucket_count && !(value <= f->buckets[i]))
		i++;
	count_up(i < f->bucket_count ? &c->buckets[i] : &c->count, 1);
	double sum = atomic_load_explicit(&c->sum, memory_order_relaxed);
	atomic_store_explicit(&c->sum, sum + value, memory_order_relaxed);
}

void metric_set(struct metric *m, double value)
{
	atomic_store_explicit(&m->gauge, value, memory_order_relaxed);
}

void metric_shift(struct metric *m, double n)
{
	double before = atomic_load_explicit(&m->gauge, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&m->gauge, &before, before + n, memory_order_relaxed, memory_order_relaxed))
		;
}

/* --- series --- */

static size_t label_count(const struct metric_family *f)
{
	size_t n = 0;
	while (n < METRIC_LABELS_MAX && f->labels[n])
		n++;
	return n;
}

static struct family *family_get(const struct metric_family *declared)
{
	struct family **at = &families;
	while (*at && strcmp((*at)->declared->name, declared->name) < 0)
		at = &(*at)->next;
	if (*at && strcmp((*at)->declared->name, declared->name) == 0)
		return *at;
	struct family *f = memory_array(1, sizeof *f);
	f->declared = declared;
	f->next = *at;
	*at = f;
	return f;
}

static void family_grow(struct family *f)
{
	size_t count = f->slot_count ? f->slot_count * 2 : 8;
	struct metric **slots = memory_array(count, sizeof(struct metric *));
	for (size_t i = 0; i < f->slot_count; i++) {
		for (struct metric *m = f->slots[i], *next; m; m = next) {
			next = m->next;
			m->next = slots[m->hash & (count - 1)];
			slots[m->hash & (count - 1)] = m;
		}
	}
	free(f->slots);
	f->slots = slots;
	f->slot_count = count;
}

static struct metric *metric_new(struct family *f, const struct text *values, uint64_t hash)
{
	struct metric *m =
		memory_array(1, sizeof *m + shard_count * sizeof(_Atomic(struct cell *)));
	m->family = f->declared;
	m->values = memory_alloc(values->length);
	memcpy(m->values, values->at ? values->at : "", values->length);
	m->values_size = values->length;
	m->hash = hash;
	if (f->count >= f->slot_count)
		family_grow(f);
	m->next = f->slots[hash & (f->slot_count - 1)];
	f->slots[hash & (f->slot_count - 1)] = m;
	f->count++;
	return m;
}

static struct metric *metric_find(const struct family *f, const struct text *values, uint64_t hash)
{
	if (f->slot_count == 0)
		return NULL;
	struct metric *m = f->slots[hash & (f->slot_count - 1)];
	while (m && !(m->hash == hash && m->values_size == values->length &&
			    memcmp(m->values, text_view(values).at, values->length) == 0))
		m = m->next;
	return m;
}

struct metric *metric_get(const struct metric_family *family, const struct view *values)
{
	struct text key = { 0 };
	for (size_t i = 0; i < label_count(family); i++) {
		text_add(&key, view_first(values[i], view_find(values[i], 0)));
		text_add_char(&key, 0);
	}
	uint64_t hash = hash_bytes(text_view(&key).at, key.length);
	pthread_mutex_lock(&lock);
	struct family *f = family_get(family);
	struct metric *m = metric_find(f, &key, hash);
	if (!m)
		m = metric_new(f, &key, hash);
	if (m->hidden) {
		m->hidden = false;
		metric_set(m, 0);
	}
	pthread_mutex_unlock(&lock);
	text_free(&key);
	return m;
}

void metric_family_clear(const struct metric_family *family)
{
	pthread_mutex_lock(&lock);
	struct family *f = family_get(family);
	for (size_t i = 0; i < f->slot_count; i++) {
		for (struct metric *m = f->slots[i]; m; m = m->next)
			m->hidden = true;
	}
	pthread_mutex_unlock(&lock);
}

/* --- sums --- */

/* Where a histogram's sums over all threads are put together. */
struct total {
	uint64_t count;
	double sum;
	uint64_t *buckets; /* cumulative */
};

static const struct cell *cell_of(const struct metric *m, unsigned shard)
{
	return atomic_load_explicit(&m->cells[shard], memory_order_acquire);
}

static uint64_t counter_sum(const struct metric *m)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < shard_count; i++) {
		const struct cell *c = cell_of(m, i);
		sum += c ? atomic_load_explicit(&c->count, memory_order_relaxed) : 0;
	}
	return sum;
}

static void histogram_sum(const struct metric *m, struct total *t)
{
	size_t n = m->family->bucket_count;
	memset(t->buckets, 0, n * sizeof *t->buckets);
	t->count = counter_sum(m);
	t->sum = 0;
	for (unsigned i = 0; i < shard_count; i++) {
		const struct cell *c = cell_of(m, i);
		if (!c)
			continue;
		t->sum += atomic_load_explicit(&c->sum, memory_order_relaxed);
		for (size_t b = 0; b < n; b++)
			t->buckets[b] += atomic_load_explicit(&c->buckets[b], memory_order_relaxed);
	}
	for (size_t b = 1; b < n; b++)
		t->buckets[b] += t->buckets[b - 1];
	t->count += n ? t->buckets[n - 1] : 0;
}

double metric_value(const struct metric *m)
{
	double value = atomic_load_explicit(&m->gauge, memory_order_relaxed);
	if (m->family->kind == METRIC_GAUGE)
		return value;
	value += (double)counter_sum(m);
	for (unsigned i = 0; i < shard_count && m->family->kind == METRIC_HISTOGRAM; i++) {
		const struct cell *c = cell_of(m, i);
		for (size_t b = 0; c && b < m->family->bucket_count; b++)
			value += (double)atomic_load_explicit(&c->buckets[b], memory_order_relaxed);
	}
	return value;
}

/* --- collectors --- */

void metrics_on_collect(void (*collect)(void *data), void *data)
{
	struct collector *c = memory_alloc(sizeof *c);
	pthread_mutex_lock(&collect_lock);
	*c = (struct collector){ collectors, collect, data };
	collectors = c;
	pthread_mutex_unlock(&collect_lock);
}

void metrics_on_collect_remove(void (*collect)(void *data), void *data)
{
	pthread_mutex_lock(&collect_lock);
	for (struct collector **at = &collectors; *at; at = &(*at)->next) {
		struct collector *c = *at;
		if (c->collect == collect && c->data == data) {
			*at = c->next;
			free(c);
			break;
		}
	}
	pthread_mutex_unlock(&collect_lock);
}

static void collect_all(void)
{
	pthread_mutex_lock(&collect_lock);
	for (const struct collector *c = collectors; c; c = c->next)
		c->collect(c->data);
	pthread_mutex_unlock(&collect_lock);
}

/* --- the page --- */

/* The labels of a family in the order in which they are printed: by name. */
struct label_order {
	size_t at[METRIC_LABELS_MAX], count;
};

static struct label_order label_order(const struct metric_family *f)
{
	struct label_order o = { .count = label_count(f) };
	for (size_t i = 0; i < o.count; i++) {
		size_t to = i;
		for (; to > 0 && strcmp(f->labels[o.at[to - 1]], f->labels[i]) > 0; to--)
			o.at[to] = o.at[to - 1];
		o.at[to] = i;
	}
	return o;
}

static const char *label_value(const struct metric *m, size_t label)
{
	const char *value = m->values;
	for (; label > 0; label--)
		value += strlen(value) + 1;
	return value;
}

static void add_escaped(struct text *page, const char *value, bool quoted)
{
	for (const char *c = value; *c; c++) {
		if (*c == '\n')
			text_add(page, VIEW("\\n"));
		else if (*c == '\\' || (*c == '"' && quoted))
			text_printf(page, "\\%c", *c);
		else
			text_add_char(page, *c);
	}
}

static void add_float(struct text *page, double value)
{
	char digits[FLOAT_TEXT_MAX];
	size_t n = float_print(value, digits);
	text_add(page, (struct view){ digits, n });
}

/* name="value",... by name: how the series of a family are sorted, and what stands between their
 * braces. */
static char *labels_text(const struct metric *m, const struct label_order *o)
{
	struct text t = { 0 };
	text_add(&t, VIEW(""));
	for (size_t i = 0; i < o->count; i++) {
		text_printf(&t, "%s%s=\"", i ? "," : "", m->family->labels[o->at[i]]);
		add_escaped(&t, label_value(m, o->at[i]), true);
		text_add_char(&t, '"');
	}
	return t.at;
}

/* A series as it is sorted and printed. */
struct line {
	const struct metric *metric;
	const struct label_order *order;
	char *labels;
};

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = 0;
	for (size_t i = 0; i < x->order->count && order == 0; i++)
		order = strcmp(label_value(x->metric, x->order->at[i]),
			label_value(y->metric, y->order->at[i]));
	return order;
}

/* "name_suffix{labels,le="bound"} ", without braces when there are no labels. */
static void add_name(struct text *page, const struct line *l, const char *suffix, const char *bound)
{
	text_printf(page, "%s%s", l->metric->family->name, suffix);
	if (l->labels[0] || bound) {
		text_printf(page, "{%s", l->labels);
		if (bound)
			text_printf(page, "%sle=\"%s\"", l->labels[0] ? "," : "", bound);
		text_add_char(page, '}');
	}
	text_add_char(page, ' ');
}

static void add_count(struct text *page, uint64_t count)
{
	text_printf(page, "%llu\n", (unsigned long long)count);
}

static void add_histogram(
	struct text *page, const struct line *l, struct total *t, char (*bounds)[FLOAT_TEXT_MAX])
{
	histogram_sum(l->metric, t);
	for (size_t b = 0; b < l->metric->family->bucket_count; b++) {
		add_name(page, l, "_bucket", bounds[b]);
		add_count(page, t->buckets[b]);
	}
	add_name(page, l, "_bucket", "+Inf");
	add_count(page, t->count);
	add_name(page, l, "_sum", NULL);
	add_float(page, t->sum);
	text_add_char(page, '\n');
	add_name(page, l, "_count", NULL);
	add_count(page, t->count);
}

static void add_histograms(
	struct text *page, const struct metric_family *f, const struct line *lines, size_t count)
{
	struct total t = { .buckets = memory_array(f->bucket_count, sizeof *t.buckets) };
	char(*bounds)[FLOAT_TEXT_MAX] = memory_array(f->bucket_count, sizeof *bounds);
	for (size_t b = 0; b < f->bucket_count; b++)
		float_print(f->buckets[b], bounds[b]);
	for (size_t i = 0; i < count; i++)
		add_histogram(page, &lines[i], &t, bounds);
	free(bounds);
	free(t.buckets);
}

static void add_values(struct text *page, const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add_name(page, &lines[i], "", NULL);
		add_float(page, metric_value(lines[i].metric));
		text_add_char(page, '\n');
	}
}

static void add_head(struct text *page, const struct metric_family *f)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };
	text_printf(page, "# HELP %s ", f->name);
	add_escaped(page, f->help, false);
	text_printf(page, "\n# TYPE %s %s\n", f->name, kinds[f->kind]);
}

static void add_family(
	struct text *page, const struct metric_family *f, struct line *lines, size_t count)
{
	if (count == 0)
		return;
	struct label_order order = label_order(f);
	for (size_t i = 0; i < count; i++) {
		lines[i].order = &order;
		lines[i].labels = labels_text(lines[i].metric, &order);
	}
	qsort(lines, count, sizeof *lines, compare_lines);
	add_head(page, f);
	if (f->kind == METRIC_HISTOGRAM)
		add_histograms(page, f, lines, count);
	else
		add_values(page, lines, count);
	for (size_t i = 0; i < count; i++)
		free(lines[i].labels);
}

/* The family's series as they are now, copied so that nobody who looks a series up waits for the
 * page. */
static struct line *visible_series(const struct family *f, size_t *count)
{
	pthread_mutex_lock(&lock);
	struct line *lines = memory_array(f->count, sizeof *lines);
	*count = 0;
	for (size_t i = 0; i < f->slot_count; i++) {
		for (const struct metric *m = f->slots[i]; m; m = m->next) {
			if (!m->hidden)
				lines[(*count)++].metric = m;
		}
	}
	pthread_mutex_unlock(&lock);
	return lines;
}

static const struct family *next_family(const struct family *f)
{
	pthread_mutex_lock(&lock);
	const struct family *next = f ? f->next : families;
	pthread_mutex_unlock(&lock);
	return next;
}

void metrics_write(struct text *page)
{
	collect_all();
	for (const struct family *f = NULL; (f = next_family(f));) {
		size_t count;
		struct line *lines = visible_series(f, &count);
		add_family(page, f->declared, lines, count);
		free(lines);
	}
}
