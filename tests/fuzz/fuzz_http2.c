/*
 * Octets of an HTTP/2 client, cut into pieces: the session takes them within its limits, every request that it gives is answered
 * once, now or some requests later, and nothing is left when it is freed. The first octet says which service, how long pieces
 * are and how long answers wait.
 */
#include "fuzz.h"
#include "net/doh.h"
#include "net/grpc.h"
#include "net/http2.h"

enum { HELD_MAX = 4, STREAMS = 16 };

struct held {
	struct http2_exchange *exchanges[HELD_MAX];
	struct view messages[HELD_MAX];
	uint64_t sums[HELD_MAX];
	size_t count;
};

static uint64_t sum(struct view v)
{
	uint64_t s = v.length;
	for (size_t i = 0; i < v.length; i++)
		s = (s ^ (unsigned char)v.at[i]) * 0x100000001b3;
	return s;
}

/* The message has stayed as it was. */
static void answer_first(struct http2_session *s, struct held *h)
{
	static uint8_t octets[UINT16_MAX];
	size_t length = h->messages[0].length;
	struct incoming in = { .answer = octets, .answer_length = length * 7 % UINT16_MAX,
		.outcome = (enum incoming_outcome)(length % (INCOMING_MALFORMED + 1)) };
	MUST(sum(h->messages[0]) == h->sums[0]);
	http2_answer(s, h->exchanges[0], &in);
	h->count--;
	memmove(h->exchanges, h->exchanges + 1, h->count * sizeof h->exchanges[0]);
	memmove(h->messages, h->messages + 1, h->count * sizeof h->messages[0]);
	memmove(h->sums, h->sums + 1, h->count * sizeof h->sums[0]);
}

static void take_requests(struct http2_session *s, struct held *h, size_t most)
{
	struct http2_exchange *e;
	struct view message;
	uint64_t timeout;
	while ((e = http2_next(s, &message, &timeout))) {
		MUST(message.length <= UINT16_MAX);
		h->exchanges[h->count] = e;
		h->messages[h->count] = message;
		h->sums[h->count++] = sum(message);
		while (h->count >= most)
			answer_first(s, h);
	}
}

static void drain(struct http2_session *s)
{
	struct view octets;
	bool ends;
	while (http2_output(s, &octets, &ends))
		MUST(octets.length > 0);
}

static void run(struct http2_session *s, struct view octets, size_t piece, size_t most)
{
	struct held h = { .count = 0 };
	bool goes_on = true;
	while (octets.length && goes_on) {
		size_t n = octets.length < piece ? octets.length : piece;
		goes_on = http2_receive(s, view_first(octets, n));
		octets = view_skip(octets, n);
		take_requests(s, &h, most);
		drain(s);
	}
	http2_stop(s);
	while (h.count)
		answer_first(s, &h);
	drain(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_counts uncounted;
	if (size < 2)
		return 0;
	transports = &isthmus_transports;
	struct http2_settings settings = { data[0] & 1 ? &grpc_service : &doh_service, STREAMS, &uncounted };
	struct http2_session *s = http2_server(&settings);
	size_t piece = data[0] & 2 ? SIZE_MAX : (size_t)1 + (data[0] >> 4);
	run(s, (struct view){ (const char *)data + 1, size - 1 }, piece, 1 + (data[0] >> 2 & 3));
	http2_free(s);
	return 0;
}
