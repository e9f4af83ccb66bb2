/* Reading of etcd's answers. Unknown fields are passed over, as everywhere in protocol buffers. */
#include "sync/etcd_message.h"

#include "base/protobuf.h"

enum {
	HEADER = 1,
	HEADER_REVISION = 3,
	PAIR_KEY = 1,
	PAIR_CREATED = 2,
	PAIR_MODIFIED = 3,
	PAIR_VALUE = 5,
	PAIR_LEASE = 6,
	RANGE_PAIRS = 2,
	RANGE_MORE = 3,
	WATCH_ID = 2,
	WATCH_CREATED = 3,
	WATCH_CANCELED = 4,
	WATCH_COMPACTED = 5,
	WATCH_REASON = 6,
	WATCH_FRAGMENT = 7,
	WATCH_EVENTS = 11,
	EVENT_TYPE = 1,
	EVENT_PAIR = 2,
};

/* ResponseHeader */
static bool read_revision(struct view message, int64_t *revision)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_number(&f, HEADER_REVISION))
			*revision = (int64_t)f.value;
	}
	return !r.failed;
}

/* KeyValue */
static bool read_pair(struct view message, struct etcd_pair *pair)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	*pair = (struct etcd_pair){ .key = VIEW(""), .value = VIEW("") };
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_octets(&f, PAIR_KEY))
			pair->key = f.octets;
		else if (protobuf_is_octets(&f, PAIR_VALUE))
			pair->value = f.octets;
		else if (protobuf_is_number(&f, PAIR_CREATED))
			pair->created = (int64_t)f.value;
		else if (protobuf_is_number(&f, PAIR_MODIFIED))
			pair->modified = (int64_t)f.value;
		else if (protobuf_is_number(&f, PAIR_LEASE))
			pair->lease = (int64_t)f.value;
	}
	return !r.failed;
}

bool etcd_read_page(struct view message, etcd_taker *take, void *owner, struct etcd_page *page)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	struct etcd_pair pair;
	*page = (struct etcd_page){ .last = VIEW("") };
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_octets(&f, HEADER) && !read_revision(f.octets, &page->revision))
			return false;
		if (protobuf_is_number(&f, RANGE_MORE))
			page->more = f.value != 0;
		if (!protobuf_is_octets(&f, RANGE_PAIRS) || page->stopped)
			continue;
		if (!read_pair(f.octets, &pair))
			return false;
		page->count++;
		page->last = pair.key;
		page->stopped = !take(owner, &pair);
	}
	return !r.failed;
}

static bool read_event(struct view message, const struct etcd_watch *w, int64_t *revision)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	struct etcd_pair pair = { .key = VIEW("") };
	bool deleted = false;
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_number(&f, EVENT_TYPE))
			deleted = f.value != 0;
		else if (protobuf_is_octets(&f, EVENT_PAIR) && !read_pair(f.octets, &pair))
			return false;
	}
	if (!r.failed && pair.key.length)
		w->changed(w->owner, &pair, deleted);
	*revision = pair.modified;
	return !r.failed;
}

bool etcd_read_news(struct view message, const struct etcd_watch *w, struct etcd_news *news)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	*news = (struct etcd_news){ .reason = VIEW("") };
	while (protobuf_next(&r, &f)) {
		if (protobuf_is_octets(&f, HEADER) && !read_revision(f.octets, &news->revision))
			return false;
		if (protobuf_is_number(&f, WATCH_ID))
			news->of_stream = (int64_t)f.value < 0;
		else if (protobuf_is_number(&f, WATCH_CREATED))
			news->created = f.value != 0;
		else if (protobuf_is_number(&f, WATCH_CANCELED))
			news->canceled = f.value != 0;
		else if (protobuf_is_number(&f, WATCH_COMPACTED))
			news->compacted = (int64_t)f.value;
		else if (protobuf_is_octets(&f, WATCH_REASON))
			news->reason = f.octets;
		else if (protobuf_is_number(&f, WATCH_FRAGMENT))
			news->fragment = f.value != 0;
		else if (protobuf_is_octets(&f, WATCH_EVENTS)) {
			news->events++;
			if (!read_event(f.octets, w, &news->last))
				return false;
		}
	}
	return !r.failed;
}

bool etcd_read_plain(struct view message, struct etcd_plain *plain)
{
	struct protobuf_reader r = protobuf_reader(message);
	struct protobuf_field f;
	*plain = (struct etcd_plain){ 0 };
	while (protobuf_next(&r, &f)) {
		if (f.number < 2 || f.number >= sizeof plain->number / sizeof plain->number[0])
			continue;
		plain->number[f.number] = f.value;
		plain->octets[f.number] = f.octets;
	}
	return !r.failed;
}
