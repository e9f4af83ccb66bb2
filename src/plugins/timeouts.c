/* Time limits of TCP and TLS connections. */
#include "base/clock.h"
#include "server/block.h"

static const int64_t duration_max = 24 * 3600 * (int64_t)NS_PER_S;

/* A duration; a bare number counts seconds, unlike elsewhere. */
static bool read_duration(struct setup *s, uint64_t *to)
{
	struct view word;
	const char *why;
	uint64_t seconds;
	int64_t ns;
	if (!arg_need(s, &word) || !arg_end(s))
		return false;
	if (view_unsigned(word, UINT32_MAX, &seconds))
		ns = (int64_t)(seconds * NS_PER_S);
	else if (!duration_parse(s->arena, word, &ns, &why))
		return setup_error(s, "failed to parse duration '%.*s'", VIEW_ARGS(word));
	if (ns < (int64_t)NS_PER_S || ns > duration_max)
		return setup_error(s,
			"timeout provided '%.*s' needs to be between 1 second and 24 hours",
			VIEW_ARGS(word));
	*to = (uint64_t)ns;
	return true;
}

static bool read_read(struct setup *s)
{
	return read_duration(s, &s->block->read_timeout);
}

static bool read_write(struct setup *s)
{
	return read_duration(s, &s->block->write_timeout);
}

static bool read_idle(struct setup *s)
{
	return read_duration(s, &s->block->idle_timeout);
}

static bool read_queries(struct setup *s)
{
	struct view word;
	int32_t n;
	if (!arg_need(s, &word) || !arg_end(s))
		return false;
	if (!view_integer(word, &n))
		return setup_error(s,
			"invalid value for maxtcpqueries '%.*s': strconv.Atoi: parsing \"%.*s\": "
			"invalid syntax",
			VIEW_ARGS(word), VIEW_ARGS(word));
	if (n == 0 || n < -1)
		return setup_error(s,
			"maxtcpqueries provided '%.*s' needs to be -1 (unlimited) or a positive "
			"integer",
			VIEW_ARGS(word));
	s->block->queries_max = n;
	return true;
}

static bool timeouts_finish(struct setup *s)
{
	const struct block *b = s->block;
	if (!b->read_timeout && !b->write_timeout && !b->idle_timeout && !b->queries_max)
		return setup_error(s, "timeouts block with no timeouts specified");
	return true;
}

static const struct option timeouts_options[] = {
	{ "read", "DURATION", "3s",
		"for a connection's first query, TLS handshake included, and for the rest of one that has begun",
		read_read },
	{ "write", "DURATION", "5s", "until a client that reads nothing is cut off", read_write },
	{ "idle", "DURATION", "10s", "between an answer and the next query", read_idle },
	{ "maxtcpqueries", "N", "-1", "closes a connection after N queries; -1: never",
		read_queries },
	{ 0 },
};

PLUGIN(timeouts) = {
	.name = "timeouts",
	.help = "sets the time limits of connections",
	.about = "Durations are 1s to 24h; a bare number counts seconds. Where several blocks "
		 "share a listener, the last one that "
		 "sets a limit decides.",
	.options = timeouts_options,
	.finish = timeouts_finish,
};
