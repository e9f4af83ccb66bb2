/* One answer of an API. */
#include "sync/mirror_get.h"

#include "sync/http_answer.h"
#include "sync/secret.h"

/* An answer that unpacks to more is no list of records. */
static const size_t page_octets_max = 64u << 20, body_octets_max = 256u << 10;
static const uint64_t connect_timeout = 10 * NS_PER_S, timeout = 120 * NS_PER_S, silence = 30 * NS_PER_S;

/* One attempt. */
struct asking {
	struct mirror_listing *listing;
	const struct mirror_get *get;
	struct text body;
	size_t octets;
	bool success, too_long, broken;
};

static bool on_head(void *owner, long status, struct view type)
{
	struct asking *a = owner;
	(void)type;
	a->success = status >= 200 && status < 300;
	return true;
}

static bool on_octets(void *owner, struct view octets)
{
	struct asking *a = owner;
	bool to_page = a->success && a->get->page;
	a->octets += octets.length;
	a->too_long = a->octets > (to_page ? page_octets_max : body_octets_max);
	if (a->too_long)
		return false;
	if (!to_page) {
		text_add(&a->body, octets);
		return true;
	}
	a->broken = !json_page_feed(a->get->page, octets);
	return !a->broken;
}

static struct http_result send_get(struct asking *a, const char *authorization)
{
	const struct mirror_get *g = a->get;
	const char *const headers[] = { authorization, "Accept: application/json", "User-Agent: isthmus/" ISTHMUS_VERSION,
		g->header, NULL };
	struct http_request r = { .url = g->url,
		.headers = headers,
		.stay = true,
		.connect_timeout = connect_timeout,
		.timeout = timeout,
		.silence = silence,
		.stop = a->listing->stop,
		.head = on_head,
		.receive = on_octets,
		.owner = a };
	if (g->page)
		json_page_begin(g->page, g->kind, g->owner);
	struct http_result result = http_perform(a->listing->http, &r);
	mirror_count_request(a->listing, result.status);
	return result;
}

/* What is wrong with an answer that came to its end, or did not; NULL: nothing but perhaps its status. */
static const char *problem_of(const struct asking *a, const struct http_result *r)
{
	if (a->too_long)
		return "the answer is too large";
	if (a->broken)
		return "the answer is not the JSON that was asked for";
	if (r->end != HTTP_DONE)
		return arena_string(a->listing->arena, view_of(r->error));
	if (a->success && a->get->page && !json_page_complete(a->get->page))
		return "unexpected end of JSON input";
	return NULL;
}

enum verdict { DONE, AGAIN, THROTTLED, TOKEN_REFUSED, FAILED };

static enum verdict judge(const struct asking *a, const struct http_result *r, struct mirror_got *got)
{
	struct mirror_listing *l = a->listing;
	if (l->error || (l->stop && atomic_load(l->stop)))
		return FAILED;
	if (got->why)
		return a->too_long ? FAILED : AGAIN;
	if (a->success)
		return DONE;
	if (r->status == 401)
		return TOKEN_REFUSED;
	bool limited = r->status == 403 && a->get->is_throttled && a->get->is_throttled(l->arena, got->body);
	if (limited || r->status == 429)
		return THROTTLED;
	return http_may_recover(r) ? AGAIN : FAILED;
}

/* One attempt; a token's service has been asked as often as makes sense already. */
static enum verdict ask_once(struct mirror_listing *l, const struct mirror_get *g, struct mirror_got *got, long *retry_after)
{
	struct asking a = { .listing = l, .get = g };
	const char *authorization;
	*got = (struct mirror_got){ 0 };
	*retry_after = 0;
	enum bearer_outcome outcome = bearer_header(g->bearer, l->arena, &authorization, &got->why);
	l->throttled = outcome == BEARER_THROTTLED;
	if (outcome != BEARER_GRANTED)
		return FAILED;
	struct http_result r = send_get(&a, authorization);
	got->status = r.status;
	got->why = problem_of(&a, &r);
	got->body = secret_hide(l->arena, arena_copy(l->arena, text_view(&a.body)),
		view_skip(view_of(authorization), sizeof BEARER_PREFIX - 1));
	text_free(&a.body);
	enum verdict verdict = judge(&a, &r, got);
	if (verdict == TOKEN_REFUSED)
		bearer_drop(g->bearer, authorization);
	*retry_after = r.retry_after;
	return verdict;
}

bool mirror_get(struct mirror_listing *l, const struct mirror_get *g, struct mirror_got *got)
{
	struct attempts attempts = { .stop = l->stop, .allowance = g->allowance };
	bool renewed = false;
	*got = (struct mirror_got){ .why = "stopped" };
	while (attempts_next(&attempts)) {
		long retry_after;
		enum verdict verdict = ask_once(l, g, got, &retry_after);
		if (verdict == TOKEN_REFUSED && !renewed) {
			renewed = true;
			verdict = ask_once(l, g, got, &retry_after);
		}
		if (verdict == DONE)
			return true;
		if (verdict == FAILED || verdict == TOKEN_REFUSED)
			return false;
		l->throttled = verdict == THROTTLED;
		attempts_failed(&attempts, l->throttled, retry_after);
	}
	return false;
}
