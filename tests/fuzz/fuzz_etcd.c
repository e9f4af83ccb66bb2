/* Any octets as what etcd sends: a stream of gRPC messages, each read as every message that the client knows; and values as records. */
#include "fuzz.h"

#include "plugins/etcd/state.h"
#include "sync/etcd_message.h"
#include "sync/grpc_call.h"
#include <stdlib.h>

enum { MESSAGE_MAX = 1 << 16 };

struct told {
	const char *from, *to; /* the message */
	size_t count;
};

static void look(struct told *t, struct view v)
{
	MUST(v.length == 0 || (v.at >= t->from && v.at + v.length <= t->to));
}

static void read_record(struct view key, struct view value)
{
	const char *why;
	struct service *s = service_read(key, value, &why);
	MUST(s->broken == (why != NULL));
	MUST(view_equal(service_key(s), key));
	MUST(s->port >= -1 && s->port <= UINT16_MAX && s->strip >= -1);
	MUST(!s->broken || (!s->host_length && !s->text_length && !s->group_length));
	struct service *copy = service_copy(s);
	MUST(view_equal(service_host(copy), service_host(s)) && view_equal(service_group(copy), service_group(s)));
	free(copy);
	free(s);
}

static bool take(void *owner, const struct etcd_pair *pair)
{
	struct told *t = owner;
	look(t, pair->key);
	look(t, pair->value);
	if (pair->key.length <= SERVICE_KEY_MAX)
		read_record(pair->key, pair->value);
	return ++t->count < 100;
}

static void changed(void *owner, const struct etcd_pair *pair, bool deleted)
{
	(void)deleted;
	MUST(pair->key.length);
	take(owner, pair);
}

static void read_message(struct view message)
{
	struct told t = { message.at, message.at + message.length, 0 };
	struct etcd_page page;
	struct etcd_news news;
	struct etcd_plain plain;
	struct etcd_watch watch = { .changed = changed, .owner = &t };
	if (etcd_read_page(message, take, &t, &page))
		look(&t, page.last);
	if (etcd_read_news(message, &watch, &news))
		look(&t, news.reason);
	if (etcd_read_plain(message, &plain)) {
		MUST(plain.number[0] == 0 && plain.number[1] == 0);
		for (size_t i = 2; i < 5; i++)
			look(&t, plain.octets[i]);
	}
}

static void take_state(void *owner, struct service *s, int64_t lease)
{
	(void)owner;
	(void)lease;
	MUST(s->key_length && s->key_length <= SERVICE_KEY_MAX && s->port >= -1 && s->strip >= -1);
	free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view rest = { (const char *)data, size }, message;
	size_t used;
	const char *why;
	read_record(VIEW("/skydns/x"), rest);
	etcd_state_take(rest, "", take_state, NULL, &why);
	read_message(rest);
	while (grpc_next_message(rest, MESSAGE_MAX, &message, &used) > 0) {
		MUST(used >= message.length && used <= rest.length && message.length <= MESSAGE_MAX);
		read_message(message);
		rest = view_skip(rest, used);
	}
	return 0;
}
