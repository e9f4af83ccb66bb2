/* Puts the addresses of answers into another order each time, so that clients spread over them. */
#include "base/clock.h"
#include "base/epoch.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/random.h"
#include "plugins/loadbalance/order.h"
#include "server/plugin.h"
#include <stdatomic.h>

enum { FILE_MAX = 16 * 1024 * 1024 };

static const int64_t reload_default = 30 * (int64_t)NS_PER_S;

struct loadbalance {
	bool weighted;
	struct prefix *prefer;
	size_t prefer_count;
	const char *path;
	int64_t reload; /* ns; 0: never */
	_Atomic(struct weights *)
		weights;    /* NULL while the file could not be read: every weight is 1 */
	uint64_t read_hash; /* of the text that was read last, good or not; control thread */
	bool read;
};

/* --- set-up --- */

static bool setup_weighted(struct setup *s)
{
	struct loadbalance *l = s->state;
	struct view path;
	if (!arg_next(s, &path) || view_is(path, "{"))
		return setup_error(s, "missing weight file argument");
	struct view *more;
	if (args_rest(s, &more))
		return setup_error(s, "unexpected argument(s)");
	l->weighted = true;
	l->prefer_count = 0;
	l->reload = reload_default;
	l->path = block_path(s->block, s->arena, path);
	return true;
}

static bool loadbalance_setup(struct setup *s)
{
	struct loadbalance *l = s->state;
	struct view policy;
	struct setup ahead = *s;
	l->weighted = false;
	if (!arg_next(&ahead, &policy) || view_is(policy, "{"))
		return true;
	*s = ahead;
	if (view_is(policy, "weighted"))
		return setup_weighted(s);
	if (!view_is(policy, "round_robin"))
		return setup_error_plain(s, "unknown policy: %.*s", VIEW_ARGS(policy));
	struct view *more;
	return !args_rest(s, &more) || setup_error(s, "unexpected argument(s)");
}

static bool read_unknown(struct setup *s)
{
	const struct loadbalance *l = s->state;
	if (!l->weighted)
		return setup_error(s, "unknown property for round_robin");
	return setup_error(
		s, "unknown property '%.*s'", VIEW_ARGS(s->directive->words[s->at].text));
}

static bool read_prefer(struct setup *s)
{
	struct loadbalance *l = s->state;
	if (l->weighted)
		return read_unknown(s);
	struct view *words;
	size_t count = args_rest(s, &words), had = l->prefer_count;
	struct prefix *prefer = arena_array(s->arena, had + count, sizeof *prefer);
	if (had)
		memcpy(prefer, l->prefer, had * sizeof *prefer);
	for (size_t i = 0; i < count; i++) {
		if (!prefix_parse(words[i], &prefer[had + i]))
			return setup_error(s, "invalid CIDR \"%.*s\": invalid CIDR address: %.*s",
				VIEW_ARGS(words[i]), VIEW_ARGS(words[i]));
	}
	l->prefer = prefer;
	l->prefer_count = had + count;
	return true;
}

static bool read_reload(struct setup *s)
{
	struct loadbalance *l = s->state;
	if (!l->weighted)
		return read_unknown(s);
	struct view *words;
	const char *why;
	size_t count = args_rest(s, &words);
	if (count == 0)
		return setup_error(s, "reload duration value is missing");
	if (count > 1)
		return setup_error(s, "unexpected argument");
	if (!duration_parse(s->arena, words[0], &l->reload, &why) || l->reload < 0)
		return setup_error(s, "invalid reload duration '%.*s'", VIEW_ARGS(words[0]));
	return true;
}

/* --- the weight file: control thread --- */

enum weights_result {
	WEIGHTS_READ,
	WEIGHTS_UNCHANGED,
	WEIGHTS_NO_FILE,
	WEIGHTS_MALFORMED,
};

/* Reads the file and lets its weights take effect, if it has changed. */
static enum weights_result read_weights(struct plugin *self, struct arena *arena, const char **why)
{
	struct loadbalance *l = self->state;
	struct view text;
	if (file_read(arena, l->path, FILE_MAX, &text) != 0)
		return WEIGHTS_NO_FILE;
	uint64_t hash = hash_bytes(text.at, text.length);
	if (l->read && hash == l->read_hash)
		return WEIGHTS_UNCHANGED;
	l->read = true;
	l->read_hash = hash;
	struct weights *fresh = weights_read(text, l->path, arena, why);
	if (!fresh)
		return WEIGHTS_MALFORMED;
	struct weights *old = atomic_exchange(&l->weights, fresh);
	if (old)
		epoch_retire(old, weights_free);
	plugin_info(self, "Successfully reloaded weight file %s", l->path);
	return WEIGHTS_READ;
}

static void reload_task(struct plugin *self, void *data)
{
	struct loadbalance *l = self->state;
	(void)data;
	while (task_sleep(self, (uint64_t)l->reload)) {
		struct arena *arena = arena_new(4096);
		const char *why;
		switch (read_weights(self, arena, &why)) {
		case WEIGHTS_NO_FILE:
			plugin_error(self, "weight file open error");
			break;
		case WEIGHTS_MALFORMED:
			plugin_error(self, "%s", why);
			break;
		default:
			break;
		}
		arena_free(arena);
	}
}

static bool loadbalance_start(struct plugin *self, struct plugin *before)
{
	struct loadbalance *l = self->state;
	(void)before;
	if (!l->weighted)
		return true;
	struct arena *arena = arena_new(4096);
	const char *why;
	bool done = true;
	switch (read_weights(self, arena, &why)) {
	case WEIGHTS_NO_FILE:
		if (l->reload == 0)
			done = start_error(self, "weight file open error");
		else
			plugin_warning(self,
				"Failed to open weight file:weight file open error. Will try again "
				"in %s",
				duration_print(arena, l->reload));
		break;
	case WEIGHTS_MALFORMED:
		done = start_error(self, "%s", why);
		break;
	default:
		break;
	}
	arena_free(arena);
	if (done && l->reload > 0)
		task_start(self, reload_task, NULL);
	return done;
}

static void loadbalance_stop(struct plugin *self)
{
	struct loadbalance *l = self->state;
	struct weights *old = atomic_exchange(&l->weights, NULL);
	if (old)
		epoch_retire(old, weights_free);
}

/* --- queries --- */

static void balance_by_weight(struct loadbalance *l, struct query *q)
{
	uint16_t type = query_type(q);
	const struct weights *w = atomic_load_explicit(&l->weights, memory_order_acquire);
	static const struct weights none;
	if (type != TYPE_A && type != TYPE_AAAA && type != TYPE_SRV)
		return;
	struct message *r = reply_open(q);
	order_weighted(&r->section[SECTION_ANSWER], q->arena, w ? w : &none, random_below);
	order_weighted(&r->section[SECTION_ADDITIONAL], q->arena, w ? w : &none, random_below);
}

static void balance_round_robin(const struct loadbalance *l, struct query *q)
{
	struct message *r = reply_open(q);
	for (size_t s = 0; s < SECTION_COUNT; s++)
		order_shuffle(&r->section[s], q->arena);
	if (l->prefer_count == 0)
		return;
	order_prefer(&r->section[SECTION_ANSWER], q->arena, l->prefer, l->prefer_count);
	order_prefer(&r->section[SECTION_ADDITIONAL], q->arena, l->prefer, l->prefer_count);
}

/* Whether there is any order to change: an encoded answer from a cache is not opened for nothing. */
static bool has_order(const struct message *r)
{
	for (int id = 0; id < SECTION_COUNT; id++) {
		if (message_record_count(r, (enum section_id)id) > 1)
			return true;
	}
	return false;
}

static int loadbalance_serve(struct plugin *self, struct query *q)
{
	struct loadbalance *l = self->state;
	int rcode = next(self, q);
	bool transfer = query_type(q) == TYPE_AXFR || query_type(q) == TYPE_IXFR;
	if (!q->reply || q->reply->rcode != RCODE_NOERROR || transfer || !has_order(q->reply))
		return rcode;
	if (l->weighted)
		balance_by_weight(l, q);
	else
		balance_round_robin(l, q);
	return rcode;
}

static const struct option loadbalance_options[] = {
	{ "prefer", "CIDR...", NULL,
		"round_robin: puts addresses of these networks first, in the order of the networks",
		read_prefer },
	{ "reload", "DURATION", "30s",
		"weighted: how often the weight file is looked at; 0s: never", read_reload },
	{ "*", NULL, NULL, NULL, read_unknown },
	{ 0 },
};

PLUGIN(loadbalance) = {
	.name = "loadbalance",
	.arguments = "[round_robin | weighted WEIGHTFILE]",
	.help = "changes the order of addresses in answers",
	.about = "round_robin shuffles addresses and MX records. weighted puts one address first, "
		 "drawn by the weights in WEIGHTFILE: a "
		 "line with a name, then a line for each of its addresses with a weight from 1 to "
		 "255; addresses that the file "
		 "does not have weigh 1. A file that has become unreadable or malformed leaves the "
		 "weights as they were.",
	.options = loadbalance_options,
	.state_size = sizeof(struct loadbalance),
	.setup = loadbalance_setup,
	.start = loadbalance_start,
	.stop = loadbalance_stop,
	.serve = loadbalance_serve,
};
