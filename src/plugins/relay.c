/* Passing queries on: options, policies, certificates, answers. */
#include "plugins/relay.h"

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "server/block.h"
#include "server/setup.h"

enum { CERTIFICATE_MAX = 1 << 20 };

/* --- options --- */

size_t relay_read_from(struct setup *s, struct relay *r, struct view word)
{
	struct name *zones;
	size_t count = corefile_zones(s->arena, word, &zones);
	if (count)
		r->from = zones[0];
	else
		setup_error_plain(s, "unable to normalize '%.*s'", VIEW_ARGS(word));
	return count;
}

bool relay_read_except(struct setup *s, struct relay *r)
{
	struct view *words;
	size_t words_count = args_rest(s, &words);
	for (size_t i = 0; i < words_count; i++) {
		struct name *zones;
		size_t count = corefile_zones(s->arena, words[i], &zones);
		if (!count)
			continue;
		struct name *all = arena_array(s->arena, r->except_count + count, sizeof *all);
		if (r->except_count)
			memcpy(all, r->except, r->except_count * sizeof *all);
		memcpy(all + r->except_count, zones, count * sizeof *all);
		r->except = all;
		r->except_count += count;
	}
	return words_count > 0 || setup_argument_error(s);
}

/* Whether a certificate or key can be read; errno else. */
static int file_error(struct setup *s, struct view path, const char **full)
{
	struct arena *scratch = arena_new(4096);
	struct view content;
	*full = block_path(s->block, s->arena, path);
	int error = s->checking ? 0 : file_read(scratch, *full, CERTIFICATE_MAX, &content);
	arena_free(scratch);
	return error;
}

static bool read_authorities(struct setup *s, struct view path, const char **to)
{
	int error = file_error(s, path, to);
	return !error ||
	       setup_error_plain(s, "error reading %s: open %s: %s", *to, *to, error_text(error));
}

static bool read_certificate(struct setup *s, struct view path, const char **to)
{
	int error = file_error(s, path, to);
	return !error ||
	       setup_error_plain(s, "could not load TLS cert: open %s: %s", *to, error_text(error));
}

bool relay_read_tls(struct setup *s, struct relay *r)
{
	setup_secret(s);
	struct tls_settings *t = &r->credentials.settings;
	struct view *words;
	size_t count = args_rest(s, &words);
	if (count > 3)
		return setup_argument_error(s);
	*t = (struct tls_settings){ 0 };
	if (count >= 2 && (!read_certificate(s, words[0], &t->certificate) ||
				  !read_certificate(s, words[1], &t->key)))
		return false;
	return count % 2 == 0 || read_authorities(s, words[count - 1], &t->authorities);
}

bool relay_read_policy(struct setup *s, struct relay *r)
{
	static const char *const names[] = { "random", "round_robin", "sequential" };
	struct view word;
	if (!arg_need(s, &word))
		return false;
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		if (view_is(word, names[i])) {
			r->policy = i;
			return true;
		}
	}
	return setup_error(s, "unknown policy '%.*s'", VIEW_ARGS(word));
}

/* --- certificates --- */

bool relay_load(struct setup *s, struct relay *r)
{
	const char *why;
	r->credentials.settings.is_client = true;
	r->credentials.settings.keylog = -1;
	return credentials_open(&r->credentials, s->arena, &why) || setup_error_plain(s, "%s", why);
}

void relay_start(struct plugin *self, struct relay *r)
{
	if (credentials_now(&r->credentials))
		credentials_start(self, &r->credentials, NULL);
}

/* --- queries --- */

bool relay_takes(const struct relay *r, struct name qname)
{
	struct name zone;
	if (!name_is_under(qname, r->from))
		return false;
	return name_equal(qname, r->from) || !zones_match(r->except, r->except_count, qname, &zone);
}

static void shuffle(uint16_t *order, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = random_below((uint32_t)i);
		uint16_t swapped = order[i - 1];
		order[i - 1] = order[j];
		order[j] = swapped;
	}
}

void relay_order(struct relay *r, size_t count, uint16_t *order)
{
	for (size_t i = 0; i < count; i++)
		order[i] = (uint16_t)i;
	if (count <= 1)
		return;
	if (r->policy == POLICY_RANDOM) {
		shuffle(order, count);
	} else if (r->policy == POLICY_ROUND_ROBIN) {
		uint32_t turn = atomic_fetch_add_explicit(&r->turn, 1, memory_order_relaxed) + 1;
		size_t first = turn % count;
		for (size_t i = first; i > 0; i--)
			order[i] = order[i - 1];
		order[0] = (uint16_t)first;
	}
}

/* --- answers --- */

/* Reads an answer's records, for those that must be written anew. One over UDP that was cut short without saying so is as good as
 * one that says so. */
static bool read_records(struct query *q, const struct relay_answer *answer, struct message *m)
{
	enum message_result result = message_read(m, q->arena, answer->wire, answer->length);
	if (result == MESSAGE_BAD_RECORDS && !answer->stream) {
		for (size_t i = 0; i < SECTION_COUNT; i++)
			section_clear(&m->section[i]);
		m->edns.present = false;
		m->flags |= FLAG_TC;
		return true;
	}
	return result == MESSAGE_OK || result == MESSAGE_NO_QUESTION;
}

/* Where the question's letters are not the client's, so are those of names that point there. */
struct message *relay_reply(struct query *q, const struct relay_answer *answer, const char **error)
{
	struct message *m = arena_new_object(q->arena, struct message);
	bool as_it_is = !answer->renamed &&
			message_read_encoded(m, q->arena, answer->wire, answer->length);
	if (!as_it_is && !read_records(q, answer, m)) {
		*error = "dns: malformed answer";
		return NULL;
	}
	if (!m->has_question || answer->renamed) {
		m->has_question = true;
		m->question = q->request.question;
	}
	m->id = q->request.id;
	return m;
}
