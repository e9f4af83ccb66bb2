/* Looks now and then whether the Corefile has changed, and lets the new one go live. */
#include "server/reload.h"

#include "base/clock.h"
#include "base/random.h"
#include "server/plugin.h"

struct reload {
	int64_t interval, jitter; /* ns */
	bool read;                /* only the first line counts */
};

static const struct metric_family version_info = {
	.name = "coredns_reload_version_info",
	.help = "A metric with a constant '1' value labeled by hash, and value which type of hash "
		"generated.",
	.kind = METRIC_GAUGE,
	.labels = { "hash", "value" },
};

static const struct metric_family failed_total = {
	.name = "coredns_reload_failed_total",
	.help = "Counter of the number of failed reload attempts.",
	.kind = METRIC_COUNTER,
};

static const struct metric_family *const metrics[] = { &version_info, &failed_total, NULL };

static void reload_init(struct setup *s)
{
	struct reload *r = s->state;
	r->interval = 30 * (int64_t)NS_PER_S;
	r->jitter = 15 * (int64_t)NS_PER_S;
}

static bool read_raw_duration(struct setup *s, struct view word, int64_t *ns)
{
	const char *why;
	return duration_parse(s->arena, word, ns, &why) || setup_error_plain(s, "%s", why);
}

static bool read_times(struct setup *s, int64_t *interval, int64_t *jitter)
{
	struct view word;
	if (!arg_next(s, &word))
		return true;
	if (!read_raw_duration(s, word, interval))
		return false;
	if (*interval < 2 * (int64_t)NS_PER_S)
		return setup_error_plain(s, "interval value must be greater or equal to 2s");
	if (!arg_next(s, &word))
		return true;
	if (!read_raw_duration(s, word, jitter))
		return false;
	if (*jitter != 0 && *jitter < (int64_t)NS_PER_S)
		return setup_error_plain(s, "jitter value must be 0 or greater or equal to 1s");
	return arg_end(s);
}

static bool reload_setup(struct setup *s)
{
	struct reload *r = s->state;
	int64_t interval = r->interval, jitter = r->jitter;
	if (!read_times(s, &interval, &jitter))
		return false;
	if (r->read) {
		setup_warning(s, "only the first 'reload' of a block counts");
		return true;
	}
	*r = (struct reload){ interval, jitter, true };
	return true;
}

static void show_version(struct plugin *self)
{
	char fingerprint[129];
	reload_fingerprint(fingerprint);
	metric_family_clear(&version_info);
	metric_set(metric_get(&version_info,
			   (struct view[]){ VIEW("sha512"), view_of(fingerprint) }), 1);
	plugin_info(self, "Running configuration SHA512 = %s", fingerprint);
}

/* The jitter keeps a fleet of servers from reloading in the same second. */
static uint64_t period(const struct reload *r)
{
	int64_t jitter = r->jitter > r->interval / 2 ? r->interval / 2 : r->jitter;
	uint32_t ms = (uint32_t)(jitter / (int64_t)NS_PER_MS);
	int64_t shift = ms ? (int64_t)random_below(ms) * (int64_t)NS_PER_MS - jitter / 2 : 0;
	return (uint64_t)(r->interval + shift);
}

static void watch(struct plugin *self, void *data)
{
	struct metric *failed = data;
	uint64_t ns = period(self->state);
	while (task_sleep(self, ns)) {
		enum reload_result result = reload_if_changed();
		if (result == RELOAD_FAILED)
			metric_add(failed, 1);
		if (result == RELOAD_DONE)
			return;
	}
}

static void reload_started(struct plugin *self)
{
	show_version(self);
	if (reload_possible())
		task_start(self, watch, metric_get(&failed_total, NULL));
}

PLUGIN(reload) = {
	.name = "reload",
	.arguments = "[INTERVAL] [JITTER]",
	.help = "reads the Corefile again when it has changed, and lets it go live without losing a query",
	.about = "INTERVAL is how often the Corefile is looked at (default 30s, at least 2s), JITTER spreads the "
		 "looks of many servers (default 15s, 0 or at least 1s, cut to half the interval).\n\n"
		 "A Corefile that does not parse, has no server block or cannot go live leaves the one that runs in place; "
		 "the log says why. Standard input is not read again.",
	.metrics = metrics,
	.state_size = sizeof(struct reload),
	.init = reload_init,
	.setup = reload_setup,
	.started = reload_started,
};
